#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "io/onnx/import.h"
#include "io/saved_model/import.h"
#include "strata/strata.h"

namespace strata::test {
namespace {

using namespace layers;

std::string temporary(const std::string& name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }
std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
double largest_difference(const Tensor& a, const Tensor& b) { return reduce_max(abs(a - b)).item<double>(); }

Model small_network() {
  Tensor x = Input({9, 9, 3}, {.name = "image"});
  Tensor y = Conv2D(4, 3, {.padding = "same", .activation = "relu"})(x);
  y = BatchNormalization()(y);
  Tensor z = MaxPooling2D({3, 3}, {.strides = {2, 2}, .padding = "same"})(y);
  z = Concatenate()({z, AveragePooling2D({3, 3}, {.strides = {2, 2}, .padding = "same"})(y)});
  z = Conv2DTranspose(3, 3, {.strides = 2, .padding = "same"})(DepthwiseConv2D({3, 3}, {.padding = "same"})(z));
  return Model(x, Dense(2, {.activation = "softmax", .name = "kind"})(Flatten()(z)));
}

// capability: 6.10
TEST(OnnxLoad, RunsAndTrainsWhatWasSaved) {
  utils::set_random_seed(3);
  const Model model = small_network();
  const std::string path = temporary("network.onnx");
  onnx::save(model, path);
  const Model loaded = onnx::load(path);
  const Tensor x = random::normal({4, 9, 9, 3}, {.seed = 2});
  EXPECT_LT(largest_difference(model(x), loaded(x)), 1e-5);
  EXPECT_LT(largest_difference(model(x), loaded.predict(x, {.verbose = 0})), 1e-5);
  EXPECT_LT(largest_difference(model(x)["kind"], loaded(x)["kind"]), 1e-5);
  loaded.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  const Tensor y = one_hot(Tensor({0, 1, 1, 0}), 2);
  const double before = loaded.train_on_batch(x, y).at("loss");
  for (int i = 0; i < 10; ++i) loaded.train_on_batch(x, y);
  EXPECT_LT(loaded.evaluate(x, y, {.verbose = 0}).at("loss"), before);
}

TEST(OnnxLoad, WhatIsNotThereOrNotOnnxIsAnError) {
  EXPECT_THROW(onnx::load("/nowhere.onnx"), FileError);
  const std::string path = temporary("words.onnx");
  write(path, "these are words, and no model");
  EXPECT_THROW(onnx::load(path), FileError);
  onnx::save(small_network(), path);
  EXPECT_THROW(onnx::load(path, {.memory_limit = 100}), FileError);
}

TEST(OnnxLoad, AnUnknownOperatorIsNamedWithItsNode) {
  const std::string path = temporary("unknown.onnx");
  Sequential model({Input({3}), Dense(2, {.activation = "relu", .name = "only"})});
  onnx::save(model, path);
  std::string bytes = read(path);
  const std::string op = std::string("\x22\x04", 2) + "Relu";
  const std::size_t at = bytes.find(op);
  ASSERT_NE(at, std::string::npos);
  write(path, bytes.replace(at, op.size(), std::string("\x22\x04", 2) + "Rulu"));
  try {
    onnx::load(path);
    ADD_FAILURE() << "no error";
  } catch (const ValueError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("node 'only/Relu'"), std::string::npos) << text;
    EXPECT_NE(text.find("'Rulu'"), std::string::npos) << text;
  }
}

// Every prefix, and many changed bytes, give an error or a model.
TEST(OnnxLoad, DamagedFilesAreErrors) {
  const std::string path = temporary("damaged.onnx");
  Sequential model({Input({5, 5, 1}), Conv2D(2, 3), Flatten(), Dense(2)});
  onnx::save(model, path);
  const std::string bytes = read(path);
  auto attempt = [&](const std::string& damaged) {
    write(path, damaged);
    try {
      const Model loaded = onnx::load(path, {.memory_limit = 1 << 20});
      loaded(ones({2, 5, 5, 1}));
    } catch (const Error&) {
    }
  };
  for (std::size_t n = 0; n < bytes.size(); ++n) attempt(bytes.substr(0, n));
  std::mt19937 random(5);
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = bytes;
    for (unsigned k = 0; k <= random() % 3; ++k) damaged[random() % bytes.size()] = static_cast<char>(random());
    attempt(damaged);
  }
}

// The guide lists what is read.
TEST(ExchangeDocs, NameEveryOperatorThatIsRead) {
  const char* golden = std::getenv("STRATA_GOLDEN_DIR");
  ASSERT_NE(golden, nullptr);
  std::string text = read(std::string(golden) + "/../../docs/exchange.md");
  ASSERT_FALSE(text.empty());
  for (char& c : text)
    if (c == '\n' || c == ',' || c == '.') c = ' ';
  const std::size_t second = text.find("## SavedModel");
  const std::string of_onnx = text.substr(0, second), of_tensorflow = text.substr(second);
  for (const auto& [op, row] : onnx::import_table()) EXPECT_NE(of_onnx.find(" " + op + " "), std::string::npos) << op;
  for (const auto& [op, row] : saved_model::import_table())
    EXPECT_NE(of_tensorflow.find(" " + op + " "), std::string::npos) << op;
}

}  // namespace
}  // namespace strata::test
