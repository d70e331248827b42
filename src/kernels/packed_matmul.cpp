// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/packed_matmul.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/packed_matmul.cpp"
// Between SSE2 and AVX2 little is won, and each set costs time to compile.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef STRATA_PACKED_MATMUL_WIDTH
#define STRATA_PACKED_MATMUL_WIDTH
namespace strata::kernels {
constexpr std::int64_t kPanel = 64;  // columns of one panel, for every set of instructions
}
#endif

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `Rows` rows times `Vectors` vectors of columns; the sums stay in registers.
template <int Rows, int Vectors, class D>
HWY_INLINE void Tile(D d, const float* a, std::int64_t a_leading, const float* panel, std::int64_t k, float* dst,
                     std::int64_t dst_leading) {
  using V = hn::Vec<D>;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V sums[Rows][Vectors];
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Vectors; ++j) sums[i][j] = hn::LoadU(d, dst + i * dst_leading + j * lanes);
  for (std::int64_t l = 0; l < k; ++l, panel += kPanel) {
    V b[Vectors];
    for (int j = 0; j < Vectors; ++j) b[j] = hn::LoadU(d, panel + j * lanes);
    for (int i = 0; i < Rows; ++i) {
      const V x = hn::Set(d, a[i * a_leading + l]);
      for (int j = 0; j < Vectors; ++j) sums[i][j] = hn::MulAdd(x, b[j], sums[i][j]);
    }
  }
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Vectors; ++j) hn::StoreU(sums[i][j], d, dst + i * dst_leading + j * lanes);
}

template <int Vectors, class D>
HWY_INLINE void Rows(D d, const float* a, std::int64_t a_leading, const float* panel, std::int64_t k, float* dst,
                     std::int64_t dst_leading, std::int64_t rows) {
  std::int64_t i = 0;
  for (; i + 6 <= rows; i += 6)
    Tile<6, Vectors>(d, a + i * a_leading, a_leading, panel, k, dst + i * dst_leading, dst_leading);
  for (; i + 2 <= rows; i += 2)
    Tile<2, Vectors>(d, a + i * a_leading, a_leading, panel, k, dst + i * dst_leading, dst_leading);
  for (; i < rows; ++i) Tile<1, Vectors>(d, a + i * a_leading, a_leading, panel, k, dst + i * dst_leading, dst_leading);
}

void MultiplyAdd(const float* a, std::int64_t a_leading, const float* panels, std::int64_t k, std::int64_t n,
                 float* dst, std::int64_t dst_leading, std::int64_t rows) {
  constexpr int kVectors = HWY_MAX_BYTES >= 64 ? 4 : 2;
  const hn::ScalableTag<float> d;
  const std::int64_t step = kVectors * static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j0 = 0; j0 < n; j0 += kPanel) {
    const float* panel = panels + j0 * k;
    for (std::int64_t j = 0; j < kPanel && j0 + j < n; j += step) {
      float* out = dst + j0 + j;
      if (j0 + j + step <= n) {
        Rows<kVectors>(d, a, a_leading, panel + j, k, out, dst_leading, rows);
        continue;
      }
      // The last columns through a buffer, where whole vectors may be written.
      HWY_ALIGN float buffer[6 * kPanel];
      const std::int64_t rest = n - j0 - j;
      for (std::int64_t i = 0; i < rows; i += 6) {
        const std::int64_t some = std::min<std::int64_t>(6, rows - i);
        for (std::int64_t r = 0; r < some; ++r) {
          std::fill_n(buffer + r * kPanel, step, 0.f);
          std::copy_n(out + (i + r) * dst_leading, rest, buffer + r * kPanel);
        }
        Rows<kVectors>(d, a + i * a_leading, a_leading, panel + j, k, buffer, kPanel, some);
        for (std::int64_t r = 0; r < some; ++r) std::copy_n(buffer + r * kPanel, rest, out + (i + r) * dst_leading);
      }
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
PackedMatrix<T>::PackedMatrix(const T* b, std::int64_t leading, std::int64_t k, std::int64_t n, bool transposed)
    : k_(k), n_(n), panels_(static_cast<std::size_t>((n + kPanel - 1) / kPanel * kPanel * k)) {
  for (std::int64_t j0 = 0; j0 < n; j0 += kPanel)
    for (std::int64_t l = 0; l < k; ++l)
      for (std::int64_t j = j0; j < std::min(n, j0 + kPanel); ++j)
        panels_[static_cast<std::size_t>(j0 * k + l * kPanel + j - j0)] =
            transposed ? b[j * leading + l] : b[l * leading + j];
}

template <>
void PackedMatrix<float>::multiply_add(const float* a, std::int64_t a_leading, float* dst, std::int64_t dst_leading,
                                       std::int64_t rows) const {
  HWY_DYNAMIC_DISPATCH(MultiplyAdd)(a, a_leading, panels_.data(), k_, n_, dst, dst_leading, rows);
}

template <>
void PackedMatrix<double>::multiply_add(const double* a, std::int64_t a_leading, double* dst, std::int64_t dst_leading,
                                        std::int64_t rows) const {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j0 = 0; j0 < n_; j0 += kPanel)
      for (std::int64_t l = 0; l < k_; ++l)
        for (std::int64_t j = j0; j < std::min(n_, j0 + kPanel); ++j)
          dst[i * dst_leading + j] +=
              a[i * a_leading + l] * panels_[static_cast<std::size_t>(j0 * k_ + l * kPanel + j - j0)];
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace strata::kernels
#endif
