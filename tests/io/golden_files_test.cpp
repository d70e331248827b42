// Files that Keras, TensorFlow, ONNX's own library and earlier versions of strata wrote are read, with the outputs that
// they had. tools/golden/files.py and tests/interop/programs/write_golden_files.cpp wrote them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "strata/strata.h"

namespace strata::test {
namespace {

using namespace layers;

std::string golden(const std::string& name) {
  const char* dir = std::getenv("STRATA_GOLDEN_DIR");
  return std::string(dir == nullptr ? "." : dir) + "/files/" + name;
}

Tensor inputs() { return reshape(range(0.f, 12.f), {4, 3}) * (2.f / 11.f) - 1.f; }

void expect_outputs(const Model& model, const std::string& outputs) {
  const Tensor want = load_npy(golden(outputs)), got = model.predict(inputs(), {.verbose = 0});
  ASSERT_EQ(got.shape(), want.shape());
  EXPECT_LE(reduce_max(abs(got - want)).item<float>(), 1e-6f);
}

class GoldenModels : public testing::TestWithParam<const char*> {};
TEST_P(GoldenModels, GiveTheirOutputs) {
  const std::string name = GetParam();
  const bool is_onnx = name.ends_with(".onnx");
  const Model model = is_onnx ? onnx::load(golden(name)) : load_model(golden(name));
  expect_outputs(model, name.starts_with("strata_") ? name.substr(0, 9) + ".outputs.npy" : name + ".outputs.npy");
}
INSTANTIATE_TEST_SUITE_P(Files, GoldenModels,
                         testing::Values("keras2_saved_model", "keras3_export", "opset17.onnx", "strata_v1.keras",
                                         "strata_v1.h5", "strata_v1_saved_model", "strata_v1.onnx"));

Model golden_model() {
  Tensor in = Input({3}, {.name = "x"});
  return Model(in,
               Dense(1, {.name = "last"})(BatchNormalization()(Dense(2, {.activation = "relu", .name = "first"})(in))));
}

TEST(GoldenFiles, WeightsOfEveryFormat) {
  for (const char* name : {"strata_v1.weights.h5", "strata_v1_weights.h5", "strata_v1.npz"}) {
    SCOPED_TRACE(name);
    const Model model = golden_model();
    EXPECT_EQ(model.load_weights(golden(name)).matched.size(), 8u);
    expect_outputs(model, "strata_v1.outputs.npy");
  }
}

TEST(GoldenFiles, Checkpoint) {
  const Model model = golden_model();
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mse"});
  Checkpoint({{"model", model}, {"optimizer", model.optimizer()}}).restore(golden("strata_v1_checkpoint"));
  EXPECT_EQ(model.optimizer().iterations().read().item<int>(), 1);
  expect_outputs(model, "strata_v1.outputs.npy");
}

TEST(GoldenFiles, Artifact) {
  const Artifact app(golden("strata_v1.strata"));
  EXPECT_EQ(app.class_names(), (std::vector<std::string>{"cat", "dog"}));
}

}  // namespace
}  // namespace strata::test
