// Pools of channels-last arrays.
#pragma once

#include <array>
#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// src (batch, in..., channels) and dst (batch, out..., channels); three spatial dimensions always. `pad` is in front;
// what lies outside of src does not count, in averages neither.
struct Pooling {
  using Three = std::array<std::int64_t, 3>;
  std::int64_t batch = 0, channels = 0;
  Three in{1, 1, 1}, out{1, 1, 1}, window{1, 1, 1}, stride{1, 1, 1}, pad{0, 0, 0};
  // Elements from one pixel to the next, where src (and its gradient) or dst (and its gradient) are slices of wider
  // rows; 0 where rows are dense.
  std::int64_t src_stride = 0, dst_stride = 0;

  std::int64_t src_step() const { return src_stride > 0 ? src_stride : channels; }
  std::int64_t dst_step() const { return dst_stride > 0 ? dst_stride : channels; }
};

// All floating types, and the integer ones for the maximum itself.
STRATA_API void max_pool(DType dtype, const Pooling& p, const void* src, void* dst);
STRATA_API void avg_pool(DType dtype, const Pooling& p, const void* src, void* dst);
// diff_dst goes to the first largest element of each window.
STRATA_API void max_pool_backward(DType dtype, const Pooling& p, const void* src, const void* dst, const void* diff_dst,
                                  void* diff_src);
// The transpose of that: at each window, what `values` (of the shape of src) has where src is largest first.
STRATA_API void max_pool_select(DType dtype, const Pooling& p, const void* src, const void* dst, const void* values,
                                void* out);
STRATA_API void avg_pool_backward(DType dtype, const Pooling& p, const void* diff_dst, void* diff_src);

}  // namespace strata::kernels
