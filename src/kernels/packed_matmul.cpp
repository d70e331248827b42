// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/packed_matmul.h"

#include <algorithm>

#include "kernels/panel_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_matmul.cpp"
// Between SSE2 and AVX2 little is won, and each set costs time to compile.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include "kernels/simd_load-inl.h"

#ifndef STRATA_PACKED_MATMUL_WIDTH
#define STRATA_PACKED_MATMUL_WIDTH
namespace strata::kernels {
constexpr std::int64_t kPanel = 48;  // columns of one panel, for every set of instructions: three of the widest vectors
}
#endif

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

constexpr std::int64_t kDepth = 128;  // rows of a panel that stay in the first-level cache for all rows of A

// The last columns, where a whole vector would be too long.
HWY_INLINE void MultiplyLast(std::int64_t columns, std::int64_t rows, const float* a, std::int64_t a_leading,
                             const float* panel, std::int64_t depth, float* dst, std::int64_t dst_leading) {
  constexpr std::int64_t kSome = 8;
  HWY_ALIGN float buffer[kSome * kLanes];
  for (std::int64_t i = 0; i < rows; i += kSome) {
    const std::int64_t some = std::min(kSome, rows - i);
    multiply_panel({1, some, depth, a + i * a_leading, a_leading, 1, panel, kPanel, buffer, kLanes});
    for (std::int64_t r = 0; r < some; ++r)
      for (std::int64_t j = 0; j < columns; ++j) dst[(i + r) * dst_leading + j] += buffer[r * kLanes + j];
  }
}

void MultiplyAdd(const float* a, std::int64_t a_leading, const float* panels, std::int64_t k, std::int64_t n,
                 float* dst, std::int64_t dst_leading, std::int64_t rows) {
  for (std::int64_t l = 0; l < k; l += kDepth) {
    const std::int64_t depth = std::min(kDepth, k - l);
    for (std::int64_t j0 = 0; j0 < n; j0 += kPanel)
      for (std::int64_t j = 0; j < std::min(kPanel, n - j0);) {
        const float* panel = panels + j0 * k + l * kPanel + j;
        const std::int64_t columns = std::min(kPanel, n - j0) - j,
                           vectors = std::min<std::int64_t>(columns / kLanes, 3);
        if (vectors > 0)
          multiply_panel({static_cast<int>(vectors), rows, depth, a + l, a_leading, 1, panel, kPanel, dst + j0 + j,
                          dst_leading, true});
        else
          MultiplyLast(columns, rows, a + l, a_leading, panel, depth, dst + j0 + j, dst_leading);
        j += vectors > 0 ? vectors * kLanes : columns;
      }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(MultiplyAdd);

template <class T>
PackedMatrix<T>::PackedMatrix(const T* b, std::int64_t leading, std::int64_t k, std::int64_t n, bool transposed,
                              std::int64_t rows)
    : b_(b), leading_(leading), k_(k), n_(n), transposed_(transposed) {
  if constexpr (std::is_same_v<T, float>)
    if (split_gemm_pays(rows, n, k)) {
      split_ = std::make_unique<SplitMatrix>(b, k, n, transposed ? 1 : leading, transposed ? leading : 1);
      if (!split_->is_finite()) split_.reset();
    }
}

template <class T>
const T* PackedMatrix<T>::panels() const {
  std::call_once(once_, [&] {
    panels_.resize(static_cast<std::size_t>((n_ + kPanel - 1) / kPanel * kPanel * k_));
    for (std::int64_t j0 = 0; j0 < n_; j0 += kPanel)
      for (std::int64_t l = 0; l < k_; ++l)
        for (std::int64_t j = j0; j < std::min(n_, j0 + kPanel); ++j)
          panels_[static_cast<std::size_t>(j0 * k_ + l * kPanel + j - j0)] =
              transposed_ ? b_[j * leading_ + l] : b_[l * leading_ + j];
  });
  return panels_.data();
}

template <>
void PackedMatrix<float>::multiply_add(const float* a, std::int64_t a_leading, float* dst, std::int64_t dst_leading,
                                       std::int64_t rows, const Room& room) const {
  if (split_ != nullptr && split_->multiply_add(a, a_leading, rows, dst, dst_leading, room.memory())) return;
  HWY_DYNAMIC_DISPATCH(MultiplyAdd)(a, a_leading, panels(), k_, n_, dst, dst_leading, rows);
}

template <>
void PackedMatrix<double>::multiply_add(const double* a, std::int64_t a_leading, double* dst, std::int64_t dst_leading,
                                        std::int64_t rows, const Room&) const {
  const double* of_b = panels();
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j0 = 0; j0 < n_; j0 += kPanel)
      for (std::int64_t l = 0; l < k_; ++l)
        for (std::int64_t j = j0; j < std::min(n_, j0 + kPanel); ++j)
          dst[i * dst_leading + j] += a[i * a_leading + l] * of_b[j0 * k_ + l * kPanel + j - j0];
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace strata::kernels
#endif
