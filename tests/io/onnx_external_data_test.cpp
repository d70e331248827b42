// ONNX files whose weights lie in a second file.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "strata/strata.h"
#include "tests/support/file_formats.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using namespace layers;

class OnnxExternalData : public testing::Test {
 protected:
  OnnxExternalData() : folder_(fs::path(testing::TempDir()) / ("strata_onnx_external_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models");
    onnx::save(model_, path(), {.external_data = true});
  }
  ~OnnxExternalData() override { fs::remove_all(folder_); }

  std::string path(const std::string& name = "m.onnx") const { return (folder_ / "models" / name).string(); }
  float difference() const { return reduce_max(abs(model_(x_) - onnx::load(path())(x_))).item<float>(); }
  // Changes text in the model's file and gives the error of loading it.
  std::string error_with(const std::string& from, const std::string& to) const {
    std::string bytes = read_bytes(path());
    const std::string good = bytes;
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    write_bytes(path(), bytes.replace(at, from.size(), to));
    std::string text = "no error";
    try {
      onnx::load(path());
    } catch (const FileError& e) {
      text = e.what();
    }
    write_bytes(path(), good);
    return text;
  }

  fs::path folder_;
  Sequential model_{{Input({16}), Dense(64, {.activation = "relu"}), Dense(32), Dense(3)}};
  Tensor x_ = random::normal({4, 16}, {.seed = 2});
};

#define EXPECT_SAYS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

// capability: 6.10
TEST_F(OnnxExternalData, ComesBack) {
  EXPECT_EQ(fs::file_size(path("m.onnx.data")), 4096u + 64 * 32 * 4);  // the second kernel begins at a page
  EXPECT_LT(fs::file_size(path()), 4096u);
  EXPECT_EQ(difference(), 0);
}

TEST_F(OnnxExternalData, AModelInPlaceOfAnotherLeavesOneFileOfWeights) {
  auto files = [&] {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(folder_ / "models")) names.push_back(e.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  };
  using Files = std::vector<std::string>;
  EXPECT_EQ(files(), (Files{"m.onnx", "m.onnx.data"}));
  onnx::save(model_, path(), {.external_data = true});
  EXPECT_EQ(files(), (Files{"m.onnx", "m.onnx.2.data"}));
  EXPECT_EQ(difference(), 0);
  onnx::save(model_, path(), {.external_data = true});
  EXPECT_EQ(files(), (Files{"m.onnx", "m.onnx.data"}));
  onnx::save(model_, path());
  EXPECT_EQ(files(), (Files{"m.onnx"}));
  EXPECT_EQ(difference(), 0);
}

TEST_F(OnnxExternalData, PathsStayInTheFolder) {
  write_bytes((folder_ / "m.onnx.d").string(), read_bytes(path("m.onnx.data")));
  EXPECT_SAYS(error_with("m.onnx.data", "../m.onnx.d"), "no path below the folder of the model");
  EXPECT_SAYS(error_with("m.onnx.data", "/etc/passwd"), "no path below the folder of the model");
  EXPECT_SAYS(error_with("m.onnx.data", "n.onnx.data"), "no file in the folder of the model");
  fs::create_directory(path("n.onnx.data"));
  EXPECT_SAYS(error_with("m.onnx.data", "n.onnx.data"), "no file in the folder of the model");
  fs::create_symlink("../m.onnx.d", path("l.onnx.data"));
  EXPECT_SAYS(error_with("m.onnx.data", "l.onnx.data"), "a link that leads out of the folder");
  fs::create_symlink("m.onnx.data", path("i.onnx.data"));
  EXPECT_EQ(error_with("m.onnx.data", "i.onnx.data"), "no error");
}

TEST_F(OnnxExternalData, PlacesLieInTheFile) {
  const std::string offset = "offset\x12\x04";
  EXPECT_SAYS(error_with(offset + "4096", offset + "4097"), "lie behind the end of 'm.onnx.data'");
  EXPECT_SAYS(error_with("\x04"
                         "4096",
                         "\x04"
                         "-096"),
              "the length of its data is '-096', expected a number");
  EXPECT_SAYS(error_with("\x04"
                         "8192",
                         "\x04"
                         "8191"),
              "8191 bytes in 'm.onnx.data', expected 8192");
  fs::resize_file(path("m.onnx.data"), 12000);
  EXPECT_SAYS(error_with("m.onnx.data", "m.onnx.data"), "8192 bytes at 4096 of 12000");
}

}  // namespace
}  // namespace strata::test
