// The reader of HDF5 on files that h5py wrote in every layout, on our own, and on damaged ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "io/hdf5/reader.h"
#include "io/hdf5/writer.h"
#include "strata/strata.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

std::string golden(const std::string& name) {
  const char* dir = std::getenv("STRATA_GOLDEN_DIR");
  return std::string(dir == nullptr ? "." : dir) + "/files/" + name;
}

std::string temporary(const std::string& name) { return (fs::path(testing::TempDir()) / name).string(); }

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Tensor expected() { return reshape(range(0.f, 30.f), {5, 6}); }

void expect_same(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  EXPECT_EQ(reduce_max(abs(cast(got, float64) - cast(want, float64))).item<double>(), 0);
}

class Hdf5Golden : public testing::TestWithParam<const char*> {};

TEST_P(Hdf5Golden, ReadsWhatH5pyWrites) {
  const hdf5::Object root = hdf5::open_file(golden(GetParam()));
  EXPECT_EQ(root.names(), (std::vector<std::string>{"a", "chunks", "many", "strings"}));
  EXPECT_EQ(root.attribute_text("text"), "häuser");
  EXPECT_EQ(root.attribute("names"), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_FALSE(root.has_attribute("missing"));
  for (const char* name :
       {"a/b/plain", "a/big_endian", "a/half", "chunks/plain", "chunks/deflate", "chunks/shuffle", "chunks/one"}) {
    SCOPED_TRACE(name);
    expect_same(root.at(name).read(), expected());
  }
  EXPECT_EQ(root.at("a/big_endian").dtype(), float64);
  EXPECT_EQ(root.at("a/half").dtype(), float16);
  EXPECT_EQ(root.at("a/scalar").read().item<std::int64_t>(), 7);
  expect_same(root.at("a/bytes").read(), {0, 1, 2, 3});
  EXPECT_EQ(root.at("a/bytes").dtype(), uint8);
  expect_same(root.at("a/short").read(), {-2, -1, 0, 1});
  EXPECT_EQ(root.at("a/short").dtype(), int32);
  EXPECT_EQ(root.at("a/bool").dtype(), DType::boolean);
  EXPECT_EQ(reduce_sum(cast(root.at("a/bool").read(), int32)).item<int>(), 2);
  EXPECT_EQ(root.at("a/empty").read().shape(), Shape({0, 3}));
  EXPECT_EQ(root.at("strings/variable").read_strings(), (std::vector<std::string>{"ä", "", "longer text"}));
  EXPECT_EQ(root.at("strings/fixed").read_strings(), (std::vector<std::string>{"x", "yy"}));
  const hdf5::Object many = root.at("many");
  EXPECT_EQ(many.names().size(), 40u);
  EXPECT_EQ(many.at("entry_39").read().item<float>(), 39);
  EXPECT_EQ(many.attribute_names().size(), 40u);
  EXPECT_EQ(many.attribute_text("attribute_17"), "value 17");
  EXPECT_FALSE(root.find("a/none").has_value());
  EXPECT_THROW(root.at("a/none"), FileError);
  EXPECT_THROW(root.at("strings/variable").read(), FileError);
}

INSTANTIATE_TEST_SUITE_P(Layouts, Hdf5Golden, testing::Values("earliest.h5", "latest.h5", "v108.h5"));

TEST(Hdf5, WhatWasNeverWrittenIsTheFillValue) {
  for (const char* name : {"unwritten.h5", "unwritten_latest.h5"}) {
    SCOPED_TRACE(name);
    const hdf5::Object root = hdf5::open_file(golden(name));
    expect_same(root.at("none").read(), fill({5, 6}, 2.5f));
    expect_same(root.at("none_of_chunks").read(), fill({5, 6}, -7));
    expect_same(root.at("zeros").read(), zeros({5, 6}));
    expect_same(root.at("part").read(), concat({expected()[Slice(0, 2)], fill({3, 6}, 0.5f)}, 0));
  }
}

// Four billion empty rounds of a loop, it would be.
TEST(Hdf5, ShufflingByAnotherSizeIsAnError) {
  std::string bytes = bytes_of(golden("earliest.h5"));
  const std::string filter("shuffle\0\4\0\0\0", 12);
  const std::size_t at = bytes.find(filter);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at + 8, 4, "\xff\xff\xff\xff");
  const hdf5::Object root = hdf5::open_bytes(bytes.data(), bytes.size(), nullptr, "bytes");
  EXPECT_THROW(root.at("chunks/shuffle").read(), FileError);
  expect_same(root.at("chunks/plain").read(), expected());
}

// Twelve groups that hold each other: as a tree it would have 12^40 places.
TEST(Hdf5, GroupsThatHoldEachOtherAreMetOnce) {
  const auto all = hdf5::open_file(golden("cycles.h5")).datasets();
  ASSERT_EQ(all.size(), 1u);
  expect_same(all[0].read(), expected());
  Sequential model({Input({3}), layers::Dense(2)});
  EXPECT_THROW(model.load_weights(golden("cycles.h5")), Error);
}

TEST(Hdf5, UserBlocksAreSkipped) {
  expect_same(hdf5::open_file(golden("userblock.h5")).at("plain").read(), expected());
}

TEST(Hdf5, OwnFilesComeBack) {
  const std::string path = temporary("own.h5");
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("a_rather_long_name_of_a_layer_" + std::to_string(i));
  {
    hdf5::Writer file(path);
    for (const DType t : {float16, float32, float64, int32, int64, uint8, bfloat16})
      file.dataset("/types/" + to_string(t), cast(expected(), t));
    file.dataset("/types/bool", greater(expected(), 3.f));
    file.dataset("/scalar", constant(2.5, float32));
    file.dataset("/empty", zeros({0, 3}));
    file.attribute("/", "text", std::string(100000, 'x'));
    file.attribute("/types", "names", names);
    file.commit();
  }
  const hdf5::Object root = hdf5::open_file(path);
  for (const DType t : {float16, float32, float64, int32, int64, uint8, bfloat16}) {
    SCOPED_TRACE(to_string(t));
    const Tensor got = root.at("types/" + to_string(t)).read();
    EXPECT_EQ(got.dtype(), t);
    expect_same(got, expected());
  }
  EXPECT_EQ(reduce_sum(cast(root.at("types/bool").read(), int32)).item<int>(), 26);
  EXPECT_EQ(root.at("scalar").read().item<float>(), 2.5f);
  EXPECT_EQ(root.attribute_text("text"), std::string(100000, 'x'));
  // Beyond 64 KiB, an attribute is in parts.
  EXPECT_FALSE(root.at("types").has_attribute("names"));
  std::vector<std::string> read;
  for (int i = 0; root.at("types").has_attribute("names" + std::to_string(i)); ++i)
    for (const auto& n : root.at("types").attribute("names" + std::to_string(i))) read.push_back(n);
  EXPECT_EQ(read, names);
}

TEST(Hdf5, AFileThatIsNotCompletedLeavesNothing) {
  const std::string path = temporary("unfinished.h5");
  std::ofstream(path) << "before";
  {
    hdf5::Writer file(path);
    file.dataset("/x", expected());
  }
  EXPECT_EQ(bytes_of(path), "before");
  EXPECT_THROW(hdf5::Writer("/no/such/folder/x.h5"), FileError);
}

TEST(Hdf5, OtherFilesAreNamed) {
  const std::string path = temporary("other.h5");
  std::ofstream(path) << "this is no HDF5 file at all";
  try {
    hdf5::open_file(path);
    FAIL();
  } catch (const FileError& e) {
    EXPECT_EQ(std::string(e.what()), "'" + path + "' is not an HDF5 file: its first bytes are others. Is it a .keras " +
                                         "archive, or was the download cut?");
  }
  EXPECT_THROW(hdf5::open_file(temporary("missing.h5")), FileError);
}

TEST(Hdf5, DeclarationsBeyondTheLimitTakeNoMemory) {
  const hdf5::Object root = hdf5::open_file(golden("earliest.h5"), {.bytes = 64});
  EXPECT_EQ(root.at("a/bytes").read().size(), 4);
  EXPECT_THROW(root.at("a/b/plain").read(), FileError);
  EXPECT_THROW(root.at("chunks/plain").read(), FileError);
}

// Reads all there is; what is thrown must be strata's.
void read_all(const hdf5::Object& object, int depth) {
  for (const auto& name : object.attribute_names()) {
    try {
      object.attribute(name);
    } catch (const Error&) {
    }
  }
  if (object.is_dataset()) {
    object.read();
    return;
  }
  if (depth > 8) return;
  for (const auto& name : object.names()) {
    try {
      read_all(object.at(name), depth + 1);
    } catch (const Error&) {
    }
  }
}

void read_damaged(const std::string& bytes) {
  try {
    read_all(hdf5::open_bytes(bytes.data(), bytes.size(), nullptr, "damaged", {.bytes = 1 << 24}), 0);
  } catch (const Error&) {
  }
}

void corrupt(int rounds) {
  for (const char* name : {"earliest.h5", "latest.h5", "v108.h5", "keras2.h5", "keras3.h5"}) {
    const std::string good = bytes_of(golden(name));
    ASSERT_GT(good.size(), 1000u);
    std::mt19937 random(7);
    for (int i = 0; i < rounds; ++i) {
      std::string bad = good;
      const int changes = 1 + static_cast<int>(random() % 4);
      for (int c = 0; c < changes; ++c) bad[random() % bad.size()] = static_cast<char>(random() % 3 ? random() : 0xff);
      read_damaged(bad);
    }
  }
}

TEST(Hdf5, CorruptionsAreErrorsOrReadings) { corrupt(60); }
TEST(Hdf5, LongCorruptionsAreErrorsOrReadings) { corrupt(3000); }

TEST(Hdf5, PrefixesAreErrorsOrReadings) {
  for (const char* name : {"earliest.h5", "latest.h5"}) {
    const std::string good = bytes_of(golden(name));
    for (std::size_t n = 0; n < good.size(); n += n < 2048 ? 16 : 509) read_damaged(good.substr(0, n));
  }
}
TEST(Hdf5, LongEveryPrefixIsAnErrorOrAReading) {
  for (const char* name : {"earliest.h5", "latest.h5", "keras2.h5", "keras3.h5"}) {
    const std::string good = bytes_of(golden(name));
    for (std::size_t n = 0; n < good.size(); ++n) read_damaged(good.substr(0, n));
  }
}

}  // namespace
}  // namespace strata
