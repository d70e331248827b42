#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/simd_math.h"
#include "kernels/softmax_short.h"
#include "kernels/subnormal.h"

namespace strata::kernels {
namespace {

// One softmax takes about this many elementary steps for each class: the exponential dominates.
constexpr std::int64_t kExpCost = 10;

// The largest of a line of values, and the sum of the exponentials of the distances from it.
template <class C>
struct Line {
  C largest;
  double sum;
};

// So many exponentials at a time stay in the first cache.
constexpr std::int64_t kBlock = 2048;

double sum_of(const float* x, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

// Without branches, which nobody could guess.
float largest_of(const float* x, std::int64_t n) {
  constexpr std::int64_t kSide = 8;  // by side
  float best[kSide];
  std::fill_n(best, kSide, x[0]);
  std::int64_t i = 0;
  for (; i + kSide <= n; i += kSide)
    for (std::int64_t j = 0; j < kSide; ++j) best[j] = std::max(best[j], x[i + j]);
  float largest = x[0];
  for (const float b : best) largest = std::max(largest, b);
  for (; i < n; ++i) largest = std::max(largest, x[i]);
  return largest;
}

template <class C, class T>
Line<C> measure(const T* x, std::int64_t classes, std::int64_t step) {
  double sum = 0;
  if constexpr (std::is_same_v<T, float>) {
    if (step == 1) {
      const float largest = largest_of(x, classes);
      float exps[kBlock];
      for (std::int64_t from = 0; from < classes; from += kBlock) {
        const std::int64_t n = std::min(kBlock, classes - from);
        for (std::int64_t i = 0; i < n; ++i) exps[i] = x[from + i] - largest;
        exp_float(exps, exps, n);
        sum += sum_of(exps, n);
      }
      return {largest, sum};
    }
  }
  C largest = C(x[0]);
  for (std::int64_t i = 1; i < classes; ++i) largest = std::max(largest, C(x[i * step]));
  for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(C(x[i * step]) - largest);
  return {largest, sum};
}

// exps = exp(x - the largest of its line), for up to kBlock / classes lines of classes side by side.
void exponentials(const float* x, float* exps, float* largest, std::int64_t lines, std::int64_t classes) {
  for (std::int64_t l = 0; l < lines; ++l) {
    const float* line = x + l * classes;
    largest[l] = largest_of(line, classes);
    for (std::int64_t i = 0; i < classes; ++i) exps[l * classes + i] = line[i] - largest[l];
  }
  exp_float(exps, exps, lines * classes);
}

// f(offset of the first element of a line)
template <class F>
void each_line(std::int64_t outer, std::int64_t classes, std::int64_t inner, F&& f) {
  if (classes == 0) return;
  parallel_for(outer * inner, classes * kExpCost, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i / inner * classes * inner + i % inner);
  });
}

// f(line, its measures) for lines of classes side by side.
template <class T, class F>
void each_measured(std::int64_t rows, std::int64_t classes, const T* x, F&& f) {
  if (classes == 0) return;
  parallel_for(rows, classes * kExpCost, [&](std::int64_t begin, std::int64_t end) {
    if constexpr (std::is_same_v<T, float>) {
      if (classes <= kBlock) {
        float exps[kBlock], largest[kBlock];
        const std::int64_t block = kBlock / classes;
        for (; begin < end; begin += block) {
          const std::int64_t lines = std::min(block, end - begin);
          exponentials(x + begin * classes, exps, largest, lines, classes);
          for (std::int64_t l = 0; l < lines; ++l)
            f(begin + l, Line<float>{largest[l], sum_of(exps + l * classes, classes)});
        }
        return;
      }
    }
    for (; begin < end; ++begin) f(begin, measure<Compute<T>>(x + begin * classes, classes, 1));
  });
}

// Lines [begin, end) of classes side by side.
void softmax_lines(const float* src, float* dst, std::int64_t classes, std::int64_t begin, std::int64_t end) {
  const std::int64_t block = std::max<std::int64_t>(1, kBlock / classes);
  float largest[kBlock];
  for (; begin < end; begin += block) {
    const std::int64_t lines = std::min(block, end - begin);
    float* y = dst + begin * classes;
    exponentials(src + begin * classes, y, largest, lines, classes);
    for (float* line = y; line < y + lines * classes; line += classes) {
      const double scale = 1 / sum_of(line, classes);
      for (std::int64_t i = 0; i < classes; ++i) line[i] = static_cast<float>(static_cast<double>(line[i]) * scale);
    }
  }
}

bool is_short(DType dtype, std::int64_t classes) {
  return dtype == DType::float32 && classes > 0 && classes <= short_softmax_classes();
}

}  // namespace

void softmax(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner, const void* src_data,
             void* dst_data) {
  if (dtype == DType::float32 && inner == 1 && classes > 0)
    return parallel_for(outer, classes * kExpCost, [&](std::int64_t begin, std::int64_t end) {
      const FlushSubnormals flush;
      const float* src = static_cast<const float*>(src_data);
      float* dst = static_cast<float*>(dst_data);
      is_short(dtype, classes) ? short_softmax(classes, src, dst, begin, end)
                               : softmax_lines(src, dst, classes, begin, end);
    });
  dispatch_floating("softmax", dtype, [&]<class T>() {
    using C = Compute<T>;
    each_line(outer, classes, inner, [&](std::int64_t at) {
      const T* x = static_cast<const T*>(src_data) + at;
      T* y = static_cast<T*>(dst_data) + at;
      C largest = C(x[0]);
      for (std::int64_t i = 1; i < classes; ++i) largest = std::max(largest, C(x[i * inner]));
      double sum = 0;
      for (std::int64_t i = 0; i < classes; ++i) {
        const C e = std::exp(C(x[i * inner]) - largest);
        sum += e;
        if constexpr (sizeof(T) == sizeof(C)) y[i * inner] = e;
      }
      for (std::int64_t i = 0; i < classes; ++i) {
        // 16-bit results are too coarse to keep the exponential in between.
        const C e = sizeof(T) == sizeof(C) ? C(y[i * inner]) : std::exp(C(x[i * inner]) - largest);
        y[i * inner] = T(static_cast<C>(e / sum));
      }
    });
  });
}

void log_softmax(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner, const void* src_data,
                 void* dst_data) {
  dispatch_floating("log_softmax", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* src = static_cast<const T*>(src_data);
    const auto write = [&](std::int64_t at, const Line<C>& line) {
      const T* x = src + at;
      T* y = static_cast<T*>(dst_data) + at;
      const C log_sum = static_cast<C>(std::log(line.sum));
      for (std::int64_t i = 0; i < classes; ++i) y[i * inner] = T((C(x[i * inner]) - line.largest) - log_sum);
    };
    if (inner == 1)
      each_measured(outer, classes, src, [&](std::int64_t row, const Line<C>& line) { write(row * classes, line); });
    else
      each_line(outer, classes, inner, [&](std::int64_t at) { write(at, measure<C>(src + at, classes, inner)); });
  });
}

void softmax_backward(DType dtype, std::int64_t outer, std::int64_t classes, std::int64_t inner,
                      const void* diff_dst_data, const void* dst_data, void* diff_src_data) {
  dispatch_floating("softmax_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    each_line(outer, classes, inner, [&](std::int64_t at) {
      const T *dy = static_cast<const T*>(diff_dst_data) + at, *y = static_cast<const T*>(dst_data) + at;
      T* dx = static_cast<T*>(diff_src_data) + at;
      double dot = 0;
      for (std::int64_t i = 0; i < classes; ++i)
        dot += static_cast<double>(C(dy[i * inner])) * static_cast<double>(C(y[i * inner]));
      const C d = static_cast<C>(dot);
      for (std::int64_t i = 0; i < classes; ++i) dx[i * inner] = T((C(dy[i * inner]) - d) * C(y[i * inner]));
    });
  });
}

void softmax_cross_entropy(DType dtype, std::int64_t rows, std::int64_t classes, const void* labels_data,
                           const void* logits_data, void* loss_data) {
  if (is_short(dtype, classes))
    return parallel_for(rows, classes * kExpCost, [&](std::int64_t begin, std::int64_t end) {
      const FlushSubnormals flush;
      short_cross_entropy(classes, static_cast<const float*>(labels_data), static_cast<const float*>(logits_data),
                          static_cast<float*>(loss_data), begin, end);
    });
  dispatch_floating("softmax_cross_entropy_with_logits", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *all_labels = static_cast<const T*>(labels_data), *logits = static_cast<const T*>(logits_data);
    T* loss = static_cast<T*>(loss_data);
    if (classes == 0) std::fill_n(loss, rows, T(0));
    each_measured(rows, classes, logits, [&](std::int64_t row, const Line<C>& line) {
      const T *labels = all_labels + row * classes, *x = logits + row * classes;
      const double log_sum = std::log(line.sum);
      double sum = 0;
      for (std::int64_t i = 0; i < classes; ++i)
        sum += static_cast<double>(C(labels[i])) * (log_sum - static_cast<double>(C(x[i]) - line.largest));
      loss[row] = T(static_cast<C>(sum));
    });
  });
}

void softmax_cross_entropy_grad(DType dtype, std::int64_t rows, std::int64_t classes, const void* labels_data,
                                const void* logits, const void* dloss_data, void* dlogits_data) {
  if (is_short(dtype, classes))
    return parallel_for(rows, classes * kExpCost, [&](std::int64_t begin, std::int64_t end) {
      const FlushSubnormals flush;
      short_cross_entropy_grad(classes, static_cast<const float*>(labels_data), static_cast<const float*>(logits),
                               static_cast<const float*>(dloss_data), static_cast<float*>(dlogits_data), begin, end);
    });
  softmax(dtype, rows, classes, 1, logits, dlogits_data);
  dispatch_floating("softmax_cross_entropy_with_logits_grad", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *all_labels = static_cast<const T*>(labels_data), *dloss = static_cast<const T*>(dloss_data);
    T* dlogits = static_cast<T*>(dlogits_data);
    parallel_for(rows, classes, [&](std::int64_t begin, std::int64_t end) {
      const FlushSubnormals flush;
      for (std::int64_t row = begin; row < end; ++row) {
        const T* labels = all_labels + row * classes;
        T* d = dlogits + row * classes;
        C sum = 0;
        for (std::int64_t i = 0; i < classes; ++i) sum += C(labels[i]);
        for (std::int64_t i = 0; i < classes; ++i) d[i] = T((C(d[i]) * sum - C(labels[i])) * C(dloss[row]));
      }
    });
  });
}

std::int64_t sparse_softmax_cross_entropy(DType dtype, DType label_dtype, std::int64_t rows, std::int64_t classes,
                                          const void* labels, const void* logits_data, void* loss_data) {
  const auto label = [&](std::int64_t r) -> std::int64_t {
    switch (label_dtype) {
      case DType::uint8:
        return static_cast<const std::uint8_t*>(labels)[r];
      case DType::int32:
        return static_cast<const std::int32_t*>(labels)[r];
      default:
        return static_cast<const std::int64_t*>(labels)[r];
    }
  };
  for (std::int64_t r = 0; r < rows; ++r)
    if (label(r) < 0 || label(r) >= classes) return r;
  dispatch_floating("sparse_softmax_cross_entropy_with_logits", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T* logits = static_cast<const T*>(logits_data);
    each_measured(rows, classes, logits, [&](std::int64_t r, const Line<C>& line) {
      static_cast<T*>(loss_data)[r] =
          T(static_cast<C>(std::log(line.sum) - static_cast<double>(C(logits[r * classes + label(r)]) - line.largest)));
    });
  });
  return -1;
}

void sigmoid_cross_entropy(DType dtype, std::int64_t size, const void* labels_data, const void* logits_data,
                           void* dst_data) {
  dispatch_floating("sigmoid_cross_entropy_with_logits", dtype, [&]<class T>() {
    using C = Compute<T>;
    const T *labels = static_cast<const T*>(labels_data), *logits = static_cast<const T*>(logits_data);
    T* dst = static_cast<T*>(dst_data);
    parallel_for(size, 2 * kExpCost, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const C x = C(logits[i]), z = C(labels[i]);
        dst[i] = T((std::max(x, C(0)) - x * z) + std::log1p(std::exp(-std::abs(x))));
      }
    });
  });
}

}  // namespace strata::kernels
