// One small file of each format, damaged: every prefix and random corruptions give an error of strata or a reading.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "strata/error.h"
#include "tests/support/file_formats.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;

// A folder with a good file of the format, to be damaged.
class Victim {
 public:
  explicit Victim(const FileFormat& format) : format_(format) {
    std::string pattern = (fs::temp_directory_path() / "strata_hostile_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    format.write(folder_);
    good_ = read_bytes(path());
    format.read(folder_);
  }
  ~Victim() { fs::remove_all(folder_); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void read_prefixes(std::size_t count) const {
    const std::size_t step = 1 + good_.size() / count;
    for (std::size_t n = 0; n < good_.size(); n += step) read(good_.substr(0, n), "prefix of " + std::to_string(n));
  }
  // Changed, lost and doubled bytes: up to four in each copy.
  void read_corruptions(int count) const {
    std::mt19937 random(17);
    for (int i = 0; i < count; ++i) {
      std::string bad = good_;
      for (unsigned left = 1 + random() % 4; left > 0; --left) {
        const std::size_t at = random() % bad.size();
        const unsigned kind = random() % 16;
        if (kind == 0 && bad.size() > 20)
          bad.erase(at, 1 + random() % 9);
        else if (kind == 1)
          bad.insert(at, bad.substr(at, 1 + random() % 9));
        else
          bad[at] = static_cast<char>(random() % 3 ? random() : random() % 2 ? 0xff : 0);
      }
      read(bad, "corruption " + std::to_string(i));
    }
  }

 private:
  std::string path() const { return folder_ + "/" + format_.file; }
  void read(const std::string& bytes, const std::string& what) const {
    write_bytes(path(), bytes);
    try {
      format_.read(folder_);
    } catch (const Error&) {
    } catch (const std::exception& e) {
      ADD_FAILURE() << format_.name << ", " << what << ": " << e.what();
    }
  }
  const FileFormat& format_;
  std::string folder_, good_;
};

TEST(HostileFiles, AreErrorsOrReadings) {
  for (const FileFormat& format : file_formats()) {
    SCOPED_TRACE(format.name);
    const Victim victim(format);
    victim.read_prefixes(20);
    victim.read_corruptions(30);
  }
}

class HostileFormat : public testing::TestWithParam<FileFormat> {};
TEST_P(HostileFormat, LongEveryPrefixIsAnErrorOrAReading) { Victim(GetParam()).read_prefixes(1 << 16); }
TEST_P(HostileFormat, LongCorruptionsAreErrorsOrReadings) { Victim(GetParam()).read_corruptions(3000); }
INSTANTIATE_TEST_SUITE_P(Formats, HostileFormat, testing::ValuesIn(file_formats().begin(), file_formats().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::test
