// The micro kernels of all products of float32 matrices, compiled once.
#pragma once

#include <cstdint>

namespace strata::kernels {

// C (rows, columns) = or += A (rows, depth) * B (depth, columns), which is added up before it is added, in the order of
// depth. The columns are 1 to 3 vectors, as wide as those of simd_load-inl.h in files that Highway compiles for the
// same sets of instructions as panel_product.cpp.
struct PanelProduct {
  int vectors;
  std::int64_t rows, depth;
  const float* a;  // element (i, k) at a[i * a_row + k * a_step], where one of the steps is 1
  std::int64_t a_row, a_step;
  const float* b;
  std::int64_t b_row;
  float* c;
  std::int64_t c_row;
  bool add = false;
};
void multiply_panel(const PanelProduct& p);

}  // namespace strata::kernels
