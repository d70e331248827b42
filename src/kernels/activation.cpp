#include "kernels/activation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/dispatch.h"
#include "kernels/activation_constants.h"
#include "kernels/parallel.h"
#include "kernels/simd_math.h"

namespace strata::kernels {
namespace {

constexpr std::int64_t kCheap = 1, kTranscendental = 16;
constexpr std::int64_t kSmoothBlock = 512;  // numbers that smooth functions are computed of at a time

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

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double evaluate(Smooth kind, double alpha, double x) {
  switch (kind) {
    case Smooth::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Smooth::selu:
      return x > 0 ? kSeluScale * x : kSeluScale * kSeluAlpha * std::expm1(x);
    case Smooth::celu:
      return x > 0 ? x : alpha * std::expm1(x / alpha);
    case Smooth::gelu:
      return 0.5 * x * std::erfc(-x * kSqrtHalf);
    case Smooth::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(kGeluScale * (x + kGeluCubic * x * x * x)));
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

// y = to of from(x) and x, where `function` lies between, for a block of numbers.
template <class From, class To>
void around(FloatFunction function, const float* x, float* y, std::int64_t n, From&& from, To&& to) {
  float t[kSmoothBlock] = {};
  for (std::int64_t i = 0; i < n; ++i) t[i] = from(x[i]);
  function(t, t, n);
  for (std::int64_t i = 0; i < n; ++i) y[i] = to(x[i], t[i]);
}

// evaluate() of up to kSmoothBlock numbers, by functions on vectors. y may be x.
void evaluate_block(Smooth kind, float alpha, const float* x, float* y, std::int64_t n) {
  const auto same = [](float v) { return v; };
  const auto below_zero = [](float v) { return v > 0 ? 0 : v; };  // NaN stays
  constexpr auto kScale = static_cast<float>(kGeluScale), kCubic = static_cast<float>(kGeluCubic);
  switch (kind) {
    case Smooth::elu:
      return around(expm1_float, x, y, n, below_zero, [=](float v, float t) { return v > 0 ? v : alpha * t; });
    case Smooth::selu:
      return around(expm1_float, x, y, n, below_zero, [](float v, float t) {
        return v > 0 ? static_cast<float>(kSeluScale) * v : static_cast<float>(kSeluScale * kSeluAlpha) * t;
      });
    case Smooth::celu:
      return around(
          expm1_float, x, y, n, [=](float v) { return below_zero(v) / alpha; },
          [=](float v, float t) { return v > 0 ? v : alpha * t; });
    case Smooth::gelu:
      return around(
          erfc_float, x, y, n, [](float v) { return -v * static_cast<float>(kSqrtHalf); },
          [](float v, float t) { return 0.5f * v * t; });
    case Smooth::gelu_tanh:
      return around(
          tanh_float, x, y, n, [=](float v) { return kScale * (v + kCubic * v * v * v); },
          [](float v, float t) { return 0.5f * v * (1 + t); });
    case Smooth::silu:
      return around(sigmoid_float, x, y, n, same, [](float v, float t) { return v * t; });
    case Smooth::softplus:
      return softplus_float(x, y, n);
    case Smooth::log_sigmoid:
      return log_sigmoid_float(x, y, n);
    case Smooth::softsign:
      for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] / (1 + std::abs(x[i]));
      return;
    case Smooth::mish: {
      float t[kSmoothBlock];
      softplus_float(x, t, n);
      tanh_float(t, t, n);
      for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * t[i];
      return;
    }
  }
}

// Numbers [begin, end) of float32, or of 16 bits by way of float32.
template <class T>
void evaluate_blocks(Smooth kind, float alpha, const T* x, T* y, std::int64_t begin, std::int64_t end) {
  for (; begin < end; begin += kSmoothBlock) {
    const std::int64_t n = std::min(kSmoothBlock, end - begin);
    if constexpr (std::is_same_v<T, float>) {
      evaluate_block(kind, alpha, x + begin, y + begin, n);
    } else {
      float wide[kSmoothBlock];
      for (std::int64_t i = 0; i < n; ++i) wide[i] = static_cast<float>(x[begin + i]);
      evaluate_block(kind, alpha, wide, wide, n);
      for (std::int64_t i = 0; i < n; ++i) y[begin + i] = T(wide[i]);
    }
  }
}

}  // namespace

void relu(DType dtype, const Relu& r, std::int64_t size, const void* src, void* dst) {
  dispatch_numeric("relu", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* x = static_cast<const T*>(src);
    T* y = static_cast<T*>(dst);
    if (r.negative_slope == 0 && r.threshold == 0 && !r.has_max) {
      if constexpr (std::is_same_v<T, float>)
        return parallel_for(
            size, kCheap, [&](std::int64_t begin, std::int64_t end) { relu_float(x + begin, y + begin, end - begin); });
      return map<T>(kCheap, size, x, y, [](C v) { return v < C(0) ? C(0) : v; });  // as relu_float() says
    }
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
      T* out = dx;  // may be one of the others
      if (r.negative_slope == 0 && !r.has_max) {
        if constexpr (std::is_same_v<T, float>)
          return relu_grad_float(g + begin, x + begin, threshold, out + begin, end - begin);
#pragma GCC ivdep
        for (std::int64_t i = begin; i < end; ++i) {
          const C dy_i = C(g[i]);  // read always: a read under a condition is not vectorized
          out[i] = T(C(x[i]) > threshold ? dy_i : C(0));
        }
      } else {
#pragma GCC ivdep
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
    const T* x = static_cast<const T*>(src);
    T* y = static_cast<T*>(dst);
    if constexpr (std::is_same_v<T, double>)
      map<T>(kTranscendental, size, x, y, [&](double v) { return evaluate(kind, alpha, v); });
    else
      parallel_for(size, kTranscendental / 4, [&](std::int64_t begin, std::int64_t end) {
        evaluate_blocks(kind, static_cast<float>(alpha), x, y, begin, end);
      });
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
