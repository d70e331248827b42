// What follows a product in networks.
#pragma once

#include <cstdint>

#include "kernels/parallel.h"

namespace strata::kernels {

// row = relu(row + bias).
struct RowEnd {
  const float* bias = nullptr;  // none where null
  bool relu = false;

  bool is_none() const { return bias == nullptr && !relu; }
  // What ends the part of a row from column j on.
  RowEnd from(std::int64_t j) const { return {bias == nullptr ? nullptr : bias + j, relu}; }
  void apply(float* row, std::int64_t n) const { apply_to(row, nullptr, row, n); }
  // row = end(a + b), or of a alone where b is null. `row` may be one of them.
  void apply_to(const float* a, const float* b, float* row, std::int64_t n) const;
  void apply_to_all(float* rows, std::int64_t count, std::int64_t n) const {
    if (is_none()) return;
    parallel_for(count, n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) apply(rows + i * n, n);
    });
  }
};

}  // namespace strata::kernels
