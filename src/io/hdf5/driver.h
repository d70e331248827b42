// Where libhdf5 puts the bytes of a file: into a part of an AtomicFile, the elements of tensors without a copy between.
#pragma once

#include <cstdint>
#include <exception>

#include "core/atomic_file.h"

namespace strata::hdf5 {

// From position() of the file on. libhdf5 crashes when it closes a file after a write that failed, so it never hears of
// one: what went wrong is kept here, and whoever has closed the file asks for it.
class Target {
 public:
  explicit Target(AtomicFile& file) : file_(file), start_(file.position()) {}
  void write(std::uint64_t at, const void* bytes, std::size_t count);
  void read(std::uint64_t at, void* out, std::size_t count) const;
  // Makes the part as long as that, if it is shorter.
  void extend(std::uint64_t bytes);
  std::uint64_t size() const { return file_.position() - start_; }
  // Throws the first error of write().
  void check() const;

 private:
  AtomicFile& file_;
  std::uint64_t start_;
  std::exception_ptr error_;
};

// The property list (an id of libhdf5, the caller's to close) with which H5Fcreate writes to `target`.
std::int64_t access_to(Target& target);

}  // namespace strata::hdf5
