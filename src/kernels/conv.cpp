#include "kernels/conv.h"

#include <algorithm>
#include <cstring>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// The three arrays of a convolution in the order (src, weights, dst); `result` says which one is computed.
struct Arrays {
  const void* src;
  const void* weights;
  const void* dst;
};

template <class T>
void run_loops(ConvKind kind, const Convolution& c, const Arrays& a) {
  const T *src = static_cast<const T*>(a.src), *weights = static_cast<const T*>(a.weights),
          *dst = static_cast<const T*>(a.dst);
  switch (kind) {
    case ConvKind::forward:
      return conv_forward_loops(c, src, weights, const_cast<T*>(dst));
    case ConvKind::backward_data:
      return conv_backward_data_loops(c, dst, weights, const_cast<T*>(src));
    case ConvKind::backward_weights:
      return conv_backward_weights_loops(c, src, dst, const_cast<T*>(weights));
  }
}

void run_float(ConvKind kind, const Convolution& c, const Arrays& a) {
  if (!conv_onednn(kind, DType::float32, c, a.src, a.weights, a.dst)) run_loops<float>(kind, c, a);
}

// 16-bit data where oneDNN has no kernel for it: computes on float copies.
template <class T>
void run_through_float(ConvKind kind, const Convolution& c, const Arrays& a) {
  const std::int64_t sizes[3] = {c.src_size(), c.weights_size(), c.dst_size()};
  const void* given[3] = {a.src, a.weights, a.dst};
  const int result = kind == ConvKind::forward ? 2 : kind == ConvKind::backward_data ? 0 : 1;
  detail::Buffer src(sizes[0] * sizeof(float)), weights(sizes[1] * sizeof(float)), dst(sizes[2] * sizeof(float));
  float* copies[3] = {static_cast<float*>(src.data()), static_cast<float*>(weights.data()),
                      static_cast<float*>(dst.data())};
  for (int i = 0; i < 3; ++i)
    if (i != result)
      parallel_for(sizes[i], 1, [from = static_cast<const T*>(given[i]), to = copies[i]](auto begin, auto end) {
        for (std::int64_t k = begin; k < end; ++k) to[k] = from[k];
      });
  run_float(kind, c, {copies[0], copies[1], copies[2]});
  T* to = static_cast<T*>(const_cast<void*>(given[result]));
  parallel_for(sizes[result], 1, [from = copies[result], to](auto begin, auto end) {
    for (std::int64_t k = begin; k < end; ++k) to[k] = T(from[k]);
  });
}

void run(ConvKind kind, DType dtype, const Convolution& c, const Arrays& a) {
  if (c.src_size() == 0 || c.weights_size() == 0 || c.dst_size() == 0) {
    const std::int64_t size = kind == ConvKind::forward         ? c.dst_size()
                              : kind == ConvKind::backward_data ? c.src_size()
                                                                : c.weights_size();
    const void* result = kind == ConvKind::forward ? a.dst : kind == ConvKind::backward_data ? a.src : a.weights;
    if (size > 0) std::memset(const_cast<void*>(result), 0, size * size_of(dtype));
    return;
  }
  switch (dtype) {
    case DType::float32:
      return run_float(kind, c, a);
    case DType::float64:
      return run_loops<double>(kind, c, a);
    case DType::float16:
      return run_through_float<Float16>(kind, c, a);
    case DType::bfloat16:
      if (!conv_onednn(kind, dtype, c, a.src, a.weights, a.dst)) run_through_float<BFloat16>(kind, c, a);
      return;
    default:
      throw_unsupported_dtype("conv", dtype);
  }
}

}  // namespace

void conv_forward(DType dtype, const Convolution& c, const void* src, const void* weights, void* dst) {
  run(ConvKind::forward, dtype, c, {src, weights, dst});
}

void conv_backward_data(DType dtype, const Convolution& c, const void* diff_dst, const void* weights, void* diff_src) {
  run(ConvKind::backward_data, dtype, c, {diff_src, weights, diff_dst});
}

void conv_backward_weights(DType dtype, const Convolution& c, const void* src, const void* diff_dst,
                           void* diff_weights) {
  run(ConvKind::backward_weights, dtype, c, {src, diff_weights, diff_dst});
}

}  // namespace strata::kernels
