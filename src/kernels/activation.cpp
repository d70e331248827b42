#include "kernels/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/dispatch.h"
#include "kernels/activation_constants.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

constexpr std::int64_t kCheap = 1, kTranscendental = 16;

// dst[i] = f(src[i]), computed in Compute<T>.
template <class T, class F>
void map(std::int64_t cost, std::int64_t size, const T* src, T* dst, F&& f) {
  using C = Compute<T>;
  parallel_for(size, cost, [&](std::int64_t begin, std::int64_t end) {
    const T* x = src;
    T* __restrict y = dst;
    for (std::int64_t i = begin; i < end; ++i) y[i] = T(f(C(x[i])));
  });
}

template <class C>
C softplus(C x) {
  return std::max(x, C(0)) + std::log1p(std::exp(-std::abs(x)));
}

template <class C>
C sigmoid(C x) {
  const C e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

template <class C>
C evaluate(Smooth kind, C alpha, C x) {
  switch (kind) {
    case Smooth::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Smooth::selu:
      return x > 0 ? C(kSeluScale) * x : C(kSeluScale * kSeluAlpha) * std::expm1(x);
    case Smooth::celu:
      return x > 0 ? x : alpha * std::expm1(x / alpha);
    case Smooth::gelu:
      return C(0.5) * x * std::erfc(-x * C(kSqrtHalf));
    case Smooth::gelu_tanh:
      return C(0.5) * x * (1 + std::tanh(C(kGeluScale) * (x + C(kGeluCubic) * x * x * x)));
    case Smooth::silu:
      return x * sigmoid(x);
    case Smooth::softplus:
      return softplus(x);
    case Smooth::log_sigmoid:
      return -softplus(-x);
    case Smooth::softsign:
      return x / (1 + std::abs(x));
    case Smooth::mish:
      return x * std::tanh(softplus(x));
  }
  return x;
}

}  // namespace

void relu(DType dtype, const Relu& r, std::int64_t size, const void* src, void* dst) {
  dispatch_numeric("relu", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* x = static_cast<const T*>(src);
    T* y = static_cast<T*>(dst);
    // Not a product with 0: that would make NaN of -infinity. NaN passes through.
    if (r.negative_slope == 0 && r.threshold == 0 && !r.has_max)
      return map<T>(kCheap, size, x, y, [](C v) { return v < C(0) ? C(0) : v; });
    // Slopes are fractions, so integers are computed in double.
    using Wide = std::conditional_t<std::is_integral_v<C>, double, C>;
    const bool flat = r.negative_slope == 0;
    const Wide top = static_cast<Wide>(r.has_max ? r.max_value : std::numeric_limits<double>::infinity());
    const Wide threshold = static_cast<Wide>(r.threshold), slope = static_cast<Wide>(r.negative_slope);
    map<T>(kCheap, size, x, y, [=](C given) {
      const Wide v = static_cast<Wide>(given);
      const Wide below = flat ? Wide(0) : slope * (v - threshold);
      const Wide rest = v > threshold || v != v ? v : below;
      return static_cast<C>(rest >= top ? top : rest);
    });
  });
}

void relu_backward(DType dtype, const Relu& r, std::int64_t size, const void* diff_dst, const void* at_data,
                   void* diff_src) {
  dispatch_numeric("relu_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *dy = static_cast<const T*>(diff_dst), *at = static_cast<const T*>(at_data);
    T* dx = static_cast<T*>(diff_src);
    const C top = r.has_max ? static_cast<C>(r.max_value) : std::numeric_limits<C>::max();
    const C threshold = static_cast<C>(r.threshold), slope = static_cast<C>(r.negative_slope);
    parallel_for(size, kCheap, [&](std::int64_t begin, std::int64_t end) {
      const T *g = dy, *x = at;
      T* __restrict out = dx;
      if (r.negative_slope == 0 && !r.has_max) {
        for (std::int64_t i = begin; i < end; ++i) {
          const C dy_i = C(g[i]);  // read always: a read under a condition is not vectorized
          out[i] = T(C(x[i]) > threshold ? dy_i : C(0));
        }
      } else {
        for (std::int64_t i = begin; i < end; ++i) {
          const C v = C(x[i]);
          out[i] = T(C(g[i]) * (r.has_max && v >= top ? C(0) : v > threshold ? C(1) : slope));
        }
      }
    });
  });
}

void smooth(DType dtype, Smooth kind, double alpha, std::int64_t size, const void* src, void* dst) {
  dispatch_floating("activation", dtype, [&]<class T>() {
    using C = Compute<T>;
    map<T>(kTranscendental, size, static_cast<const T*>(src), static_cast<T*>(dst),
           [&](C x) { return evaluate(kind, static_cast<C>(alpha), x); });
  });
}

void apply_mask(DType dtype, std::int64_t size, const void* src, const bool* keep, double scale, void* dst) {
  dispatch_floating("dropout", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* x = static_cast<const T*>(src);
    const auto* kept = reinterpret_cast<const unsigned char*>(keep);  // bool is not vectorized
    const C factor = static_cast<C>(scale);
    parallel_for(size, kCheap, [&](std::int64_t begin, std::int64_t end) {
      T* __restrict y = static_cast<T*>(dst);
      for (std::int64_t i = begin; i < end; ++i) {
        const C x_i = C(x[i]);  // read always
        y[i] = T((kept[i] != 0 ? x_i : C(0)) * factor);
      }
    });
  });
}

}  // namespace strata::kernels
