// libFuzzer: a file of the format STRATA_FUZZ_FORMAT that may be anything, read from a folder in memory.
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "strata/error.h"
#include "tests/support/file_formats.h"

namespace {

using strata::test::FileFormat;

// The folder with its other, good files; removed at exit.
struct Place {
  Place() {
    std::string pattern = "/dev/shm/strata_fuzz_XXXXXX";
    folder = mkdtemp(pattern.data());
    for (const FileFormat& f : strata::test::file_formats())
      if (f.name == std::string_view(STRATA_FUZZ_FORMAT)) format = &f;
    if (format == nullptr) std::abort();
    format->write(folder);
    // A first input for the corpus: the good file.
    if (const char* seeds = std::getenv("STRATA_FUZZ_SEEDS"); seeds != nullptr)
      std::filesystem::copy_file(folder + "/" + format->file, std::string(seeds) + "/good",
                                 std::filesystem::copy_options::overwrite_existing);
  }
  ~Place() { std::filesystem::remove_all(folder); }
  std::string folder;
  const FileFormat* format = nullptr;
};

Place& place() {
  static Place p;
  return p;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  place();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Place& p = place();
  strata::test::write_bytes(p.folder + "/" + p.format->file, {reinterpret_cast<const char*>(data), size});
  try {
    p.format->read(p.folder);
  } catch (const strata::Error&) {
  }
  return 0;
}
