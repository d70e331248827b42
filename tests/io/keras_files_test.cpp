// Weights and whole models in the formats of Keras 2 and 3.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "io/hdf5/reader.h"
#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using namespace layers;
namespace fs = std::filesystem;

std::string temporary(const std::string& name) { return (fs::path(testing::TempDir()) / name).string(); }
std::string golden(const std::string& name) {
  const char* dir = std::getenv("STRATA_GOLDEN_DIR");
  return std::string(dir == nullptr ? "." : dir) + "/files/" + name;
}
std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
using test::message_of;

class Block : public CustomLayer<Block> {
 public:
  void build(const Shape&) const { gain_.create({}, {.initializer = "ones"}); }
  Tensor call(const Tensor& x) const { return gain_ * norm_(conv_(x)); }

 private:
  Conv2D conv_ = track("conv", Conv2D(4, 3, {.padding = "same"}));
  BatchNormalization norm_ = track("norm", BatchNormalization());
  Variable gain_ = weight("gain");
};

class Net : public CustomModel<Net> {
 public:
  Tensor call(const Tensor& x) const {
    Tensor y = block_(x);
    for (const Dense& head : heads_) y = head(y);
    return y;
  }

 private:
  Block block_ = track("block", Block());
  std::vector<Dense> heads_ = track("heads", 2, [](int i) { return Dense(3 + i); });
};

void expect_equal_weights(const Model& a, const Model& b) {
  const auto va = a.weights(), vb = b.weights();
  ASSERT_EQ(va.size(), vb.size());
  for (std::size_t i = 0; i < va.size(); ++i)
    EXPECT_EQ(reduce_max(abs(va[i].read() - vb[i].read())).item<float>(), 0) << va[i].path();
}

Sequential small() { return Sequential({Input({4}), Dense(3, {.name = "first"}), Dense(2, {.name = "last"})}); }

// capability: 6.8
TEST(KerasWeights, BothLayoutsComeBackForSubclassedModels) {
  Net net;
  net.build({None, 5, 5, 2});
  for (const char* name : {"net.h5", "net.weights.h5"}) {
    net.save_weights(temporary(name));
    Net fresh;
    fresh.build({None, 5, 5, 2});
    const LoadReport report = fresh.load_weights(temporary(name));
    EXPECT_EQ(report.matched.size(), net.weights().size());
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty() && report.mismatched.empty());
    expect_equal_weights(net, fresh);
  }
}

TEST(KerasWeights, PathsOfKeras3AreThoseOfTheAttributes) {
  Net net;
  net.build({None, 5, 5, 2});
  net.save_weights(temporary("paths.weights.h5"));
  const hdf5::Object root = hdf5::open_file(temporary("paths.weights.h5"));
  for (const char* path :
       {"block/vars/0", "block/conv/vars/1", "block/norm/vars/3", "heads/dense/vars/0", "heads/dense_1/vars/1"})
    EXPECT_TRUE(root.find(path).has_value()) << path;
}

// capability: 6.9
TEST(KerasWeights, AModelThatIsNotBuiltSaysTheCure) {
  Net net;
  net.build({None, 5, 5, 2});
  const std::string path = temporary("cure.h5");
  net.save_weights(path);
  const std::string first =
      "Unable to load weights saved in HDF5 format into a subclassed Model which has not created its variables yet. "
      "Call the Model first, then load the weights.\n";
  EXPECT_EQ(message_of([&] { Net().load_weights(path); }),
            first + "'" + path + "' holds 11 tensors; call build({None, 5, 5, 2}) first.");
  // Files of Keras do not say the shape: the channels of the first kernel do.
  EXPECT_EQ(message_of([&] { Net().load_weights(golden("keras2_weights.h5")); }),
            first + "'" + golden("keras2_weights.h5") + "' holds 4 tensors; call build({None, ..., 3}) first.");
}

TEST(KerasWeights, OtherModelsAreErrorsUnlessToldOtherwise) {
  const Sequential model = small();
  const Sequential wider({Input({4}), Dense(5, {.name = "first"}), Dense(2, {.name = "last"})});
  for (const char* name : {"small.h5", "small.weights.h5"}) {
    const std::string path = temporary(name);
    model.save_weights(path);
    const Tensors before = wider.get_weights();
    EXPECT_NE(message_of([&] { wider.load_weights(path); }).find("weight 'sequential"), std::string::npos)
        << message_of([&] { wider.load_weights(path); });
    EXPECT_EQ(reduce_max(abs(before[3] - wider.get_weights()[3])).item<float>(), 0);  // nothing was changed
    const LoadReport report = wider.load_weights(path, {.skip_mismatch = true});
    EXPECT_EQ(report.matched.size(), 1u);  // the last bias
    EXPECT_EQ(report.mismatched.size(), 3u);
  }
}

TEST(KerasWeights, ByNameTakesTheLayersThatAreThere) {
  const Sequential model = small();
  const std::string path = temporary("by_name.h5");
  model.save_weights(path);
  const Sequential other({Input({4}), Dense(3, {.name = "first"}), Dense(7, {.name = "other"})});
  EXPECT_THROW(other.load_weights(path), ValueError);
  const LoadReport report = other.load_weights(path, {.by_name = true});
  EXPECT_EQ(report.matched.size(), 2u);
  EXPECT_EQ(report.missing.size(), 2u);
  EXPECT_EQ(report.unexpected.size(), 2u);
  EXPECT_EQ(reduce_max(abs(other.weights()[0].read() - model.weights()[0].read())).item<float>(), 0);
  const Sequential deeper({Input({4}), Dense(3), Dense(3), Dense(2)});
  EXPECT_NE(message_of([&] {
              deeper.load_weights(path);
            }).find("Layer count mismatch when loading weights from file. Model expected 3 layers, found 2 saved"),
            std::string::npos);
}

TEST(KerasWeights, NamesOfOtherFormatsAreErrors) {
  EXPECT_NE(message_of([&] { small().save_weights("net.bin"); }).find("Use save_weights(\"net.bin.weights.h5\")"),
            std::string::npos);
  EXPECT_NE(message_of([&] { small().save("net.bin"); }).find("the name says no format"), std::string::npos);
  EXPECT_NE(message_of([&] { small().load_weights("/no/such/file.h5"); }).find("does not exist"), std::string::npos);
  const std::string path = temporary("kept.h5");
  small().save(path);
  EXPECT_NE(message_of([&] { small().save(path, {.overwrite = false}); }).find("overwrite is false"),
            std::string::npos);
  EXPECT_NE(message_of([&] { load_model(golden("keras2_weights.h5")); }).find("holds weights alone"),
            std::string::npos);
}

TEST(KerasModels, WhatKeras2LacksIsSaid) {
  const Sequential padded({Input({4, 4, 3}), Resizing(2, 3, {.pad_to_aspect_ratio = true})});
  EXPECT_NE(message_of([&] { padded.save(temporary("padded.h5")); }).find("Keras 2 has no pad_to_aspect_ratio"),
            std::string::npos);
  const Sequential renormalized({Input({4}), BatchNormalization({.renorm = true})});
  EXPECT_NE(message_of([&] { renormalized.save(temporary("renorm.h5")); }).find("Keras 2 has no renorm"),
            std::string::npos);
  renormalized.save(temporary("renorm.keras"));
  EXPECT_EQ(load_model(temporary("renorm.keras")).weights().size(), 7u);
}

// The weights of an archive are read where they lie; their checksum is compared all the same.
TEST(KerasModels, ADamagedWeightOfAnArchiveIsFound) {
  const std::string path = temporary("damaged_weight.keras");
  const Sequential model({Input({2}), Dense(1, {.kernel_initializer = initializers::Constant(0.123)})});
  model.save(path);
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const float value = 0.123f;
  const auto at = bytes.find(std::string(reinterpret_cast<const char*>(&value), sizeof(value)));
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_NE(message_of([&] { load_model(path); }).find("the checksum is wrong"), std::string::npos);
}

// Keras 2 means 0.2 x + 0.5 by hard_sigmoid, Keras 3 x / 6 + 0.5.
TEST(KerasModels, HardSigmoidKeepsTheMeaningOfItsFile) {
  auto model_with = [](const char* name) {
    return Sequential({Input({4}), Dense(8, {.activation = name}), Dense(2, {.name = "out"})});
  };
  const Tensor x = random::normal({3, 4}, {.seed = 3}) * 2.f;
  EXPECT_EQ(
      reduce_max(abs(ActivationFunction("keras2_hard_sigmoid")(Tensor({-4.f, 1.f, 4.f})) - Tensor({0.f, 0.7f, 1.f})))
          .item<float>(),
      0);
  const Sequential old = model_with("keras2_hard_sigmoid"), now = model_with("hard_sigmoid");
  now.set_weights(old.get_weights());
  EXPECT_GT(reduce_max(abs(old(x) - now(x))).item<float>(), 1e-3f);
  for (const char* name : {"hard.h5", "hard.keras"}) {
    old.save(temporary(name));
    EXPECT_EQ(reduce_max(abs(old(x) - load_model(temporary(name))(x))).item<float>(), 0) << name;
  }
  const std::string config = hdf5::open_file(temporary("hard.h5")).attribute_text("model_config");
  EXPECT_EQ(config.find("keras2_"), std::string::npos) << config;
  now.save(temporary("hard.keras"));
  EXPECT_EQ(reduce_max(abs(now(x) - load_model(temporary("hard.keras"))(x))).item<float>(), 0);
  const std::string error = message_of([&] { now.save(temporary("hard.h5")); });
  EXPECT_NE(error.find("Keras 2 has another function under this name. Save the model as .keras"), std::string::npos)
      << error;
}

class Golden : public testing::TestWithParam<const char*> {};
// capability: 6.3, 6.4
TEST_P(Golden, ModelsOfKerasGiveItsOutputs) {
  const Model model = load_model(golden(GetParam()));
  const Tensor x = reshape(range(0.f, 12.f), {4, 3}) * (2.f / 11.f) - 1.f;
  const Tensor want = load_npy(golden(std::string(GetParam()) + ".outputs.npy"));
  const Tensor got = model.predict(x, {.verbose = 0});
  EXPECT_LE(reduce_max(abs(got - want)).item<float>(), 1e-6f);
  ASSERT_TRUE(model.compiled());
  EXPECT_EQ(model.optimizer().class_name(), "Adam");
  EXPECT_EQ(model.optimizer().iterations().read().item<int>(), 1);
  EXPECT_FALSE(load_model(golden(GetParam()), {.compile = false}).compiled());
}
INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::Values("keras3.keras", "keras3.h5", "keras2.h5"));

// capability: 6.4, 6.5
TEST(KerasModels, TrainingGoesOnAsIfNothingHadHappened) {
  utils::set_random_seed(1);
  Sequential model = small();
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mse", .metrics = {"mae"}});
  const Tensor x = random::normal({8, 4}), y = random::normal({8, 2});
  auto step = [&](const Model& m) {
    m.reset_metrics();
    return m.train_on_batch(x, y).at("loss");
  };
  for (int i = 0; i < 3; ++i) step(model);
  model.save(temporary("goes_on.keras"));
  model.save(temporary("goes_on.h5"));
  model.save(temporary("fresh.keras"), {.include_optimizer = false});
  const Model a = load_model(temporary("goes_on.keras")), b = load_model(temporary("goes_on.h5"));
  EXPECT_FALSE(load_model(temporary("fresh.keras")).compiled());
  for (int i = 0; i < 5; ++i) {
    const double want = step(model);
    EXPECT_NEAR(step(a), want, 1e-6);
    EXPECT_NEAR(step(b), want, 1e-6);
  }
}

// capability: 6.6
TEST(KerasModels, SubclassedModelsNeedTheirClass) {
  Net net;
  net.build({None, 5, 5, 2});
  const auto custom = custom_objects().add<Net>("Net");
  const Tensor x = random::normal({2, 5, 5, 2});
  for (const char* name : {"class.keras", "class.h5"}) {
    net.save(temporary(name));
    EXPECT_NE(message_of([&] { load_model(temporary(name)); }).find("unknown layer 'Net'"), std::string::npos);
    const Model again = load_model(temporary(name), {.custom_objects = custom});
    expect_equal_weights(net, again);
    EXPECT_EQ(reduce_max(abs(Tensor(again(x)) - net(x))).item<float>(), 0);
  }
}

// Loads what is damaged; an error must be strata's.
void load_damaged(const std::string& bytes, const std::string& name) {
  const std::string path = temporary(name);
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    load_model(path);
  } catch (const Error&) {
  }
}

void corrupt(int rounds) {
  for (const std::string name : {"keras3.keras", "keras2.h5", "keras3.h5"}) {
    const std::string good = bytes_of(golden(name));
    ASSERT_GT(good.size(), 1000u);
    std::mt19937 random(11);
    for (int i = 0; i < rounds; ++i) {
      std::string bad = good;
      bad[random() % bad.size()] = static_cast<char>(random());
      load_damaged(bad, "damaged_" + name);
    }
  }
}
TEST(KerasModels, CorruptionsAreErrorsOrModels) { corrupt(30); }
TEST(KerasModels, LongCorruptionsAreErrorsOrModels) { corrupt(3000); }
TEST(KerasModels, PrefixesAreErrors) {
  const std::string good = bytes_of(golden("keras3.keras"));
  for (std::size_t n = 0; n < good.size(); n += 499) load_damaged(good.substr(0, n), "cut.keras");
}

}  // namespace
}  // namespace strata
