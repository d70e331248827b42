#include "kernels/reduce.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

constexpr std::int64_t kBlockElements = 65536, kTile = 512;

template <class T>
using Wide = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;

// Integers wrap around; in C++ only unsigned ones do.
template <class Acc, class F>
Acc wrapped(Acc a, Acc b, F f) {
  if constexpr (std::is_integral_v<Acc>)
    return static_cast<Acc>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  else
    return f(a, b);
}

// Each has the type in which it accumulates elements of type T, the result over no elements, and a step.
template <class T>
struct Sum {
  using Acc = Wide<T>;
  static constexpr Acc init() { return Acc{0}; }
  static Acc step(Acc a, Acc b) {
    return wrapped(a, b, [](auto x, auto y) { return x + y; });
  }
};
template <class T>
struct Product {
  using Acc = Wide<T>;
  static constexpr Acc init() { return Acc{1}; }
  static Acc step(Acc a, Acc b) {
    return wrapped(a, b, [](auto x, auto y) { return x * y; });
  }
};
template <class T, bool largest>
struct Extreme {
  using Acc = Compute<T>;
  static constexpr Acc init() {
    using Limits = std::numeric_limits<Acc>;
    if constexpr (Limits::has_infinity) return largest ? -Limits::infinity() : Limits::infinity();
    return largest ? Limits::lowest() : Limits::max();
  }
  static Acc step(Acc a, Acc b) {
    const Acc better = (largest ? a > b : a < b) ? a : b;
    if constexpr (std::is_floating_point_v<Acc>) return a != a ? a : better;  // two selections, which are vectorized
    return better;
  }
};
template <bool all>
struct Logic {
  using Acc = bool;
  static constexpr Acc init() { return all; }
  static Acc step(Acc a, Acc b) { return all ? a & b : a | b; }
};

// A list of sizes that needs no memory of its own.
class Runs {
 public:
  std::size_t size() const { return size_; }
  std::int64_t operator[](std::size_t i) const { return sizes_[i]; }
  std::int64_t& back() { return sizes_[size_ - 1]; }
  void push_back(std::int64_t n) { sizes_[size_++] = n; }
  void shorten(std::size_t size) { size_ = size; }

 private:
  std::array<std::int64_t, Shape::kMaxRank + 2> sizes_{};
  std::size_t size_ = 0;
};

// Room for n results on their way.
template <class Acc>
class Partial {
 public:
  explicit Partial(std::int64_t n) : buffer_(static_cast<std::size_t>(std::max<std::int64_t>(n, 1)) * sizeof(Acc)) {}
  Acc* get() const { return static_cast<Acc*>(buffer_.data()); }

 private:
  detail::Buffer buffer_;
};

// Dimensions of `shape` as runs that are all kept or all reduced, alternating; the first is kept, the last reduced
// followed by one that is kept. (Sizes of 1 where there is nothing.)
Runs runs_of(const Shape& shape, const Shape& axes) {
  Runs runs;
  runs.push_back(1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    const bool reduced = axes[i] != 0;
    if (reduced == (runs.size() % 2 == 0))
      runs.back() *= shape[i];
    else
      runs.push_back(shape[i]);
  }
  if (runs.size() == 1) runs.push_back(1);
  if (runs.size() % 2 == 0) runs.push_back(1);
  return runs;
}

// One value from n neighbours: several accumulators at once, since one would wait for itself at each step.
template <class R, class In>
typename R::Acc reduce_row(const In* src, std::int64_t n) {
  using Acc = typename R::Acc;
  constexpr std::int64_t kLanes = 16;
  Acc lanes[kLanes];
  std::fill_n(lanes, kLanes, R::init());
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] = R::step(lanes[k], static_cast<Acc>(src[i + k]));
  for (std::int64_t k = 0; i < n; ++i, ++k) lanes[k] = R::step(lanes[k], static_cast<Acc>(src[i]));
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2)
    for (std::int64_t k = 0; k < width; ++k) lanes[k] = R::step(lanes[k], lanes[k + width]);
  return lanes[0];
}

// `inner` values, each from `rows` that lie `inner` apart.
template <class R, class In>
void reduce_columns(const In* src, std::int64_t rows, std::int64_t inner, typename R::Acc* dst) {
  using Acc = typename R::Acc;
  for (std::int64_t first = 0; first < inner; first += kTile) {
    const std::int64_t n = std::min(kTile, inner - first);
    Acc* out = dst + first;
    std::fill_n(out, n, R::init());
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {  // four rows for each time that `out` is read and written
      const In *a = src + r * inner + first, *b = a + inner, *c = b + inner, *d = c + inner;
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = R::step(out[i], R::step(R::step(static_cast<Acc>(a[i]), static_cast<Acc>(b[i])),
                                         R::step(static_cast<Acc>(c[i]), static_cast<Acc>(d[i]))));
    }
    for (; r < rows; ++r) {
      const In* row = src + r * inner + first;
      for (std::int64_t i = 0; i < n; ++i) out[i] = R::step(out[i], static_cast<Acc>(row[i]));
    }
  }
}

template <class R, class In>
void reduce_part(const In* src, std::int64_t rows, std::int64_t inner, typename R::Acc* dst) {
  if (inner == 1)
    *dst = reduce_row<R>(src, rows);
  else
    reduce_columns<R>(src, rows, inner, dst);
}

// dst[o, i] from src[o, r, i] over r.
template <class R, class In>
void reduce_middle(const In* src, std::int64_t outer, std::int64_t rows, std::int64_t inner, typename R::Acc* dst) {
  const std::int64_t block = std::max<std::int64_t>(1, kBlockElements / std::max<std::int64_t>(inner, 1));
  const std::int64_t blocks = (rows + block - 1) / block;
  if (blocks <= 1) {
    parallel_for(outer, rows * inner, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) reduce_part<R>(src + o * rows * inner, rows, inner, dst + o * inner);
    });
    return;
  }
  using Acc = typename R::Acc;
  const Partial<Acc> partial(outer * blocks * inner);
  parallel_for(outer * blocks, block * inner, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t o = i / blocks, first = i % blocks * block;
      reduce_part<R>(src + (o * rows + first) * inner, std::min(block, rows - first), inner, partial.get() + i * inner);
    }
  });
  reduce_middle<R, Acc>(partial.get(), outer, blocks, inner, dst);
}

// All runs, the last one first; what lies between stays in the type of the accumulator.
template <class R, class In, class Store>
void reduce_runs(const In* src, Runs runs, Store store) {
  using Acc = typename R::Acc;
  const std::size_t run = runs.size() - 2;
  const std::int64_t inner = runs[run + 1];
  std::int64_t outer = 1;
  for (std::size_t i = 0; i < run; ++i) outer *= runs[i];
  const Partial<Acc> values(outer * inner);
  reduce_middle<R>(src, outer, runs[run], inner, values.get());
  runs.shorten(run);
  runs.back() *= inner;
  if (runs.size() > 2) return reduce_runs<R>(static_cast<const Acc*>(values.get()), runs, store);
  store(values.get(), runs[0]);
}

template <class R, class T>
void reduce_as(const T* src, const Runs& runs, T* dst, double scale = 1) {
  using Acc = typename R::Acc;
  reduce_runs<R>(src, runs, [&](const Acc* values, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>)
        dst[i] = T(static_cast<float>(scale == 1 ? values[i] : values[i] / scale));
      else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
        dst[i] = static_cast<T>(scale == 1 ? values[i] : scale == 0 ? Acc{0} : values[i] / static_cast<Acc>(scale));
      else
        dst[i] = static_cast<T>(scale == 1 ? values[i] : static_cast<Acc>(values[i] / scale));
    }
  });
}

template <bool largest, class T>
void arg_row(const T* src, std::int64_t n, std::int64_t* dst) {
  using C = Compute<T>;
  C best = Extreme<T, largest>::init();
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const C value = static_cast<C>(src[i]);
    if (largest ? value > best : value < best) best = value, at = i;
  }
  *dst = at;
}

// Neighbouring columns at once, so that memory is read in order.
template <bool largest, class T>
void arg_columns(const T* src, std::int64_t n, std::int64_t inner, std::int64_t columns, std::int64_t* dst) {
  using C = Compute<T>;
  C best[kTile];
  std::fill_n(best, columns, Extreme<T, largest>::init());
  std::fill_n(dst, columns, 0);
  for (std::int64_t r = 0; r < n; ++r) {
    for (std::int64_t i = 0; i < columns; ++i) {
      const C value = static_cast<C>(src[r * inner + i]);
      const bool better = largest ? value > best[i] : value < best[i];
      best[i] = better ? value : best[i];
      dst[i] = better ? r : dst[i];
    }
  }
}

template <bool largest, class T>
void arg_all(const T* src, std::int64_t outer, std::int64_t n, std::int64_t inner, std::int64_t* dst) {
  const std::int64_t tiles = (inner + kTile - 1) / kTile;
  parallel_for(outer * tiles, n * std::min(inner, kTile), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t o = i / tiles, first = i % tiles * kTile;
      const T* from = src + o * n * inner + first;
      if (inner == 1)
        arg_row<largest>(from, n, dst + o);
      else
        arg_columns<largest>(from, n, inner, std::min(kTile, inner - first), dst + o * inner + first);
    }
  });
}

}  // namespace

void reduce(Reduction reduction, DType dtype, const void* src, const Shape& shape, const Shape& axes, void* dst) {
  const Runs runs = runs_of(shape, axes);
  if (reduction == Reduction::any || reduction == Reduction::all) {
    const auto* from = static_cast<const bool*>(src);
    auto* to = static_cast<bool*>(dst);
    return reduction == Reduction::any ? reduce_as<Logic<false>>(from, runs, to)
                                       : reduce_as<Logic<true>>(from, runs, to);
  }
  double count = 1;
  for (std::size_t i = 1; i < runs.size(); i += 2) count *= static_cast<double>(runs[i]);
  dispatch_numeric("reduce", dtype, [&]<class T>() {
    const T* from = static_cast<const T*>(src);
    T* to = static_cast<T*>(dst);
    switch (reduction) {
      case Reduction::sum:
        return reduce_as<Sum<T>>(from, runs, to);
      case Reduction::mean:
        return reduce_as<Sum<T>>(from, runs, to, count);
      case Reduction::prod:
        return reduce_as<Product<T>>(from, runs, to);
      case Reduction::max:
        return reduce_as<Extreme<T, true>>(from, runs, to);
      default:
        return reduce_as<Extreme<T, false>>(from, runs, to);
    }
  });
}

void arg_extreme(bool largest, DType dtype, const void* src, std::int64_t outer, std::int64_t n, std::int64_t inner,
                 std::int64_t* dst) {
  dispatch_all(dtype, [&]<class T>() {
    const T* from = static_cast<const T*>(src);
    return largest ? arg_all<true>(from, outer, n, inner, dst) : arg_all<false>(from, outer, n, inner, dst);
  });
}

}  // namespace strata::kernels
