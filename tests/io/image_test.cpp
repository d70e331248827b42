#include "strata/image.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "io/image_codec.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

class ImageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("strata_image_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

Tensor noise(const Shape& shape, int seed = 1) { return cast(random::randint(shape, 0, 256, {.seed = seed}), uint8); }
// A smooth picture, as JPEG is made for.
Tensor gradient(std::int64_t height, std::int64_t width, std::int64_t channels) {
  std::vector<std::uint8_t> v;
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      for (std::int64_t c = 0; c < channels; ++c) v.push_back(static_cast<std::uint8_t>(i * 2 + j * 2 + c * 20));
  return Tensor::adopt(std::move(v), {height, width, channels});
}
double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  return reduce_max(abs(cast(a, float32) - cast(b, float32))).item<double>();
}
std::string error_of(const std::string& bytes) {
  try {
    utils::decode_image(bytes, {}, "'x'");
  } catch (const FileError& e) {
    return e.what();
  }
  return "";
}

// capability: 7.7
TEST_F(ImageTest, PngKeepsEveryValue) {
  for (const std::int64_t channels : {1, 3, 4}) {
    const Tensor x = noise({13, 7, channels});
    utils::save_img(path("a.png"), x, {.scale = false});
    const std::string mode = channels == 1 ? "grayscale" : channels == 3 ? "rgb" : "rgba";
    const Image image = utils::load_img(path("a.png"), {.color_mode = mode});
    EXPECT_EQ(image.height(), 13);
    EXPECT_EQ(image.width(), 7);
    EXPECT_EQ(largest_difference(utils::img_to_array(image), x), 0);
  }
}

TEST_F(ImageTest, GreyOfSixteenBitsStays) {
  const Tensor x = Tensor({{{0.f}, {255.f}}, {{256.f}, {65535.f}}});
  const Image image = utils::array_to_img(x, {.scale = false});
  EXPECT_EQ(image.mode(), "I");
  utils::save_img(path("grey.png"), image);
  EXPECT_EQ(largest_difference(utils::img_to_array(utils::load_img(path("grey.png"), {.color_mode = "grayscale"})), x),
            0);
  // Pillow cuts at 255 where colours are asked for.
  const Tensor rgb = utils::img_to_array(utils::load_img(path("grey.png")));
  EXPECT_EQ(rgb.to_vector<float>(), (std::vector<float>{0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255}));
  EXPECT_THROW(utils::encode_jpeg(image), ValueError);
}

TEST_F(ImageTest, JpegIsClose) {
  const Tensor x = gradient(40, 56, 3);
  utils::save_img(path("a.jpg"), x, {.scale = false, .quality = 95});
  const Image image = utils::load_img(path("a.jpg"));
  EXPECT_EQ(image.mode(), "RGB");
  const Tensor difference = abs(utils::img_to_array(image) - cast(x, float32));
  EXPECT_LT(reduce_mean(difference).item<float>(), 4.f);
  const Image grey = utils::decode_image(utils::encode_jpeg(Image(gradient(9, 9, 1))), {.color_mode = "grayscale"});
  EXPECT_EQ(grey.mode(), "L");
  // An alpha channel is dropped.
  EXPECT_EQ(utils::decode_image(utils::encode_jpeg(Image(noise({8, 8, 4})))).channels(), 3);
}

TEST_F(ImageTest, ArraysAreStretched) {
  const Image image = utils::array_to_img(Tensor({{{-1.f}, {0.f}}, {{0.5f}, {1.f}}}));
  EXPECT_EQ(image.pixels().to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{0, 127, 191, 255}));
  EXPECT_EQ(utils::array_to_img(ones({2, 2, 3})).pixels().to_vector<std::uint8_t>(), std::vector<std::uint8_t>(12, 0));
  const Tensor first = transpose(utils::img_to_array(Image(noise({4, 5, 3}))), {2, 0, 1});
  const Image back = utils::array_to_img(first, {.data_format = "channels_first", .scale = false});
  EXPECT_EQ(largest_difference(utils::img_to_array(back, {.data_format = "channels_first"}), first), 0);
  EXPECT_EQ(utils::img_to_array(back, {.dtype = uint8}).dtype(), uint8);
}

TEST_F(ImageTest, ResizesToTheTarget) {
  utils::save_img(path("a.png"), gradient(20, 40, 3), {.scale = false});
  for (const std::string by : {"nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"}) {
    const Image image = utils::load_img(path("a.png"), {.target_size = {10, 20}, .interpolation = by});
    EXPECT_EQ(image.pixels().shape(), Shape({10, 20, 3})) << by;
    // A picture of one colour stays that.
    const Image flat = Image(cast(ones({9, 9, 3}) * 100.f, uint8)).resize(4, 13, by);
    EXPECT_EQ(largest_difference(flat.pixels(), ones({4, 13, 3}) * 100.f), 0) << by;
  }
  // The middle square of 20 x 20 halved: columns 10 to 29.
  const Image square =
      utils::load_img(path("a.png"), {.target_size = {10, 10}, .interpolation = "box", .keep_aspect_ratio = true});
  const Tensor x = cast(gradient(20, 40, 3), float32)[{Slice(0, 2), Slice(10, 12), Slice(0, None)}];
  EXPECT_NEAR(square.pixels()[0][0][0].item<float>(), reduce_mean(x, Ints{0, 1})[0].item<float>(), 1);
}

TEST_F(ImageTest, OrientationOnRequest) {
  const Tensor x = noise({2, 3, 1});
  auto pixels = [](const Tensor& t) { return t.to_vector<int>(); };
  const std::vector<int> v = pixels(x);
  auto at = [&](std::initializer_list<int> order) {
    std::vector<int> out;
    for (const int i : order) out.push_back(v[static_cast<std::size_t>(i)]);
    return out;
  };
  EXPECT_EQ(pixels(io::upright(x, 1)), v);
  EXPECT_EQ(pixels(io::upright(x, 2)), at({2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(pixels(io::upright(x, 3)), at({5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(pixels(io::upright(x, 4)), at({3, 4, 5, 0, 1, 2}));
  EXPECT_EQ(pixels(io::upright(x, 5)), at({0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(pixels(io::upright(x, 6)), at({3, 0, 4, 1, 5, 2}));
  EXPECT_EQ(pixels(io::upright(x, 7)), at({5, 2, 4, 1, 3, 0}));
  EXPECT_EQ(pixels(io::upright(x, 8)), at({2, 5, 1, 4, 0, 3}));
  // Any bytes are read within bounds.
  EXPECT_EQ(io::exif_orientation(std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22)), 6);
  EXPECT_EQ(io::exif_orientation(std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18)), 1);
  EXPECT_EQ(io::exif_orientation(std::string("MM\0*\xff\xff\xff\xff", 8)), 1);
  EXPECT_EQ(io::exif_orientation(""), 1);
}

TEST_F(ImageTest, ErrorsSayWhatToDo) {
  EXPECT_THROW(utils::load_img(path("missing.png")), FileError);
  EXPECT_NE(error_of("GIF89a....").find("a GIF file"), std::string::npos);
  EXPECT_NE(error_of("").find("an empty file"), std::string::npos);
  const std::string png = utils::encode_png(Image(noise({4, 4, 3})));
  EXPECT_THROW(utils::decode_image(png, {.color_mode = "cmyk"}), ValueError);
  EXPECT_THROW(utils::decode_image(png, {.target_size = {4}}), ValueError);
  EXPECT_THROW(utils::decode_image(png, {.target_size = {0, 4}}), ValueError);
  EXPECT_THROW(utils::decode_image(png, {.target_size = {4, 4}, .interpolation = "cubic"}), ValueError);
  EXPECT_THROW(utils::save_img(path("a.tiff"), noise({4, 4, 3})), ValueError);
  EXPECT_THROW(utils::save_img(path("no/such/folder.png"), noise({4, 4, 3})), FileError);
  EXPECT_THROW(utils::save_img(path("a.jpg"), noise({4, 4, 3}), {.quality = 0}), ValueError);
  EXPECT_THROW(utils::array_to_img(ones({4, 4})), ShapeError);
  EXPECT_THROW(utils::array_to_img(ones({4, 4, 2})), ShapeError);
  EXPECT_THROW(Image(ones({4, 4, 3})), DTypeError);
  EXPECT_THROW(Image().height(), ValueError);
}

// Each prefix and many one-byte changes of a file: a picture or a clear error, never more.
TEST_F(ImageTest, DamagedFilesAreErrors) {
  const Tensor x = gradient(24, 24, 3);
  for (const std::string& bytes : {utils::encode_png(Image(x)), utils::encode_jpeg(Image(x))}) {
    for (std::size_t n = 0; n + 3 < bytes.size(); n += 7) {
      const std::string error = error_of(bytes.substr(0, n));
      EXPECT_NE(error.find("'x'"), std::string::npos) << n << " of " << bytes.size();
    }
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int change : {0x01, 0x80, 0xff}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ change);
        error_of(damaged);
      }
  }
}

TEST_F(ImageTest, HugeClaimsCostNoMemory) {
  std::string png = utils::encode_png(Image(noise({4, 4, 3})));
  auto claim = [&](std::uint32_t height, std::uint32_t width) {
    for (int i = 0; i < 4; ++i) {
      png[16 + static_cast<std::size_t>(i)] = static_cast<char>(width >> (24 - 8 * i));
      png[20 + static_cast<std::size_t>(i)] = static_cast<char>(height >> (24 - 8 * i));
    }
    std::uint32_t crc = 0xffffffff;
    for (std::size_t i = 12; i < 29; ++i) {
      crc ^= static_cast<std::uint8_t>(png[i]);
      for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; ++i) png[29 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
    return error_of(png);
  };
  EXPECT_NE(claim(100000, 100000).find("claims 100000 x 100000 pixels"), std::string::npos);
  EXPECT_NE(claim(12000, 12000).find("bytes cannot hold"), std::string::npos);
  EXPECT_NE(claim(0, 5), "");
}

}  // namespace
}  // namespace strata
