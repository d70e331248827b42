// Products of a few rows with one matrix, many times over, as recurrent layers need them: the matrix is laid out for
// the vector units once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "core/tensor_data.h"
#include "kernels/split_gemm.h"

namespace strata::kernels {

// B (k, n) of T, or the transpose of its kept form (n, k). A row's result depends on that row alone.
template <class T>
class PackedMatrix {
 public:
  // Row l of B begins at b + l * leading; of the transposed form, column l does. It is read as long as this lives.
  // Threads together multiply `rows` rows at a time.
  PackedMatrix(const T* b, std::int64_t leading, std::int64_t k, std::int64_t n, bool transposed, std::int64_t rows);
  // What a thread needs to multiply up to so many rows at a time.
  class Room {
   public:
    Room(const PackedMatrix& matrix, std::int64_t rows)
        : memory_(matrix.split_ == nullptr ? 0 : matrix.split_->scratch(rows)) {}
    std::span<std::byte> memory() const { return {static_cast<std::byte*>(memory_.data()), memory_.bytes()}; }

   private:
    detail::Buffer memory_;
  };
  // dst[i] += a[i] * B for `rows` rows, which lie a_leading and dst_leading apart.
  void multiply_add(const T* a, std::int64_t a_leading, T* dst, std::int64_t dst_leading, std::int64_t rows,
                    const Room& room) const;

 private:
  const T* panels() const;

  const T* b_;
  std::int64_t leading_, k_, n_;
  bool transposed_;
  mutable std::once_flag once_;
  mutable std::vector<T> panels_;             // from their first use on
  std::unique_ptr<const SplitMatrix> split_;  // for the tiles of AMX, where they are faster
};

}  // namespace strata::kernels
