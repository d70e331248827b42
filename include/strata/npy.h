/// \file
/// NumPy's files: one array in a .npy file, named arrays in a .npz archive.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/tensor.h"

namespace strata {

/// Tensors by name, in the order in which they were given.
struct STRATA_API NamedTensors : std::vector<std::pair<std::string, Tensor>> {
  using Base = std::vector<std::pair<std::string, Tensor>>;
  using Base::Base;
  NamedTensors() = default;
  NamedTensors(const Base& entries) : Base(entries) {}
  bool contains(std::string_view name) const;
  using Base::at;  // the entry at a place
  /// Throws ValueError that lists the names there are.
  const Tensor& at(std::string_view name) const;
  const Tensor& operator[](const std::string& name) const { return at(name); }
  const Tensor& operator[](const char* name) const { return at(name); }
  /// The entry at a place.
  const value_type& operator[](std::size_t i) const { return Base::operator[](i); }
  value_type& operator[](std::size_t i) { return Base::operator[](i); }
  const value_type& operator[](int i) const { return Base::operator[](static_cast<std::size_t>(i)); }
};

struct NpzOptions {
  bool compressed = false;  ///< as numpy.savez_compressed
};

/// Reads a .npy file (formats 1.0 to 3.0, either byte order, C or Fortran order). NumPy's bool, uint8, int32, int64,
/// float16, float32 and float64 keep their type; int8, int16 and uint16 become int32, uint32 becomes int64; the
/// two-byte "V2" under which ml_dtypes keeps bfloat16 becomes bfloat16. Throws FileError that names the file, what it
/// holds and what was expected.
STRATA_API Tensor load_npy(const std::string& path);

/// Writes the file that `numpy.save` writes. bfloat16, which NumPy does not know, is written as "V2": read it in Python
/// by `numpy.load(path).view(ml_dtypes.bfloat16)`. The file appears under its name when it is complete. Throws
/// FileError.
STRATA_API void save_npy(const std::string& path, const Tensor& tensor);

/// Reads a .npz archive, stored or compressed, in the order of its entries; names come without ".npy":
/// `load_npz("net.npz")["kernel"]`. Throws FileError.
STRATA_API NamedTensors load_npz(const std::string& path);

/// Writes an archive that `numpy.load` reads. Throws ValueError where a name is empty or given twice, and FileError.
///
///     save_npz("net.npz", {{"kernel", kernel}, {"bias", bias}});
STRATA_API void save_npz(const std::string& path, const NamedTensors& entries, const NpzOptions& options = {});

}  // namespace strata
