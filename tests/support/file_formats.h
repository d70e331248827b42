// A small file of each format that strata reads, and how it is read: for the tests of damaged files and the fuzz
// targets.
#pragma once

#include <ostream>
#include <span>
#include <string>

namespace strata::test {

struct FileFormat {
  const char* name;
  const char* file;                          // below a folder: what is damaged
  void (*write)(const std::string& folder);  // a good one
  void (*read)(const std::string& folder);   // throws strata::Error

  friend std::ostream& operator<<(std::ostream& out, const FileFormat& format) { return out << format.name; }
};
std::span<const FileFormat> file_formats();

std::string read_bytes(const std::string& path);
void write_bytes(const std::string& path, const std::string& bytes);

}  // namespace strata::test
