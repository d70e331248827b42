#include "kernels/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/philox.h"

namespace strata::kernels {

namespace {

using Words = std::array<std::uint32_t, 4>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::uint64_t join(std::uint32_t low, std::uint32_t high) { return static_cast<std::uint64_t>(high) << 32 | low; }

// [0, 1) with as many bits as T's significand holds, so that nothing rounds to 1.
template <class T>
Compute<T> unit(std::uint32_t w) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return static_cast<float>(w >> 24) * 0x1p-8f;
  else if constexpr (std::is_same_v<T, Float16>)
    return static_cast<float>(w >> 21) * 0x1p-11f;
  else
    return static_cast<Compute<T>>(w >> 8) * Compute<T>(0x1p-24);
}
double unit53(std::uint64_t w) { return static_cast<double>(w >> 11) * 0x1p-53; }
// (0, 1), for logarithms.
double open53(std::uint64_t w) { return (static_cast<double>(w >> 11) + 0.5) * 0x1p-53; }

// Calls f(words, out) for each block of kPer elements; the last block may be cut short.
template <std::int64_t kPer, class T, class F>
void fill_blocks(const RandomStream& stream, std::int64_t n, std::int64_t cost, T* dst, F&& f) {
  parallel_for((n + kPer - 1) / kPer, kPer * cost, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t kAtOnce = 128;
    std::uint32_t words[4 * kAtOnce];
    T last[kPer];
    for (; begin < end; begin += kAtOnce) {
      const std::int64_t blocks = std::min(kAtOnce, end - begin);
      philox_blocks(stream, static_cast<std::uint64_t>(begin), static_cast<std::size_t>(blocks), words);
      const std::int64_t whole = std::min(blocks, n / kPer - begin);
      for (std::int64_t b = 0; b < whole; ++b) f(words + 4 * b, dst + (begin + b) * kPer);
      if (whole == blocks) continue;
      f(words + 4 * whole, last);
      std::copy_n(last, n % kPer, dst + n / kPer * kPer);
    }
  });
}

// The largest T below v.
template <class T>
T below(double v) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rounded = static_cast<T>(v);
    return static_cast<double>(rounded) < v ? rounded : std::nextafter(rounded, -std::numeric_limits<T>::infinity());
  } else {
    T out(static_cast<float>(v));
    if (static_cast<double>(static_cast<float>(out)) < v) return out;
    if ((out.bits & 0x7fffu) == 0)
      out.bits = 0x8001u;
    else
      out.bits = static_cast<std::uint16_t>(out.bits & 0x8000u ? out.bits + 1 : out.bits - 1);
    return out;
  }
}

// The inverse of erf in (-1, 1): Winitzki's approximation and three steps of Newton's method.
double erf_inverse(double y) {
  constexpr double kA = 0.147;
  const double l = std::log1p(-y * y), half = 2 / (std::numbers::pi * kA) + l / 2;
  double x = std::copysign(std::sqrt(std::sqrt(half * half - l / kA) - half), y);
  for (int i = 0; i < 3; ++i) x -= (std::erf(x) - y) * (std::sqrt(std::numbers::pi) / 2) * std::exp(x * x);
  return x;
}

// The words of one element that needs an unknown number of them.
class Sequence {
 public:
  Sequence(const RandomStream& stream, std::int64_t element)
      : stream_(stream), block_(static_cast<std::uint64_t>(element) << 24) {}
  double uniform() {  // in (0, 1)
    if (used_ == 2) {
      const Words w = stream_.block(block_++);
      values_[0] = open53(join(w[0], w[1]));
      values_[1] = open53(join(w[2], w[3]));
      used_ = 0;
    }
    return values_[used_++];
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  // Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
  double gamma(double alpha) {
    if (!(alpha > 0) || std::isinf(alpha)) return kNaN;
    if (alpha < 1) {
      const double u = uniform();
      return gamma(alpha + 1) * std::pow(u, 1 / alpha);
    }
    const double d = alpha - 1. / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal(), v = std::pow(1 + c * x, 3), u = uniform();
      if (v > 0 && std::log(u) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
    }
  }
  double beta(double a, double b) {
    const double x = gamma(a), y = gamma(b);
    if (std::isnan(x) || std::isnan(y)) return kNaN;
    return x + y > 0 ? x / (x + y) : a / (a + b);
  }
  // Halves the number of trials by the middle order statistic, which is beta-distributed (Devroye 1986, X.4.3).
  double binomial(double trials, double p) {
    if (!(trials >= 0) || std::isinf(trials) || std::isnan(p)) return kNaN;
    double successes = 0;
    while (trials > 32 && p > 0 && p < 1) {
      const double middle = std::floor(trials / 2) + 1, split = beta(middle, trials + 1 - middle);
      if (split <= p) {
        successes += middle;
        trials -= middle;
        p = (p - split) / (1 - split);
      } else {
        trials = middle - 1;
        p /= split;
      }
    }
    if (p <= 0) return successes;
    if (p >= 1) return successes + trials;
    for (; trials > 0; --trials) successes += uniform() < p;
    return successes;
  }

 private:
  const RandomStream& stream_;
  std::uint64_t block_;
  double values_[2] = {};
  int used_ = 2;
};

template <class F>
void fill_elements(const RandomStream& stream, DType dtype, std::int64_t n, void* dst, F&& f) {
  dispatch_numeric("random", dtype, [&]<class T>() {
    parallel_for(n, 200, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        Sequence sequence(stream, i);
        static_cast<T*>(dst)[i] = static_cast<T>(static_cast<Compute<T>>(f(sequence, i)));
      }
    });
  });
}

// Box and Muller: two uniform numbers give two normal ones.
template <class T>
void box_muller(T radius_from, T angle_from, T& first, T& second) {
  const T radius = std::sqrt(-2 * std::log(radius_from)), angle = 2 * std::numbers::pi_v<T> * angle_from;
  first = radius * std::cos(angle);
  second = radius * std::sin(angle);
}

}  // namespace

void random_uniform(const RandomStream& stream, DType dtype, std::int64_t n, double low, double high, void* dst) {
  dispatch_floating("random::uniform", dtype, [&]<class T>() {
    T* out = static_cast<T*>(dst);
    const T largest = low < high ? below<T>(high) : T(static_cast<Compute<T>>(high));
    if constexpr (std::is_same_v<T, double>) {
      fill_blocks<2>(stream, n, 8, out, [&](const std::uint32_t* w, T* to) {
        for (int i = 0; i < 2; ++i)
          to[i] = std::min(low + unit53(join(w[2 * i], w[2 * i + 1])) * (high - low), largest);
      });
    } else {
      const auto from = static_cast<float>(low), width = static_cast<float>(high - low);
      fill_blocks<4>(stream, n, 8, out, [&](const std::uint32_t* w, T* to) {
        for (int i = 0; i < 4; ++i) {
          const T v(from + static_cast<float>(unit<T>(w[i])) * width);
          to[i] = static_cast<float>(v) > static_cast<float>(largest) ? largest : v;
        }
      });
    }
  });
}

void random_normal(const RandomStream& stream, DType dtype, std::int64_t n, double mean, double stddev, void* dst) {
  dispatch_floating("random::normal", dtype, [&]<class T>() {
    T* out = static_cast<T*>(dst);
    if constexpr (std::is_same_v<T, double>) {
      fill_blocks<2>(stream, n, 40, out, [&](const std::uint32_t* w, T* to) {
        double a, b;
        box_muller(open53(join(w[0], w[1])), unit53(join(w[2], w[3])), a, b);
        to[0] = mean + stddev * a;
        to[1] = mean + stddev * b;
      });
    } else {
      const auto m = static_cast<float>(mean), s = static_cast<float>(stddev);
      fill_blocks<4>(stream, n, 40, out, [&](const std::uint32_t* w, T* to) {
        for (int i = 0; i < 4; i += 2) {
          float a, b;
          box_muller(static_cast<float>(w[i]) * 0x1p-32f + 0x1p-33f, unit<float>(w[i + 1]), a, b);
          to[i] = T(m + s * a);
          to[i + 1] = T(m + s * b);
        }
      });
    }
  });
}

void random_truncated_normal(const RandomStream& stream, DType dtype, std::int64_t n, double mean, double stddev,
                             void* dst) {
  // The inverse of the distribution function between -2 and 2; erf(sqrt(2)) of the whole lies there.
  static const double kInside = std::erf(std::numbers::sqrt2);
  dispatch_floating("random::truncated_normal", dtype, [&]<class T>() {
    fill_blocks<2>(stream, n, 200, static_cast<T*>(dst), [&](const std::uint32_t* w, T* to) {
      for (int i = 0; i < 2; ++i) {
        const double u = 2 * open53(join(w[2 * i], w[2 * i + 1])) - 1;
        const double z = std::clamp(std::numbers::sqrt2 * erf_inverse(u * kInside), -2., 2.);
        to[i] = static_cast<T>(static_cast<Compute<T>>(mean + stddev * z));
      }
    });
  });
}

void random_integers(const RandomStream& stream, DType dtype, std::int64_t n, std::int64_t low, std::int64_t high,
                     void* dst) {
  const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  dispatch_numeric("random::randint", dtype, [&]<class T>() {
    fill_blocks<2>(stream, n, 8, static_cast<T*>(dst), [&](const std::uint32_t* w, T* to) {
      for (int i = 0; i < 2; ++i) {
        // The high half of the product is uniform up to width / 2^64.
        const auto product = static_cast<unsigned __int128>(join(w[2 * i], w[2 * i + 1])) * width;
        const auto value =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + static_cast<std::uint64_t>(product >> 64));
        to[i] = static_cast<T>(static_cast<Compute<T>>(value));
      }
    });
  });
}

void random_keep(const RandomStream& stream, std::int64_t n, double rate, bool* dst) {
  const auto limit = static_cast<std::uint64_t>(std::ldexp(rate, 32));
  fill_blocks<4>(stream, n, 6, dst, [&](const std::uint32_t* w, bool* to) {
    for (int i = 0; i < 4; ++i) to[i] = w[i] >= limit;
  });
}

void random_permutation(const RandomStream& stream, std::int64_t n, std::int64_t* dst) {
  for (std::int64_t i = 0; i < n; ++i) dst[i] = i;
  for (std::int64_t i = n - 1; i > 0; --i) {
    const Words w = stream.block(static_cast<std::uint64_t>(i));
    const auto product = static_cast<unsigned __int128>(join(w[0], w[1])) * static_cast<std::uint64_t>(i + 1);
    std::swap(dst[i], dst[static_cast<std::int64_t>(product >> 64)]);
  }
}

void random_categorical(const RandomStream& stream, std::int64_t rows, std::int64_t classes, const float* logits,
                        std::int64_t samples, DType dtype, void* dst) {
  dispatch_numeric("random::categorical", dtype, [&]<class T>() {
    parallel_for(rows, 20 * (classes + samples), [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sums(static_cast<std::size_t>(classes));
      for (std::int64_t row = begin; row < end; ++row) {
        const float* l = logits + row * classes;
        const double largest = *std::max_element(l, l + classes);
        double sum = 0;
        for (std::int64_t c = 0; c < classes; ++c)
          sums[static_cast<std::size_t>(c)] = sum += std::exp(static_cast<double>(l[c]) - largest);
        for (std::int64_t s = 0; s < samples; ++s) {
          const Words w = stream.block(static_cast<std::uint64_t>(row * samples + s));
          const auto at = std::upper_bound(sums.begin(), sums.end(), unit53(join(w[0], w[1])) * sum) - sums.begin();
          static_cast<T*>(dst)[row * samples + s] =
              static_cast<T>(static_cast<Compute<T>>(std::min<std::int64_t>(at, classes - 1)));
        }
      }
    });
  });
}

void random_gamma(const RandomStream& stream, DType dtype, std::int64_t n, const double* alpha, void* dst) {
  fill_elements(stream, dtype, n, dst, [&](Sequence& s, std::int64_t i) { return s.gamma(alpha[i]); });
}

void random_beta(const RandomStream& stream, DType dtype, std::int64_t n, const double* alpha, const double* beta,
                 void* dst) {
  fill_elements(stream, dtype, n, dst, [&](Sequence& s, std::int64_t i) { return s.beta(alpha[i], beta[i]); });
}

void random_binomial(const RandomStream& stream, DType dtype, std::int64_t n, const double* counts,
                     const double* probabilities, void* dst) {
  fill_elements(stream, dtype, n, dst,
                [&](Sequence& s, std::int64_t i) { return s.binomial(counts[i], probabilities[i]); });
}

}  // namespace strata::kernels
