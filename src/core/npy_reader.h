// Arrays in NumPy's .npy format, from wherever their bytes are, and archives of them.
#pragma once

#include <string>
#include <vector>

#include "core/file.h"
#include "core/zip.h"
#include "strata/tensor.h"

namespace strata {

// Reads one array and leaves `source` behind it. Throws FileError.
STRATA_API Tensor read_npy(ByteSource& source);

// An .npz, read array by array. Throws FileError.
class STRATA_API NpzReader {
 public:
  explicit NpzReader(const std::string& path);
  std::size_t size() const { return names_.size(); }
  const std::string& name(std::size_t i) const { return names_[i]; }
  Tensor read(std::size_t i) const;
  // Reads all of an array without keeping it: what is damaged throws.
  Shape checked_shape(std::size_t i) const;

 private:
  InputFile file_;
  ZipReader archive_;
  std::vector<std::string> names_;
};

}  // namespace strata
