// Files as bytes: plain, gzip'd, or members of an archive. Everything has a limit, since files may be damaged or
// hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/export.h"

namespace strata::datasets::detail {

using Bytes = std::vector<std::uint8_t>;

// The most that one file of a data set may hold, unpacked.
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

// A file's contents and where it came from, for messages: "DIR/train.bin" or "DIR/a.tar.gz:train.bin".
struct NamedBytes {
  std::string name;
  Bytes bytes;
};

// The whole file; unpacked where it begins as gzip does. Throws FileError.
NamedBytes read_file(const std::filesystem::path& path);

// The unpacked members of a tar (compressed or not) or zip archive whose name without folders is one of `wanted`;
// others are skipped. Throws FileError where the archive is damaged.
std::vector<std::pair<std::string, NamedBytes>> read_archive(const std::filesystem::path& path,
                                                             const std::vector<std::string>& wanted);

// True for names such as x.zip, x.tar.gz, x.tgz, x.npz.
bool has_archive_name(const std::filesystem::path& path);

// SHA-256 in hexadecimal digits. Throws FileError.
STRATA_API std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace strata::datasets::detail
