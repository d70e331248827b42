#include "kernels/rows.h"

#include <cstring>
#include <type_traits>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Neighbouring rows are one long row where nothing lies between them.
Rows merge(const Rows& size, std::initializer_list<std::int64_t> strides) {
  for (const std::int64_t stride : strides)
    if (stride != size.channels) return size;
  return {1, size.rows * size.channels};
}

// f(element of the first row, length) for pieces of rows, on several threads where they are many.
template <class F>
void each_piece(const Rows& size, F&& f) {
  if (size.rows == 1)
    return parallel_for(size.channels, 1,
                        [&](std::int64_t begin, std::int64_t end) { f(std::int64_t{0}, begin, end - begin); });
  parallel_for(size.rows, size.channels, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) f(r, std::int64_t{0}, size.channels);
  });
}

}  // namespace

void copy_slice(const Rows& given, DType src_dtype, const void* src, std::int64_t src_stride, DType dst_dtype,
                void* dst, std::int64_t dst_stride) {
  const Rows size = merge(given, {src_stride, dst_stride});
  dispatch_floating("copy_slice", src_dtype, [&]<class S>() {
    dispatch_floating("copy_slice", dst_dtype, [&]<class T>() {
      each_piece(size, [=, s = static_cast<const S*>(src), d = static_cast<T*>(dst)](
                           std::int64_t row, std::int64_t first, std::int64_t length) {
        const S* from = s + row * src_stride + first;
        T* to = d + row * dst_stride + first;
        if constexpr (std::is_same_v<S, T>)
          std::memcpy(to, from, static_cast<std::size_t>(length) * sizeof(T));
        else
          for (std::int64_t i = 0; i < length; ++i) to[i] = static_cast<T>(static_cast<Compute<S>>(from[i]));
      });
    });
  });
}

void add_slices(const Rows& given, DType dtype, const void* a, std::int64_t a_stride, const void* b,
                std::int64_t b_stride, void* dst, std::int64_t dst_stride) {
  const Rows size = merge(given, {a_stride, b_stride, dst_stride});
  dispatch_floating("add_slices", dtype, [&]<class T>() {
    using C = Compute<T>;
    each_piece(size, [=, x = static_cast<const T*>(a), y = static_cast<const T*>(b), d = static_cast<T*>(dst)](
                         std::int64_t row, std::int64_t first, std::int64_t length) {
      const T *p = x + row * a_stride + first, *q = y + row * b_stride + first;
      T* to = d + row * dst_stride + first;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < length; ++i) to[i] = static_cast<T>(static_cast<C>(p[i]) + static_cast<C>(q[i]));
    });
  });
}

}  // namespace strata::kernels
