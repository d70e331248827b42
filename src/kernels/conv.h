// Convolutions of channels-last arrays, and what their gradients need.
#pragma once

#include <array>
#include <cstdint>

#include "strata/dtype.h"

namespace strata::kernels {

// Three spatial dimensions (depth, height, width) always; those that a convolution does not have are 1.
// src (batch, in..., in_channels), weights (kernel..., in_channels / groups, out_channels), dst (batch, out...,
// out_channels). Zeros are read outside of src.
struct Convolution {
  using Three = std::array<std::int64_t, 3>;
  std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  Three in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pad{0, 0, 0};  // pad: in front

  std::int64_t src_size() const { return batch * in[0] * in[1] * in[2] * in_channels; }
  std::int64_t dst_size() const { return batch * out[0] * out[1] * out[2] * out_channels; }
  // Of two dimensions or fewer.
  bool is_flat() const { return in[0] == 1 && kernel[0] == 1 && out[0] == 1 && pad[0] == 0; }
  // Of one pixel: a product of rows of channels with a matrix.
  bool is_pointwise() const {
    const Three one{1, 1, 1}, none{0, 0, 0};
    return kernel == one && stride == one && pad == none && groups == 1 && in == out;
  }
  std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  std::int64_t weights_size() const { return taps() * (in_channels / groups) * out_channels; }
};

enum class ConvKind { forward, backward_data, backward_weights };

// All floating types; all arrays have the same one. Any size may be zero.
void conv_forward(DType dtype, const Convolution& c, const void* src, const void* weights, void* dst);
void conv_backward_data(DType dtype, const Convolution& c, const void* diff_dst, const void* weights, void* diff_src);
void conv_backward_weights(DType dtype, const Convolution& c, const void* src, const void* diff_dst,
                           void* diff_weights);

// The same by plain loops: for float64, and where oneDNN has no implementation.
template <class T>
void conv_forward_loops(const Convolution& c, const T* src, const T* weights, T* dst);
template <class T>
void conv_backward_data_loops(const Convolution& c, const T* diff_dst, const T* weights, T* diff_src);
template <class T>
void conv_backward_weights_loops(const Convolution& c, const T* src, const T* diff_dst, T* diff_weights);

}  // namespace strata::kernels
