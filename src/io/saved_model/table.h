// Sorted string tables (LevelDB's format, uncompressed), in which TensorFlow keeps the index of a tensor bundle.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "strata/export.h"

namespace strata::saved_model {

// The bytes of a table of these entries.
STRATA_API std::string write_table(const std::map<std::string, std::string>& entries);

// All entries. Every length and offset is checked, and every block's CRC. Throws FileError that begins with `path`.
STRATA_API std::map<std::string, std::string> read_table(std::string_view bytes, const std::string& path);

}  // namespace strata::saved_model
