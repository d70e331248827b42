// A reader of HDF5 files of our own: bounds-checked, memory-mapped, thread-safe, without libhdf5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/tensor.h"

namespace strata::hdf5 {

struct Limits {
  // What a data set may declare, checked before memory is taken.
  std::uint64_t bytes = std::uint64_t{8} << 30;
};

struct FileData;  // the mapped bytes, and what the superblock says

// A group or data set. Handles share the file, which stays mapped while one of them lives.
class STRATA_API Object {
 public:
  Object(std::shared_ptr<const FileData> file, std::uint64_t header, std::string path);

  // "/layers/dense/vars", for messages.
  const std::string& path() const { return path_; }
  bool is_dataset() const;

  // Of a group: the names in it, sorted.
  std::vector<std::string> names() const;
  // What lies below by a name or a path with slashes; none where it is missing.
  std::optional<Object> find(std::string_view path) const;
  // Throws FileError where it is missing.
  Object at(std::string_view path) const;

  // All data sets below (or this one), each group's in the order of names. What several names lead to is met once, so
  // that groups which hold each other have an end. `leave_out`: names of objects that are passed over.
  std::vector<Object> datasets(const std::vector<std::string>& leave_out = {}) const;

  // Of a data set. Integers that Tensor does not have become wider ones, booleans bool.
  Shape shape() const;
  DType dtype() const;
  // The bytes that the elements take in the file's type.
  std::uint64_t declared_bytes() const;
  Tensor read() const;
  std::vector<std::string> read_strings() const;

  std::vector<std::string> attribute_names() const;
  bool has_attribute(std::string_view name) const;
  // One string, or all of an array of strings; numbers as text. Throws FileError where the attribute is missing.
  std::vector<std::string> attribute(std::string_view name) const;
  // Empty where it is missing or has no elements.
  std::string attribute_text(std::string_view name) const;

 private:
  std::shared_ptr<const FileData> file_;
  std::uint64_t header_;
  std::string path_;
};

// The root group. Throws FileError where the file cannot be read or is no HDF5 file.
STRATA_API Object open_file(const std::string& path, const Limits& limits = {});
// Of bytes that lie in memory, kept alive by `owner`; `name` is for messages.
STRATA_API Object open_bytes(const void* bytes, std::size_t size, std::shared_ptr<const void> owner,
                             const std::string& name, const Limits& limits = {});
// Whether the first bytes are those of an HDF5 file.
STRATA_API bool has_signature(const void* bytes, std::size_t size);

}  // namespace strata::hdf5
