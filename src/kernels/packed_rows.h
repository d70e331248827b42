// Rows times a matrix that was laid out for the vector units once, with what follows a product in networks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/export.h"

namespace strata::kernels {

// dst (rows, out) = relu(src (rows, in) * weights (in, out) + bias) in float32; strides count elements from a row to
// the next one. No element depends on the number of threads or on other rows.
struct PackedRows {
  std::int64_t rows, in, out;
  std::int64_t src_stride, dst_stride;
  const float* bias = nullptr;  // none where null
  bool relu = false;
};

std::size_t packed_rows_size(std::int64_t in, std::int64_t out);  // bytes
void pack_rows_weights(std::int64_t in, std::int64_t out, const float* weights, float* packed);
void multiply_packed_rows(const PackedRows& p, const float* src, const float* packed, float* dst);

}  // namespace strata::kernels
