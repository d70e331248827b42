// capability: 1.23
#include <gtest/gtest.h>

#include "strata/datasets.h"
#include "tests/datasets/files.h"

namespace strata {
namespace {

using namespace testing_datasets;

class Mnist : public DatasetTest {
 protected:
  // Four files of 5 training and 3 test images.
  void write(const fs::path& directory, const std::string& ending = "", bool gzip = false) const {
    const auto put = [&](const std::string& name, const std::string& bytes) {
      if (gzip)
        write_gzip(directory / (name + ending), bytes);
      else
        write_file(directory / (name + ending), bytes);
    };
    put("train-images-idx3-ubyte", idx_images(5));
    put("train-labels-idx1-ubyte", idx_labels(5));
    put("t10k-images-idx3-ubyte", idx_images(3));
    put("t10k-labels-idx1-ubyte", idx_labels(3));
  }
};

void expect_right(const datasets::Arrays& data) {
  EXPECT_EQ(data.x_train.shape(), (Shape{5, 28, 28}));
  EXPECT_EQ(data.y_train.shape(), (Shape{5}));
  EXPECT_EQ(data.x_test.shape(), (Shape{3, 28, 28}));
  EXPECT_EQ(data.y_test.shape(), (Shape{3}));
  for (const Tensor& t : {data.x_train, data.y_train, data.x_test, data.y_test}) EXPECT_EQ(t.dtype(), uint8);
  const auto x = data.x_train.data<std::uint8_t>();
  for (int i = 0; i < 5; ++i)
    for (int p = 0; p < 784; ++p)
      ASSERT_EQ(x[static_cast<std::size_t>(i * 784 + p)], static_cast<std::uint8_t>(pixel(i, p)));
  EXPECT_EQ(data.y_train.to_vector<int>(), (std::vector<int>{0, 3, 6, 9, 2}));
}

TEST_F(Mnist, ReadsDirectoriesAsTheyComeInTheWild) {
  write(folder_ / "plain");
  write(folder_ / "gz", ".gz", true);
  write(folder_ / "parent" / "mnist", ".gz", true);
  write(folder_ / "torch" / "MNIST" / "raw");
  for (const char* place : {"plain", "gz", "parent", "torch"}) {
    SCOPED_TRACE(place);
    auto [x_train, y_train, x_test, y_test] = datasets::mnist::load_data({.path = (folder_ / place).string()});
    expect_right({x_train, y_train, x_test, y_test});
  }
  write_file(folder_ / "dots" / "train-images.idx3-ubyte", idx_images(5));
  write_file(folder_ / "dots" / "train-labels.idx1-ubyte", idx_labels(5));
  write_file(folder_ / "dots" / "t10k-images.idx3-ubyte", idx_images(3));
  write_file(folder_ / "dots" / "t10k-labels.idx1-ubyte", idx_labels(3));
  expect_right(datasets::mnist::load_data({.path = (folder_ / "dots").string()}));
}

TEST_F(Mnist, ReadsArchives) {
  const std::vector<std::pair<std::string, std::string>> members = {
      {"some/folder/train-images-idx3-ubyte", idx_images(5)},
      {"some/folder/readme", "hello"},
      {"some/folder/train-labels-idx1-ubyte", idx_labels(5)},
      {"../t10k-images-idx3-ubyte", idx_images(3)},
      {"/t10k-labels-idx1-ubyte", idx_labels(3)}};
  write_archive(folder_ / "data.tar.gz", members);
  write_archive(folder_ / "data.zip", members);
  expect_right(datasets::mnist::load_data({.path = (folder_ / "data.tar.gz").string()}));
  expect_right(datasets::mnist::load_data({.path = (folder_ / "data.zip").string()}));
}

TEST_F(Mnist, ReadsKerasNpz) {
  const auto npy = [](const std::string& shape, const std::string& bytes) {
    std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }";
    header.resize(117, ' ');
    header += '\n';
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + bytes;
  };
  write_archive(folder_ / "mnist.npz", {{"x_test.npy", npy("(3, 28, 28)", idx_images(3).substr(16))},
                                        {"x_train.npy", npy("(5, 28, 28)", idx_images(5).substr(16))},
                                        {"y_train.npy", npy("(5,)", idx_labels(5).substr(8))},
                                        {"y_test.npy", npy("(3,)", idx_labels(3).substr(8))}});
  expect_right(datasets::mnist::load_data({.path = (folder_ / "mnist.npz").string()}));
  expect_right(datasets::mnist::load_data({.path = folder_.string()}));
  write_archive(folder_ / "bad.npz", {{"x_train.npy", npy("(6, 28, 28)", idx_images(5).substr(16))},
                                      {"y_train.npy", npy("(5,)", idx_labels(5).substr(8))}});
  EXPECT_TRUE(has(message<FileError>([&] { datasets::mnist::load_data({.path = (folder_ / "bad.npz").string()}); }),
                  "for shape (6, 28, 28)"));
}

TEST_F(Mnist, PlacesAreTriedInOrder) {
  write(cache() / "mnist", ".gz", true);
  expect_right(datasets::mnist::load_data());
  // STRATA_DATA_DIR comes first: here it is damaged, which is an error and no reason to go on.
  set("STRATA_DATA_DIR", (folder_ / "data").string());
  write(folder_ / "data");
  write_file(folder_ / "data" / "train-labels-idx1-ubyte", "");
  EXPECT_TRUE(has(message<FileError>([] { datasets::mnist::load_data(); }), "is cut short"));
  fs::remove(folder_ / "data" / "train-labels-idx1-ubyte");
  EXPECT_TRUE(has(message<FileError>([] { datasets::mnist::load_data(); }), "train-labels-idx1-ubyte' is missing"));
  fs::remove_all(folder_ / "data");
  expect_right(datasets::mnist::load_data());
}

TEST_F(Mnist, ErrorsTellWhatWasTried) {
  set("STRATA_DATA_DIR", (folder_ / "nowhere").string());
  fs::create_directories(cache());
  const std::string text = message<FileError>([] { datasets::mnist::load_data(); });
  EXPECT_TRUE(has(text, "datasets::mnist::load_data: MNIST was not found. Tried:"));
  EXPECT_TRUE(has(text, "STRATA_DATA_DIR: '" + (folder_ / "nowhere").string() + "' is no directory"));
  EXPECT_TRUE(has(text, "cache: '" + cache().string() + "' does not hold it"));
  EXPECT_TRUE(has(text, "STRATA_OFFLINE is set"));
  EXPECT_TRUE(has(text, "Give {.path = \"DIRECTORY\"}"));
  EXPECT_TRUE(has(message<FileError>([] { datasets::mnist::load_data({.download = false}); }), "download = false"));
  // A path that was given is the only one.
  write(cache() / "mnist");
  EXPECT_TRUE(has(message<FileError>([&] { datasets::mnist::load_data({.path = (folder_ / "no").string()}); }),
                  "does not exist"));
  EXPECT_TRUE(has(message<FileError>([&] { datasets::mnist::load_data({.path = folder_.string()}); }),
                  "no MNIST in path '" + folder_.string() + "'"));
  write_file(folder_ / "file", "x");
  EXPECT_TRUE(has(message<FileError>([&] { datasets::mnist::load_data({.path = (folder_ / "file").string()}); }),
                  "is a file, but no archive"));
  write_archive(folder_ / "other.zip", {{"a", "b"}});
  EXPECT_TRUE(has(message<FileError>([&] { datasets::mnist::load_data({.path = (folder_ / "other.zip").string()}); }),
                  "holds none of the files"));
  write_file(folder_ / "broken.tar.gz", "\x1f\x8bxxxxxxxxxxxxxxxxxx");
  EXPECT_TRUE(
      has(message<FileError>([&] { datasets::mnist::load_data({.path = (folder_ / "broken.tar.gz").string()}); }),
          "datasets::mnist::load_data: '" + (folder_ / "broken.tar.gz").string() + "' is no readable archive"));
}

TEST_F(Mnist, FashionIsNotTakenForMnistNorTheOtherWayRound) {
  set("STRATA_DATA_DIR", folder_.string());
  write(folder_);
  expect_right(datasets::mnist::load_data());
  EXPECT_TRUE(has(message<FileError>([] { datasets::fashion_mnist::load_data(); }), "Fashion-MNIST was not found"));
  expect_right(datasets::fashion_mnist::load_data({.path = folder_.string()}));  // the user says that it is
  fs::create_directories(folder_ / "fashion-mnist");
  for (const auto& f : fs::directory_iterator(folder_))
    if (f.is_regular_file()) fs::rename(f, folder_ / "fashion-mnist" / f.path().filename());
  expect_right(datasets::fashion_mnist::load_data());
  EXPECT_TRUE(has(message<FileError>([] { datasets::mnist::load_data(); }), "MNIST was not found"));
}

// What a file with this content leads to.
class DamagedMnist : public Mnist {
 protected:
  std::string error(const std::string& name, const std::string& bytes) {
    write(folder_);
    write_file(folder_ / name, bytes);
    const std::string text = message<FileError>([&] { datasets::mnist::load_data({.path = folder_.string()}); });
    EXPECT_TRUE(has(text, "datasets::mnist::load_data: '" + (folder_ / name).string()));
    return text;
  }
};

TEST_F(DamagedMnist, SaysWhatIsWrong) {
  const std::string images = "train-images-idx3-ubyte", labels = "train-labels-idx1-ubyte";
  EXPECT_TRUE(has(error(images, idx_images(5).substr(0, 1000)),
                  "is cut short: its header says (5, 28, 28), so 3936 bytes were expected, found 1000."));
  EXPECT_TRUE(has(error(images, idx_images(5) + "x"), "is too long"));
  EXPECT_TRUE(has(error(images, ""), "is cut short: it has 0 bytes"));
  EXPECT_TRUE(has(error(images, idx_labels(5) + std::string(100, 'x')),
                  "begins with the magic number 0x00000801, expected 0x00000803 (images)"));
  EXPECT_TRUE(has(error(images, idx_images(5, 14, 56)), "images of shape (5, 14, 56), expected (n, 28, 28)"));
  EXPECT_TRUE(has(error(images, big_endian(0x803) + std::string(12, '\xff')), "claims more elements"));
  EXPECT_TRUE(has(error(labels, idx_labels(4)), "labels of shape (4,), but"));
  EXPECT_TRUE(has(error(labels, idx_labels(5, 3)), "has label 10 at position 3, expected 0 to 9"));
}

TEST_F(DamagedMnist, GzipThatIsCutShortOrWrong) {
  write(folder_, ".gz", true);
  const fs::path path = folder_ / "train-images-idx3-ubyte.gz";
  std::string bytes = read_file(path);
  write_file(path, bytes.substr(0, bytes.size() / 2));
  const auto load = [&] { datasets::mnist::load_data({.path = folder_.string()}); };
  EXPECT_TRUE(has(message<FileError>(load), path.string() + "' is cut short: its gzip data ends"));
  write_file(path, bytes.substr(0, bytes.size() - 4));
  EXPECT_TRUE(has(message<FileError>(load), "is cut short"));
  bytes[bytes.size() - 6] ^= 1;  // the checksum
  write_file(path, bytes);
  EXPECT_TRUE(has(message<FileError>(load), "is damaged"));
}

TEST_F(DamagedMnist, EveryOneByteChangeOfHeadersIsSurvived) {
  for (std::size_t at = 0; at < 16; ++at)
    for (const int flip : {1, 0x80, 0xff}) {
      std::string bytes = idx_images(2);
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      write(folder_);
      write_file(folder_ / "train-images-idx3-ubyte", bytes);
      EXPECT_THROW(datasets::mnist::load_data({.path = folder_.string()}), FileError);
    }
}

TEST(MnistOfficial, AllSeventyThousandImages) {
  const char* place = std::getenv("STRATA_DATA_DIR");
  if (place == nullptr || !fs::exists(fs::path(place) / "train-images-idx3-ubyte.gz"))
    GTEST_SKIP() << "STRATA_DATA_DIR has no MNIST";
  auto [x_train, y_train, x_test, y_test] = datasets::mnist::load_data();
  EXPECT_EQ(x_train.shape(), (Shape{60000, 28, 28}));
  EXPECT_EQ(y_train.shape(), (Shape{60000}));
  EXPECT_EQ(x_test.shape(), (Shape{10000, 28, 28}));
  EXPECT_EQ(y_test.shape(), (Shape{10000}));
  const auto labels = y_train.data<std::uint8_t>();
  EXPECT_EQ(std::vector<int>(labels.begin(), labels.begin() + 5), (std::vector<int>{5, 0, 4, 1, 9}));
  std::vector<int> counts(10);
  for (const int label : labels) ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, (std::vector<int>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  double sum = 0;
  for (const int v : x_train.data<std::uint8_t>()) sum += v;
  EXPECT_NEAR(sum / (60000.0 * 784) / 255, 0.1306604762738429, 1e-12);  // the mean that everybody normalizes by
}

TEST(MnistSample, TheEmbeddedSampleLoads) {
  const char* golden = std::getenv("STRATA_GOLDEN_DIR");
  ASSERT_NE(golden, nullptr) << "set STRATA_GOLDEN_DIR to tests/golden";
  const fs::path sample = fs::path(golden).parent_path().parent_path() / "data" / "mnist";
  const auto data = datasets::mnist::load_data({.path = sample.string()});
  EXPECT_EQ(data.x_train.shape(), (Shape{4000, 28, 28}));
  EXPECT_EQ(data.x_test.shape(), (Shape{1000, 28, 28}));
}

}  // namespace
}  // namespace strata
