#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "io/saved_model/import.h"
#include "strata/strata.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using namespace layers;

fs::path folder(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / name;
  fs::remove_all(path);
  return path;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A class that the loading side need not know.
class Block : public CustomModel<Block> {
 public:
  Tensor call(const Tensor& x) const { return head_(nn::relu(norm_(conv_(x)))); }

 private:
  Conv2D conv_ = track("conv", Conv2D(4, 3, {.padding = "same"}));
  BatchNormalization norm_ = track("norm", BatchNormalization());
  Sequential head_ = track("head", Sequential({Flatten(), Dense(3, {.activation = "softmax"})}));
};

Block small_block() {
  utils::set_random_seed(4);
  Block model;
  model(random::normal({2, 5, 5, 2}, {.seed = 1}));
  return model;
}

double largest_difference(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>(); }

// capability: 6.2, 6.3, 6.5
TEST(SavedModelLoad, PredictsEvaluatesAndTrainsOnWithoutTheClass) {
  const Block original = small_block();
  const std::string path = folder("block").string();
  original.save(path);
  const Model loaded = load_model(path, {.compile = false});
  const Tensor x = random::normal({12, 5, 5, 2}, {.seed = 2});
  const Tensor y = one_hot(cast(random::uniform({12}, {.maxval = 3, .seed = 3}), int32), 3);
  EXPECT_LT(largest_difference(original(x), loaded(x)), 1e-6);
  EXPECT_EQ(loaded.count_params(), original.count_params());
  EXPECT_EQ(loaded.trainable_weights().size(), original.trainable_weights().size());
  for (const Model& m : {Model(original), loaded})
    m.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  EXPECT_NEAR(original.evaluate(x, y, {.verbose = 0}).at("loss"), loaded.evaluate(x, y, {.verbose = 0}).at("loss"),
              1e-6);
  for (int step = 0; step < 10; ++step)
    EXPECT_NEAR(original.train_on_batch(x, y).at("loss"), loaded.train_on_batch(x, y).at("loss"), 1e-4) << step;
  // The statistics of batch norm moved in both.
  EXPECT_LT(largest_difference(original(x), loaded(x)), 1e-3);
}

TEST(SavedModelLoad, DropsOutInTrainingAlone) {
  Sequential model({Input({50}), Dropout(0.5)});
  const std::string path = folder("dropout").string();
  saved_model::save(model, path);
  const Model loaded = saved_model::load(path);
  const Tensor x = ones({4, 50});
  EXPECT_EQ(largest_difference(loaded(x), x), 0);
  const Tensor dropped = loaded(x, training = true);
  EXPECT_GT(reduce_sum(cast(equal(dropped, Tensor(0.f)), float32)).item<float>(), 50);
  EXPECT_EQ(reduce_max(dropped).item<float>(), 2);
  // The same inside of a traced function, where the batch is not known.
  auto traced = function([&](const Tensor& v) -> Tensor { return loaded(v, training = true); });
  EXPECT_EQ(reduce_max(traced(x)).item<float>(), 2);
}

TEST(SavedModelLoad, KeepsNamesOfInputsAndOutputs) {
  Tensor a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
  Model model(Tensors{a, b}, Tensors{Dense(2, {.name = "sum"})(a + b), Dense(1, {.name = "product"})(a * b)});
  const std::string path = folder("two").string();
  saved_model::save(model, path);
  const Model loaded = saved_model::load(path);
  const Tensor x = random::normal({4, 3}, {.seed = 1}), y = random::normal({4, 3}, {.seed = 2});
  const Outputs want = model({x, y}), got = loaded({{"b", y}, {"a", x}});
  EXPECT_LT(largest_difference(want["sum"], got["sum"]), 1e-6);
  EXPECT_LT(largest_difference(want["product"], got["product"]), 1e-6);
  saved_model::save(loaded, path);  // and it can be written again
  EXPECT_LT(largest_difference(want["sum"], saved_model::load(path)({x, y})["sum"]), 1e-6);
}

TEST(SavedModelLoad, WhatIsMissingIsNamed) {
  EXPECT_THROW(saved_model::load("/nowhere"), FileError);
  const fs::path path = folder("parts");
  saved_model::save(small_block(), path.string());
  EXPECT_THROW(saved_model::load(path.string(), {.memory_limit = 1000}), FileError);
  fs::remove(path / "variables" / "variables.data-00000-of-00001");
  EXPECT_THROW(saved_model::load(path.string()), FileError);
}

TEST(SavedModelLoad, AnUnknownOpIsNamedWithItsNode) {
  const fs::path path = folder("unknown");
  Sequential model({Input({3}), Dense(2, {.activation = "relu", .name = "only"})});
  saved_model::save(model, path.string());
  std::string bytes = read(path / "saved_model.pb");
  const std::string old = "\x12\x04Relu";
  for (std::size_t at; (at = bytes.find(old)) != std::string::npos;) bytes.replace(at, old.size(), "\x12\x04Rulu");
  write(path / "saved_model.pb", bytes);
  try {
    saved_model::load(path.string());
    ADD_FAILURE() << "no error";
  } catch (const ValueError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("node 'only/Relu'"), std::string::npos) << text;
    EXPECT_NE(text.find("'Rulu'"), std::string::npos) << text;
  }
}

// Every prefix, and many changed bytes, give an error or a model.
TEST(SavedModelLoad, DamagedFilesAreErrors) {
  const fs::path path = folder("damaged");
  Sequential model({Input({3}), Dense(2, {.activation = "relu"}), BatchNormalization()});
  saved_model::save(model, path.string());
  const fs::path file = path / "saved_model.pb";
  const std::string bytes = read(file);
  auto attempt = [&](const std::string& damaged) {
    write(file, damaged);
    try {
      const Model loaded = saved_model::load(path.string(), {.memory_limit = 1 << 20});
      loaded(ones({2, 3}));
    } catch (const Error&) {
    }
  };
  for (std::size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 200) attempt(bytes.substr(0, n));
  std::mt19937 random(5);
  for (int i = 0; i < 600; ++i) {
    std::string damaged = bytes;
    for (unsigned k = 0; k <= random() % 3; ++k) damaged[random() % bytes.size()] = static_cast<char>(random());
    attempt(damaged);
  }
}

// Files hold such numbers as floats, kernels compute in double: the same outputs bit for bit, in 16 bits, too.
TEST(SavedModelLoad, NumbersOfOperatorsAreThoseOfTheModel) {
  const Sequential model({Input({2, 2, 4}), BatchNormalization(), LeakyReLU(0.3)});
  const fs::path path = folder("strata_saved_model_numbers");
  model.save(path.string());
  const std::string file = (path / "model.onnx").string();
  onnx::save(model, file);
  for (const Model& loaded : {saved_model::load(path.string()), onnx::load(file)}) {
    auto call = function([&](const Tensor& x) -> Tensor { return loaded(x); });
    call(ones({1, 2, 2, 4}));
    const std::string text = call.explain();
    EXPECT_NE(text.find("0.001}"), std::string::npos) << text;
    EXPECT_NE(text.find("0.3}"), std::string::npos) << text;
  }
  fs::remove_all(path);
}

}  // namespace
}  // namespace strata::test
