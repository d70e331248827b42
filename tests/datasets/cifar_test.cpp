// capability: 1.24
#include <gtest/gtest.h>

#include "strata/datasets.h"
#include "tests/datasets/files.h"

namespace strata {
namespace {

using namespace testing_datasets;

using Members = std::vector<std::pair<std::string, std::string>>;

constexpr int kRecords = 12;

Members cifar10_files(const std::string& prefix = "") {
  Members out;
  for (int b = 0; b < 6; ++b)
    out.emplace_back(prefix + (b < 5 ? "data_batch_" + std::to_string(b + 1) : std::string("test_batch")) + ".bin",
                     cifar_records(kRecords, 1, b * kRecords));
  return out;
}

void expect_records(const Tensor& x, const Tensor& y, int first, int n, int classes) {
  ASSERT_EQ(x.shape(), (Shape{n, 32, 32, 3}));
  ASSERT_EQ(y.shape(), (Shape{n, 1}));
  EXPECT_EQ(x.dtype(), uint8);
  EXPECT_EQ(y.dtype(), uint8);
  const auto pixels = x.data<std::uint8_t>(), labels = y.data<std::uint8_t>();
  for (int i = 0; i < n; ++i) {
    ASSERT_EQ(labels[static_cast<std::size_t>(i)], (first + i) % classes);
    for (int p = 0; p < 1024; ++p)
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(pixels[static_cast<std::size_t>((i * 1024 + p) * 3 + c)],
                  static_cast<std::uint8_t>(pixel(first + i, c * 1024 + p)));
  }
}

void expect_right(const datasets::Arrays& data) {
  expect_records(data.x_train, data.y_train, 0, 5 * kRecords, 10);
  expect_records(data.x_test, data.y_test, 5 * kRecords, kRecords, 10);
}

class Cifar : public DatasetTest {
 protected:
  void write(const fs::path& directory, const Members& members) const {
    for (const auto& [name, bytes] : members) write_file(directory / name, bytes);
  }
  std::string path() const { return folder_.string(); }
};

TEST_F(Cifar, BinaryVersion) {
  write(folder_ / "cifar-10-batches-bin", cifar10_files());
  expect_right(datasets::cifar10::load_data({.path = path()}));
  expect_right(datasets::cifar10::load_data({.path = path() + "/cifar-10-batches-bin"}));
  set("STRATA_DATA_DIR", path());
  expect_right(datasets::cifar10::load_data());
}

TEST_F(Cifar, BinaryArchive) {
  write_archive(folder_ / "cifar-10-binary.tar.gz", cifar10_files("cifar-10-batches-bin/"));
  expect_right(datasets::cifar10::load_data({.path = path()}));
  expect_right(datasets::cifar10::load_data({.path = path() + "/cifar-10-binary.tar.gz"}));
  const std::string bytes = read_file(folder_ / "cifar-10-binary.tar.gz");
  write_file(folder_ / "cifar-10-binary.tar.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_TRUE(has(message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); }), "cut short"));
}

TEST_F(Cifar, LabelModesOfCifar100) {
  write(folder_ / "cifar-100-binary", {{"train.bin", cifar_records(50, 2)}, {"test.bin", cifar_records(10, 2, 50)}});
  const auto fine = datasets::cifar100::load_data({.path = path()});
  expect_records(fine.x_train, fine.y_train, 0, 50, 100);
  expect_records(fine.x_test, fine.y_test, 50, 10, 100);
  const auto coarse = datasets::cifar100::load_data({.path = path(), .label_mode = "coarse"});
  expect_records(coarse.x_train, coarse.y_train, 0, 50, 20);
  EXPECT_TRUE(has(message<ValueError>([&] { datasets::cifar100::load_data({.path = path(), .label_mode = "x"}); }),
                  "label_mode is 'x'"));
}

TEST_F(Cifar, DamagedFiles) {
  const auto error = [&](std::size_t which, const std::string& bytes) {
    Members files = cifar10_files();
    files[which].second = bytes;
    write(folder_, files);
    const std::string text = message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); });
    EXPECT_TRUE(has(text, "datasets::cifar10::load_data: '" + (folder_ / files[which].first).string() + "'"));
    return text;
  };
  const std::string good = cifar_records(kRecords, 1);
  EXPECT_TRUE(has(error(2, good.substr(0, 5000)), "has 5000 bytes, expected a multiple of 3073"));
  EXPECT_TRUE(has(error(3, ""), "has 0 bytes"));
  // Cut at the end of a record: only the other files tell.
  EXPECT_TRUE(has(error(1, good.substr(0, 3073 * 7)), "holds 7 records, expected 12 beside the 12 of"));
  EXPECT_TRUE(has(error(5, good.substr(0, 3073 * 6)), "holds 6 records, expected 12"));
  std::string bad = good;
  bad[3073 * 4] = 10;
  EXPECT_TRUE(has(error(0, bad), "has label 10 in record 4, expected 0 to 9"));
  write(folder_, cifar10_files());
  fs::remove(folder_ / "data_batch_4.bin");
  EXPECT_TRUE(
      has(message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); }), "data_batch_4.bin' is missing"));
}

TEST_F(Cifar, NamesBothVersionsWhenNothingIsThere) {
  const std::string text = message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); });
  EXPECT_TRUE(has(text, "cifar-10-binary.tar.gz, cifar-10-python.tar.gz"));
}

// The operations that Python 2 used for the published files, protocol 2.
class Pickle {
 public:
  // A literal with zeros in it.
  template <std::size_t N>
  static std::string raw(const char (&bytes)[N]) {
    return {bytes, N - 1};
  }
  static std::string little(std::uint32_t v) {
    return {static_cast<char>(v), static_cast<char>(v >> 8), static_cast<char>(v >> 16), static_cast<char>(v >> 24)};
  }
  static std::string text(const std::string& s) {
    return s.size() < 256 ? "U" + std::string(1, static_cast<char>(s.size())) + s
                          : "T" + little(static_cast<std::uint32_t>(s.size())) + s;
  }
  static std::string batch(int n, int first, const std::vector<std::string>& keys, const std::string& dtype = "u1") {
    std::string out = raw("\x80\x02}q\x01(");
    out += text("batch_label") + "q\x02" + text("training batch") + "q\x03";
    for (const std::string& key : keys) {
      const int classes = key == "labels" ? 10 : key == "fine_labels" ? 100 : 20;
      out += text(key) + "]q\x04(";
      for (int i = first; i < first + n; ++i) out += std::string{'K', static_cast<char>(i % classes)};
      out += "e";
    }
    std::string pixels;
    for (int i = first; i < first + n; ++i)
      for (int p = 0; p < 3072; ++p) pixels += pixel(i, p);
    out += text("data") + "cnumpy.core.multiarray\n_reconstruct\nq\x07" + "cnumpy\nndarray\nq\x08";
    out +=
        raw("K\x00\x85U\x01"
            "b\x87Rq\x09(K\x01M");
    out += std::string{static_cast<char>(n), static_cast<char>(n >> 8)};
    out +=
        raw("M\x00\x0c\x86"
            "cnumpy\ndtype\nq\n");
    out += text(dtype) + raw("K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89");
    out += text(pixels) + "tb" + text("filenames") + "]q\x0c(";
    for (int i = 0; i < n; ++i) out += text("picture_" + std::to_string(i) + ".png");
    return out + "eu.";
  }
};

TEST_F(Cifar, PythonVersion) {
  Members files;
  for (int b = 0; b < 6; ++b)
    files.emplace_back(b < 5 ? "data_batch_" + std::to_string(b + 1) : "test_batch",
                       Pickle::batch(kRecords, b * kRecords, {"labels"}));
  write(folder_ / "cifar-10-batches-py", files);
  expect_right(datasets::cifar10::load_data({.path = path()}));
  Members in_archive;
  for (const auto& [name, bytes] : files) in_archive.emplace_back("cifar-10-batches-py/" + name, bytes);
  write_archive(folder_ / "alone" / "cifar-10-python.tar.gz", in_archive);
  expect_right(datasets::cifar10::load_data({.path = path() + "/alone"}));

  write(folder_ / "cifar-100-python", {{"train", Pickle::batch(50, 0, {"fine_labels", "coarse_labels"})},
                                       {"test", Pickle::batch(10, 50, {"fine_labels", "coarse_labels"})}});
  const auto coarse = datasets::cifar100::load_data({.path = path(), .label_mode = "coarse"});
  expect_records(coarse.x_train, coarse.y_train, 0, 50, 20);
  const auto fine = datasets::cifar100::load_data({.path = path()});
  expect_records(fine.x_test, fine.y_test, 50, 10, 100);
}

TEST_F(Cifar, PicklesAreReadAndNeverRun) {
  const auto error = [&](const std::string& bytes) {
    Members files;
    for (int b = 0; b < 6; ++b) files.emplace_back(b < 5 ? "data_batch_" + std::to_string(b + 1) : "test_batch", bytes);
    write(folder_, files);
    return message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); });
  };
  EXPECT_TRUE(has(error("\x80\x02"
                        "cos\nsystem\nU\x04"
                        "true\x85R."),
                  "refers to 'os.system', which strata does not run"));
  const std::string good = Pickle::batch(2, 0, {"labels"});
  EXPECT_TRUE(has(error(good.substr(0, 3000)), "is cut short"));
  EXPECT_TRUE(has(error(Pickle::batch(2, 0, {"labels"}, "f4")), "another type than unsigned bytes"));
  EXPECT_TRUE(has(error(Pickle::batch(2, 0, {"fine_labels"})), "holds 2 images, but 0 'labels'"));
  EXPECT_TRUE(has(error("hello"), "is no pickle"));
  EXPECT_TRUE(has(error(""), "is cut short"));
  // Whatever a single byte is changed to, nothing worse than an error comes of it.
  (void)error(good);
  for (std::size_t at = 0; at < good.size(); at += at < 250 ? 1 : 97)
    for (const int flip : {1, 0x10, 0xff}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      write_file(folder_ / "data_batch_1", bytes);
      (void)message<FileError>([&] { datasets::cifar10::load_data({.path = path()}); });
    }
}

TEST(CifarOfficial, AllSixtyThousandPictures) {
  const char* place = std::getenv("STRATA_DATA_DIR");
  if (place == nullptr || !fs::exists(fs::path(place) / "cifar-10-batches-bin" / "test_batch.bin"))
    GTEST_SKIP() << "STRATA_DATA_DIR has no CIFAR-10";
  const auto data = datasets::cifar10::load_data({.path = place});
  EXPECT_EQ(data.x_train.shape(), (Shape{50000, 32, 32, 3}));
  EXPECT_EQ(data.y_train.shape(), (Shape{50000, 1}));
  EXPECT_EQ(data.x_test.shape(), (Shape{10000, 32, 32, 3}));
  std::vector<int> counts(10);
  for (const int label : data.y_train.data<std::uint8_t>()) ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, std::vector<int>(10, 5000));
}

}  // namespace
}  // namespace strata
