// Downloads that are resumed, checked, and never leave half a file under the final name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "strata/export.h"

namespace strata::datasets::detail {

struct Remote {
  std::string name;  // of the file
  std::string sha256;
  std::int64_t bytes;
  std::vector<std::string> urls;  // tried in order
};

// Fetches `remote` into `directory` (made where it does not exist) unless the file is there already, and returns its
// path. What an interrupted download left in <name>.part is continued. Several processes may do the same at once: one
// fetches, the others wait. STRATA_DATA_MIRROR, a URL, is asked first. Throws FileError that tells of each URL.
STRATA_API std::filesystem::path download(const Remote& remote, const std::filesystem::path& directory);

}  // namespace strata::datasets::detail
