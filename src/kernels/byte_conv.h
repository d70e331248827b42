// Convolutions of bytes with weights of 8 bits, prepared once and run many times, without allocation, lookup or lock.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "kernels/bytes.h"
#include "kernels/conv.h"

namespace strata::kernels {

// dst = relu(convolution + bias) of src, bytes on a grid; dst bytes on another grid, or float32.
struct ByteConvTask {
  Convolution geometry;
  Grid src;
  std::optional<Grid> dst = {};  // none: float32
  std::int64_t dst_stride = 0;   // elements from one pixel to the next, where dst is a slice of wider rows; 0: dense
  bool relu = false;
};

// Immutable: threads may run it at the same time, each with its own scratch, which starts at a multiple of 64 bytes.
class STRATA_API ByteConvPlan {
 public:
  virtual ~ByteConvPlan() = default;
  virtual std::string implementation() const = 0;
  virtual std::size_t scratch_size() const = 0;  // bytes
  virtual void run(const void* src, void* dst, void* scratch) const = 0;
};

// The largest weight, 127 or less. Processors without instructions for sums of products of bytes add pairs of these in
// 16 bits, which 255 * 127 twice would not fit.
STRATA_API int largest_byte_weight();

// Weights (kernel..., in_channels / groups, out_channels) get a grid for each output channel, symmetric around zero;
// `bias` may be null. Never null.
STRATA_API std::shared_ptr<const ByteConvPlan> prepare_byte_conv(const ByteConvTask& task, const float* weights,
                                                                 const float* bias);

}  // namespace strata::kernels
