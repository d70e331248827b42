#include "kernels/gather.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/width.h"

namespace strata::kernels {
namespace {

// Unsigned sums wrap where signed ones would be undefined.
template <class T>
T plus(T a, T b) {
  if constexpr (std::is_same_v<T, std::int32_t>)
    return static_cast<T>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  else
    return static_cast<T>(static_cast<Compute<T>>(a) + static_cast<Compute<T>>(b));
}
template <class T>
T minus(T a, T b) {
  if constexpr (std::is_same_v<T, std::int32_t>)
    return static_cast<T>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return static_cast<T>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
  else
    return static_cast<T>(static_cast<Compute<T>>(a) - static_cast<Compute<T>>(b));
}

template <class T>
void combine_row(Combine how, const T* src, T* dst, std::int64_t n) {
  switch (how) {
    case Combine::set:
      std::copy_n(src, n, dst);
      break;
    case Combine::add:
      for (std::int64_t i = 0; i < n; ++i) dst[i] = plus(dst[i], src[i]);
      break;
    case Combine::subtract:
      for (std::int64_t i = 0; i < n; ++i) dst[i] = minus(dst[i], src[i]);
      break;
    case Combine::maximum:
      for (std::int64_t i = 0; i < n; ++i)
        if (dst[i] < src[i]) dst[i] = src[i];
      break;
    case Combine::minimum:
      for (std::int64_t i = 0; i < n; ++i)
        if (src[i] < dst[i]) dst[i] = src[i];
  }
}

struct Place {
  std::int64_t outer, size, inner;
  const std::int64_t* index;
  std::int64_t count, index_step;
};

// Columns [begin, end) of every outer row of one: within them the order is that of the indices, so that parts may run
// at once.
template <class T>
void scatter_columns(Combine how, const T* src, T* dst, const Place& p, std::int64_t o, std::int64_t begin,
                     std::int64_t end) {
  const std::int64_t* index = p.index + o * p.index_step;
  for (std::int64_t i = 0; i < p.count; ++i) {
    if (index[i] < 0) continue;
    combine_row(how, src + (o * p.count + i) * p.inner + begin, dst + (o * p.size + index[i]) * p.inner + begin,
                end - begin);
  }
}

template <class T>
void scatter_rows(Combine how, const T* src, T* dst, const Place& p) {
  const std::int64_t columns = 256, tiles = std::max<std::int64_t>(1, (p.inner + columns - 1) / columns);
  parallel_for(p.outer * tiles, p.count * std::min(p.inner, columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % tiles * columns;
      scatter_columns(how, src, dst, p, i / tiles, first, std::min(p.inner, first + columns));
    }
  });
}

// Sums in the 16-bit types would lose every small addend, so they are made in float.
template <class T>
void scatter_wide(Combine how, const T* src, T* dst, const Place& p) {
  const auto n = static_cast<std::size_t>(p.outer * p.size * p.inner);
  std::vector<float> wide_src(src, src + p.outer * p.count * p.inner), wide(dst, dst + n);
  scatter_rows(how, wide_src.data(), wide.data(), p);
  std::copy(wide.begin(), wide.end(), dst);
}

}  // namespace

void gather(const void* src, void* dst, std::int64_t outer, std::int64_t size, std::int64_t inner,
            const std::int64_t* index, std::int64_t count, std::int64_t index_step, std::size_t width) {
  if (inner == 1) {
    with_width(width, [&]<class T>(T) {
      parallel_for(outer * count, 2, [&](std::int64_t begin, std::int64_t end) {
        const T* s = static_cast<const T*>(src);
        T* d = static_cast<T*>(dst);
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t o = i / count;
          d[i] = s[o * size + index[o * index_step + i % count]];
        }
      });
    });
    return;
  }
  const std::size_t bytes = static_cast<std::size_t>(inner) * width;
  parallel_for(outer * count, inner / 4 + 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t o = i / count, row = o * size + index[o * index_step + i % count];
      std::memcpy(static_cast<char*>(dst) + static_cast<std::size_t>(i) * bytes,
                  static_cast<const char*>(src) + static_cast<std::size_t>(row) * bytes, bytes);
    }
  });
}

void scatter(DType dtype, Combine how, const void* src, void* dst, std::int64_t outer, std::int64_t size,
             std::int64_t inner, const std::int64_t* index, std::int64_t count, std::int64_t index_step) {
  const Place place{outer, size, inner, index, count, index_step};
  if (how == Combine::set) {
    with_width(size_of(dtype),
               [&]<class T>(T) { scatter_rows(how, static_cast<const T*>(src), static_cast<T*>(dst), place); });
    return;
  }
  dispatch_numeric("scatter", dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, Compute<T>>)
      scatter_rows(how, static_cast<const T*>(src), static_cast<T*>(dst), place);
    else
      scatter_wide(how, static_cast<const T*>(src), static_cast<T*>(dst), place);
  });
}

void gather_along(const void* src, void* dst, std::int64_t outer, std::int64_t size, std::int64_t inner,
                  const std::int64_t* index, std::int64_t count, std::size_t width) {
  with_width(width, [&]<class T>(T) {
    const T* s = static_cast<const T*>(src);
    T* d = static_cast<T*>(dst);
    parallel_for(outer * count, inner * 2, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* rows = s + i / count * size * inner;
        for (std::int64_t n = 0; n < inner; ++n) d[i * inner + n] = rows[index[i * inner + n] * inner + n];
      }
    });
  });
}

void scatter_add_along(DType dtype, const void* src, void* dst, std::int64_t outer, std::int64_t size,
                       std::int64_t inner, const std::int64_t* index, std::int64_t count) {
  dispatch_numeric("take_along_axis", dtype, [&]<class T>() {
    const T* s = static_cast<const T*>(src);
    T* d = static_cast<T*>(dst);
    parallel_for(outer, count * inner * 2, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * count; i < end * count; ++i) {
        T* rows = d + i / count * size * inner;
        for (std::int64_t n = 0; n < inner; ++n) {
          T& to = rows[index[i * inner + n] * inner + n];
          to = plus(to, s[i * inner + n]);
        }
      }
    });
  });
}

}  // namespace strata::kernels
