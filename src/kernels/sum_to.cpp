#include "kernels/sum_to.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "kernels/copy.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

template <class T>
using Sum = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;

template <class To, class From>
To narrow(From value) {
  if constexpr (std::is_same_v<To, Float16> || std::is_same_v<To, BFloat16>)
    return To(static_cast<float>(value));
  else
    return static_cast<To>(value);
}

// Rows are cut into blocks of a fixed size and the blocks' sums added in order: the result does not depend on threads.
constexpr std::int64_t kBlockElements = 65536, kLanes = 8, kTile = 256;

template <class In, class Out>
void sum_contiguous(const In* src, std::int64_t n, Out& out) {
  Sum<In> lanes[kLanes] = {}, rest = 0;
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] += static_cast<Sum<In>>(src[i + k]);
  for (; i < n; ++i) rest += static_cast<Sum<In>>(src[i]);
  for (std::int64_t k = 0; k < kLanes; ++k) rest += lanes[k];
  out = narrow<Out>(rest);
}

template <class In, class Out>
void sum_rows(const In* src, std::int64_t rows, std::int64_t inner, Out* dst) {
  Sum<In> sums[kTile];
  for (std::int64_t first = 0; first < inner; first += kTile) {
    const std::int64_t n = std::min(kTile, inner - first);
    std::fill_n(sums, n, Sum<In>{0});
    for (std::int64_t r = 0; r < rows; ++r) {
      const In* row = src + r * inner + first;
      for (std::int64_t i = 0; i < n; ++i) sums[i] += static_cast<Sum<In>>(row[i]);
    }
    for (std::int64_t i = 0; i < n; ++i) dst[first + i] = narrow<Out>(sums[i]);
  }
}

template <class In, class Out>
void sum_one(const In* src, std::int64_t rows, std::int64_t inner, Out* dst) {
  if (inner == 1)
    sum_contiguous(src, rows, *dst);
  else
    sum_rows(src, rows, inner, dst);
}

template <class In, class Out>
void sum_middle(const In* src, std::int64_t outer, std::int64_t rows, std::int64_t inner, Out* dst) {
  const std::int64_t block = std::max<std::int64_t>(1, kBlockElements / std::max<std::int64_t>(inner, 1));
  const std::int64_t blocks = (rows + block - 1) / block;
  if (blocks <= 1) {
    parallel_for(outer, rows * inner, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) sum_one(src + o * rows * inner, rows, inner, dst + o * inner);
    });
    return;
  }
  std::vector<Sum<In>> partial(static_cast<std::size_t>(outer * blocks * inner));
  parallel_for(outer * blocks, block * inner, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t o = i / blocks, first = i % blocks * block;
      sum_one(src + (o * rows + first) * inner, std::min(block, rows - first), inner, partial.data() + i * inner);
    }
  });
  sum_middle(partial.data(), outer, blocks, inner, dst);
}

// Dimensions of src as runs that are all kept or all summed, alternating; the first run is kept (perhaps of size 1).
std::vector<std::int64_t> runs(const Shape& src, const Shape& dst) {
  std::vector<std::int64_t> out = {1};
  const std::size_t lead = src.size() - dst.size();
  for (std::size_t i = 0; i < src.size(); ++i) {
    if (src[i] == 1) continue;
    const bool summed = i < lead || dst[i - lead] == 1;
    if (summed == (out.size() % 2 == 0))
      out.back() *= src[i];
    else
      out.push_back(src[i]);
  }
  return out;
}

}  // namespace

void sum_axis(DType dtype, const void* src, std::int64_t outer, std::int64_t reduced, std::int64_t inner, void* dst) {
  dispatch_numeric("sum", dtype, [&]<class T>() {
    sum_middle(static_cast<const T*>(src), outer, reduced, inner, static_cast<T*>(dst));
  });
}

void sum_to(DType dtype, const void* src, const Shape& src_shape, void* dst, const Shape& dst_shape) {
  const std::vector<std::int64_t> parts = runs(src_shape, dst_shape);
  const auto bytes = static_cast<std::size_t>(dst_shape.num_elements()) * size_of(dtype);
  if (bytes == 0) return;
  if (src_shape.num_elements() == 0) {
    std::memset(dst, 0, bytes);
    return;
  }
  auto product = [&](std::size_t from, std::size_t to, bool kept_only) {
    std::int64_t n = 1;
    for (std::size_t i = from; i < to; ++i)
      if (!kept_only || i % 2 == 0) n *= parts[i];
    return n;
  };
  dispatch_numeric("sum", dtype, [&]<class T>() {
    // Runs are summed from the last to the first; in between, sums stay in the wide type.
    const std::size_t last = (parts.size() - 1) | 1u;
    if (parts.size() == 1) return copy_bytes(dst, src, bytes);
    std::size_t run = last < parts.size() ? last : last - 2;
    std::int64_t inner = product(run + 1, parts.size(), true);
    if (run == 1) return sum_middle(static_cast<const T*>(src), parts[0], parts[1], inner, static_cast<T*>(dst));
    std::vector<Sum<T>> wide(static_cast<std::size_t>(product(0, run, false) * inner)), next;
    sum_middle(static_cast<const T*>(src), product(0, run, false), parts[run], inner, wide.data());
    for (run -= 2; run > 1; run -= 2) {
      inner = product(run + 1, parts.size(), true);
      next.resize(static_cast<std::size_t>(product(0, run, false) * inner));
      sum_middle(wide.data(), product(0, run, false), parts[run], inner, next.data());
      wide.swap(next);
    }
    inner = product(2, parts.size(), true);
    sum_middle(wide.data(), parts[0], parts[1], inner, static_cast<T*>(dst));
  });
}

}  // namespace strata::kernels
