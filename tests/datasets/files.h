// Small synthetic data sets in the published formats, in a directory of the test's own.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strata::testing_datasets {

namespace fs = std::filesystem;

inline std::string big_endian(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

// Pixel p of image i.
inline char pixel(int i, int p) { return static_cast<char>((i * 31 + p * 7) & 0xff); }

inline std::string idx_images(int n, int rows = 28, int columns = 28) {
  std::string out = big_endian(0x803) + big_endian(static_cast<std::uint32_t>(n)) +
                    big_endian(static_cast<std::uint32_t>(rows)) + big_endian(static_cast<std::uint32_t>(columns));
  for (int i = 0; i < n; ++i)
    for (int p = 0; p < rows * columns; ++p) out += pixel(i, p);
  return out;
}

inline std::string idx_labels(int n, int bad_at = -1) {
  std::string out = big_endian(0x801) + big_endian(static_cast<std::uint32_t>(n));
  for (int i = 0; i < n; ++i) out += static_cast<char>(i == bad_at ? 10 : (i * 3) % 10);
  return out;
}

// Records of the binary version: `label_bytes` labels, then planes of red, green and blue.
inline std::string cifar_records(int n, int label_bytes, int first = 0) {
  std::string out;
  for (int i = first; i < first + n; ++i) {
    if (label_bytes == 2) out += static_cast<char>(i % 20);
    out += static_cast<char>(label_bytes == 2 ? i % 100 : i % 10);
    for (int p = 0; p < 3072; ++p) out += pixel(i, p);
  }
  return out;
}

inline void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_gzip(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  gzFile f = gzopen(path.c_str(), "wb");
  if (f == nullptr || gzwrite(f, bytes.data(), static_cast<unsigned>(bytes.size())) <= 0 || gzclose(f) != Z_OK)
    throw std::runtime_error("cannot write " + path.string());
}

// A .tar.gz, or a .zip where the name ends so.
inline void write_archive(const fs::path& path, const std::vector<std::pair<std::string, std::string>>& members) {
  fs::create_directories(path.parent_path());
  archive* a = archive_write_new();
  const std::string name = path.string();
  if (name.ends_with(".zip") || name.ends_with(".npz")) {
    archive_write_set_format_zip(a);
  } else {
    archive_write_add_filter_gzip(a);
    archive_write_set_format_ustar(a);
  }
  if (archive_write_open_filename(a, path.c_str()) != ARCHIVE_OK) throw std::runtime_error(archive_error_string(a));
  for (const auto& [member, bytes] : members) {
    archive_entry* e = archive_entry_new();
    archive_entry_set_pathname(e, member.c_str());
    archive_entry_set_size(e, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_write_header(a, e);
    archive_write_data(a, bytes.data(), bytes.size());
    archive_entry_free(e);
  }
  archive_write_free(a);
}

// Sets environment variables for one test, and gives it an empty directory.
class DatasetTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "strata_datasets_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    set("STRATA_DATA_DIR", "");
    set("STRATA_DATA_MIRROR", "");
    set("STRATA_OFFLINE", "1");  // no test may ask the network
    set("XDG_CACHE_HOME", (folder_ / "cache").string());
  }
  void TearDown() override {
    for (const auto& [name, value] : saved_) {
      if (value)
        setenv(name.c_str(), value->c_str(), 1);
      else
        unsetenv(name.c_str());
    }
    fs::remove_all(folder_);
  }
  void set(const char* name, const std::string& value) {
    const char* old = std::getenv(name);
    saved_.emplace(saved_.begin(), name, old != nullptr ? std::make_unique<std::string>(old) : nullptr);
    setenv(name, value.c_str(), 1);
  }
  fs::path cache() const { return folder_ / "cache" / "strata" / "datasets"; }

  fs::path folder_;
  std::vector<std::pair<std::string, std::unique_ptr<std::string>>> saved_;
};

// The message of the E that f throws.
template <class E, class F>
std::string message(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

inline testing::AssertionResult has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

}  // namespace strata::testing_datasets
