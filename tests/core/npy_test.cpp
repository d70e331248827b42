#include "strata/npy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/file.h"
#include "core/half.h"
#include "core/tensor_data.h"
#include "core/zip.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

std::string golden(const std::string& name) {
  const char* folder = std::getenv("STRATA_GOLDEN_DIR");
  if (folder == nullptr) throw std::runtime_error("set STRATA_GOLDEN_DIR to tests/golden");
  return std::string(folder) + "/core/npy/" + name;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

using test::message_of;

// A folder of its own for each test.
class Npy : public testing::Test {
 protected:
  Npy() {
    std::string name = (fs::temp_directory_path() / "strata-npy-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Npy() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

// What tools/golden/npy.py puts into its arrays.
std::vector<double> expected(std::size_t n, bool is_bool, bool is_unsigned) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i)
    out.push_back(is_bool ? i % 3 == 0 : is_unsigned ? static_cast<double>(i) : static_cast<double>(i) - 2);
  return out;
}

void expect_golden(const Tensor& t, DType dtype, const Shape& shape, bool is_unsigned = false) {
  EXPECT_EQ(t.dtype(), dtype);
  EXPECT_EQ(t.shape(), shape);
  EXPECT_EQ(t.to_vector<double>(),
            expected(static_cast<std::size_t>(shape.num_elements()), dtype == boolean, is_unsigned || dtype == uint8));
}

TEST_F(Npy, ReadsEveryTypeOfNumpy) {
  for (const DType d : {boolean, uint8, int32, int64, float16, float32, float64, bfloat16}) {
    SCOPED_TRACE(to_string(d));
    expect_golden(load_npy(golden(to_string(d) + ".npy")), d, {2, 3});
  }
  expect_golden(load_npy(golden("wider_int8.npy")), int32, {2, 3});
  expect_golden(load_npy(golden("wider_int16.npy")), int32, {2, 3});
  expect_golden(load_npy(golden("wider_uint16.npy")), int32, {2, 3}, true);
  expect_golden(load_npy(golden("wider_uint32.npy")), int64, {2, 3}, true);
}

TEST_F(Npy, ReadsBigEndianFortranAndAllFormats) {
  expect_golden(load_npy(golden("big_i4.npy")), int32, {2, 3});
  expect_golden(load_npy(golden("big_i8.npy")), int64, {2, 3});
  expect_golden(load_npy(golden("big_f2.npy")), float16, {2, 3});
  expect_golden(load_npy(golden("big_f4.npy")), float32, {2, 3});
  expect_golden(load_npy(golden("big_f8.npy")), float64, {2, 3});
  expect_golden(load_npy(golden("big_u2.npy")), int32, {2, 3}, true);
  expect_golden(load_npy(golden("fortran.npy")), float32, {2, 3, 4});
  expect_golden(load_npy(golden("fortran_big.npy")), int64, {3, 2});
  expect_golden(load_npy(golden("format2.npy")), int32, {2, 3});
  expect_golden(load_npy(golden("format3.npy")), int32, {2, 3});
  expect_golden(load_npy(golden("scalar.npy")), float32, {});
  expect_golden(load_npy(golden("empty.npy")), float64, {3, 0, 2});
}

TEST_F(Npy, WritesTheFilesThatNumpyWrites) {
  for (const char* name :
       {"bool", "uint8", "int32", "int64", "float16", "float32", "float64", "bfloat16", "scalar", "vector", "empty"}) {
    const std::string original = golden(std::string(name) + ".npy"), copy = path("copy.npy");
    save_npy(copy, load_npy(original));
    EXPECT_EQ(contents(copy), contents(original)) << name;
  }
  EXPECT_EQ(files(), 1u) << "temporary files were left behind";
}

void expect_entries(const NamedTensors& entries) {
  ASSERT_GE(entries.size(), 4u);
  EXPECT_EQ(entries[0].first, "kernel");
  expect_golden(entries[0].second, float32, {2, 3});
  EXPECT_EQ(entries[1].first, "layer/bias");
  expect_golden(entries[1].second, int64, {3});
  EXPECT_EQ(entries[2].first, "flag");
  expect_golden(entries[2].second, boolean, {});
  EXPECT_EQ(entries[3].first, "none");
  expect_golden(entries[3].second, float32, {0, 4});
}

TEST_F(Npy, ReadsArchives) {
  expect_entries(load_npz(golden("stored.npz")));
  const NamedTensors deflated = load_npz(golden("deflated.npz"));
  expect_entries(deflated);
  ASSERT_EQ(deflated.size(), 5u);
  expect_golden(deflated[4].second, float32, {50, 100});
  EXPECT_TRUE(load_npz(golden("nothing.npz")).empty());
}

TEST_F(Npy, GivesEntriesByName) {
  const NamedTensors entries = load_npz(golden("stored.npz"));
  expect_golden(entries["layer/bias"], int64, {3});
  EXPECT_TRUE(entries.contains("flag") && !entries.contains("flags"));
  EXPECT_NE(message_of([&] { entries["flags"]; }).find("no tensor 'flags'. There is: kernel, layer/bias, flag"),
            std::string::npos);
}

TEST_F(Npy, WritesArchives) {
  const NamedTensors entries = load_npz(golden("deflated.npz"));
  save_npz(path("a.npz"), entries);
  save_npz(path("b.npz"), entries, {.compressed = true});
  for (const char* name : {"a.npz", "b.npz"}) {
    const NamedTensors back = load_npz(path(name));
    expect_entries(back);
    expect_golden(back[4].second, float32, {50, 100});
  }
  EXPECT_LT(fs::file_size(path("b.npz")), fs::file_size(path("a.npz")));
  save_npz(path("none.npz"), {});
  EXPECT_TRUE(load_npz(path("none.npz")).empty());
}

// The last entry, written by somebody else than the ZipWriter.
void complete_in_place(AtomicFile& file, ZipWriter& zip, const std::string& name, const std::string& bytes) {
  zip.begin(name, bytes.size());
  file.write(bytes.data(), bytes.size());
  zip.end();
  zip.finish();
  file.commit();
}

TEST_F(Npy, ArchivesBeyondFourGigabytesUseZip64) {
  // The same code with the limit at 100 bytes.
  const std::string npy = contents(golden("float32.npy"));
  {
    AtomicFile file(path("wide.npz"));
    ZipWriter zip(file, 100);
    zip.add("a.npy", npy, "", false);
    zip.add("b.npy", npy, "", true);
    complete_in_place(file, zip, "c.npy", npy);
  }
  const NamedTensors back = load_npz(path("wide.npz"));
  ASSERT_EQ(back.size(), 3u);
  expect_golden(back[0].second, float32, {2, 3});
  expect_golden(back[1].second, float32, {2, 3});
  expect_golden(back[2].second, float32, {2, 3});
}

TEST_F(Npy, EntriesOfUnknownSizeAreWrittenInPlace) {
  const std::string npy = contents(golden("float32.npy"));
  {
    AtomicFile file(path("placed.npz"));
    ZipWriter zip(file, 100);
    zip.begin("a.npy", 99);
    file.write(npy.data(), npy.size());
    EXPECT_THROW(zip.end(), Error);
  }
  EXPECT_FALSE(fs::exists(path("placed.npz")));
  {
    AtomicFile file(path("placed.npz"));
    ZipWriter zip(file);
    complete_in_place(file, zip, "a.npy", npy);
  }
  const NamedTensors back = load_npz(path("placed.npz"));
  ASSERT_EQ(back.size(), 1u);
  expect_golden(back[0].second, float32, {2, 3});
}

TEST_F(Npy, RefusesWhatIsNoArrayOfNumbers) {
  auto refusal = [](const char* name) { return message_of([&] { load_npy(golden(name)); }); };
  EXPECT_NE(refusal("refused_complex.npy").find("found elements of type '<c8', expected bool, uint8"),
            std::string::npos)
      << refusal("refused_complex.npy");
  EXPECT_NE(refusal("refused_structured.npy").find("found a structured array"), std::string::npos);
  EXPECT_NE(refusal("refused_text.npy").find("found elements of type '<U2'"), std::string::npos);
  EXPECT_NE(refusal("refused_rank9.npy").find("more than 8 dimensions"), std::string::npos);
  EXPECT_NE(refusal("versions.txt").find("is no NumPy array"), std::string::npos);
  EXPECT_NE(refusal("missing.npy").find("cannot be opened for reading: No such file or directory."), std::string::npos);
  EXPECT_NE(message_of([&] { load_npy(folder_.string()); }).find("found a folder"), std::string::npos);
  EXPECT_NE(message_of([&] { load_npz(golden("float32.npy")); }).find("no zip archive"), std::string::npos);
  write(path("empty.npy"), "");
  EXPECT_EQ(message_of([&] { load_npy(path("empty.npy")); }),
            "'" + path("empty.npy") + "': found 0 bytes, expected a NumPy array.");
}

std::string with_header(const std::string& dictionary) {
  std::string out("\x93NUMPY\1\0", 8);
  out += static_cast<char>(dictionary.size() & 0xff);
  out += static_cast<char>(dictionary.size() >> 8);
  return out + dictionary + std::string(24, '\0');
}

TEST_F(Npy, RefusesHostileHeaders) {
  const char* hostile[] = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 8), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': 2, }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': Falsy, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} import os",
      "{'descr': '<f4",
      "{'descr': '', 'fortran_order': False, 'shape': (2,)}",
      "__import__('os')",
      "",
  };
  for (const char* header : hostile) {
    write(path("h.npy"), with_header(header));
    const std::string text = message_of([&] { load_npy(path("h.npy")); });
    EXPECT_NE(text.find("h.npy': found "), std::string::npos) << header << "\n" << text;
    EXPECT_NE(text.find(", expected "), std::string::npos) << header << "\n" << text;
  }
  write(path("ok.npy"), with_header("{\"shape\": (2L, 3), \"fortran_order\": False, \"descr\": 'f4'}"));
  EXPECT_EQ(load_npy(path("ok.npy")).shape(), (Shape{2, 3}));
}

// Loads, or throws FileError: nothing else may happen.
template <class Load>
bool loads(Load&& load) {
  try {
    load();
    return true;
  } catch (const FileError&) {
    return false;
  }
}

bool loads(const std::string& path, bool archive) {
  return loads([&] { archive ? static_cast<void>(load_npz(path)) : static_cast<void>(load_npy(path)); });
}

TEST_F(Npy, EveryTruncationIsAnError) {
  for (const char* name : {"float32.npy", "fortran.npy", "wider_int8.npy", "stored.npz", "deflated.npz"}) {
    const bool archive = std::string(name).ends_with(".npz");
    fs::copy_file(golden(name), path("t"), fs::copy_options::overwrite_existing);
    for (std::uintmax_t n = fs::file_size(path("t")); n-- > 0;) {
      fs::resize_file(path("t"), n);
      EXPECT_FALSE(loads(path("t"), archive)) << name << " cut to " << n << " bytes";
    }
  }
}

TEST_F(Npy, AChangedByteIsAnErrorOrHarmless) {
  std::size_t refused = 0;
  for (const char* name : {"stored.npz", "deflated.npz", "fortran.npy"}) {
    const bool archive = std::string(name).ends_with(".npz");
    const std::string whole = contents(golden(name));
    fs::copy_file(golden(name), path("c"), fs::copy_options::overwrite_existing);
    std::fstream file(path("c"), std::ios::binary | std::ios::in | std::ios::out);
    auto put = [&](std::size_t at, char byte) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put(byte).flush();
    };
    for (std::size_t i = 0; i<whole.size(); i += whole.size()> 4000 ? 3 : 1) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        put(i, static_cast<char>(whole[i] ^ flip));
        refused += !loads(path("c"), archive);
      }
      put(i, whole[i]);
    }
    EXPECT_TRUE(loads(path("c"), archive)) << "the bytes were not put back";
  }
  EXPECT_GT(refused, 1000u);
}

TEST_F(Npy, AFailedSaveLeavesTheOldFile) {
  save_npy(path("x.npy"), Tensor{1.f, 2.f});
  const std::string before = contents(path("x.npy"));
  EXPECT_THROW(save_npy(path("x.npy"), Tensor()), ValueError);
  {
    AtomicFile file(path("x.npy"));
    file.write("half", 4);
  }
  EXPECT_EQ(contents(path("x.npy")), before);
  EXPECT_EQ(files(), 1u);
  EXPECT_THROW(save_npy(path("no/such/folder.npy"), Tensor{1.f}), FileError);
  EXPECT_THROW(save_npy(folder_.string(), Tensor{1.f}), FileError);
}

TEST_F(Npy, SavingKeepsLinksAndPermissions) {
  save_npy(path("x.npy"), Tensor{1.f});
  chmod(path("x.npy").c_str(), 0640);
  fs::create_symlink("x.npy", path("link.npy"));
  save_npy(path("link.npy"), Tensor{2.f, 3.f});
  EXPECT_TRUE(fs::is_symlink(path("link.npy")));
  EXPECT_EQ(load_npy(path("x.npy")).to_vector<float>(), (std::vector<float>{2, 3}));
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("x.npy")).permissions()), 0640u);
}

TEST_F(Npy, NamesAreChecked) {
  EXPECT_NE(message_of([&] {
              save_npz(path("d.npz"), {{"a", 1.f}, {"a", 2.f}});
            }).find("two entries named 'a'"),
            std::string::npos);
  EXPECT_THROW(save_npz(path("d.npz"), {{"", 1.f}}), ValueError);
  EXPECT_THROW(save_npz(path("d.npz"), {{"a", Tensor()}}), ValueError);
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace strata
