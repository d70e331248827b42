#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "graph/registry.h"
#include "io/onnx/export.h"
#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata::test {
namespace {

using namespace layers;

std::string temporary(const std::string& name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }

using test::message_of;

// A new op must say what becomes of it in an ONNX file.
TEST(OnnxExport, EveryOpHasARowOrAReason) {
  for (const OpRow& row : registry().rows()) {
    const bool has_row = onnx::export_table().find(row.name) != nullptr;
    const bool has_reason = !onnx::reason_without_row(row.name).empty();
    EXPECT_TRUE(has_row || has_reason) << "op '" << row.name
                                       << "': add a row to src/io/onnx/export_<family>.cpp, or a reason to the list in "
                                          "export_index.cpp";
    EXPECT_FALSE(has_row && has_reason) << "op '" << row.name << "' has both a row and a reason to have none";
  }
}

TEST(OnnxExport, AnUnbuiltModelSaysWhatToDo) {
  Sequential model({Dense(3, {.name = "only"})}, {.name = "plain"});
  const std::string text = message_of<ValueError>([&] { onnx::save(model, temporary("unbuilt.onnx")); });
  EXPECT_NE(text.find("Sequential 'plain' is not built"), std::string::npos) << text;
  EXPECT_NE(text.find("build({None, ...})"), std::string::npos) << text;
}

TEST(OnnxExport, QuantizedModelsHaveEightBits) {
  const Sequential model({Input({64}), Dense(64, {.name = "only"})});
  const Tensor x = random::normal({8, 64}, {.seed = 2});
  const Model quantized = quantization::quantize_model(model),
              few = quantization::quantize_model(model, {.num_bits = 4});
  for (const Model& m : {quantized, few}) quantization::calibrate(m, x);
  const std::string plain = temporary("plain.onnx"), bytes = temporary("bytes.onnx");
  onnx::save(model, plain);
  onnx::save(quantized, bytes);
  EXPECT_LT(std::filesystem::file_size(bytes), std::filesystem::file_size(plain) / 2);
  const std::string text = message_of<ValueError>([&] { onnx::save(few, temporary("few.onnx")); });
  EXPECT_NE(text.find("only' cannot be exported: ONNX quantizes to 8 bits, not to 4"), std::string::npos) << text;
}

class Sorted : public CustomLayer<Sorted> {
 public:
  Tensor call(const Tensor& x) const { return lgamma(x); }
};

TEST(OnnxExport, AnOpThatOnnxLacksIsNamedWithItsLayer) {
  Tensor x = Input({4});
  Model model(x, Sorted()(Dense(4)(x)), {.name = "special"});
  const std::string path = temporary("kept.onnx");
  std::ofstream(path) << "old";
  const std::string text = message_of<ValueError>([&] { onnx::save(model, path); });
  EXPECT_NE(text.find("op 'lgamma' of layer 'special/sorted' cannot be exported"), std::string::npos) << text;
  std::string kept;
  std::ifstream(path) >> kept;
  EXPECT_EQ(kept, "old");
}

TEST(OnnxExport, AFolderThatIsNotThereIsAnError) {
  Sequential model({Input({2}), Dense(1)});
  EXPECT_THROW(onnx::save(model, "/nowhere/model.onnx"), FileError);
}

}  // namespace
}  // namespace strata::test
