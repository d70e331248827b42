#include "kernels/copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

// Dimensions of a copy after those of size 1 are dropped and neighbours that are walked as one are merged.
struct Walk {
  Shape dims;
  Strides src, dst;
  std::int64_t count(std::size_t from, std::size_t to) const {
    std::int64_t n = 1;
    for (std::size_t i = from; i < to; ++i) n *= dims[i];
    return n;
  }
};

Walk simplify(const Shape& dims, const Strides& src, const Strides& dst) {
  Walk w;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    const std::size_t last = w.dims.size();
    if (last > 0 && w.src[last - 1] == src[i] * dims[i] && w.dst[last - 1] == dst[i] * dims[i]) {
      w.dims[last - 1] *= dims[i];
      w.src[last - 1] = src[i];
      w.dst[last - 1] = dst[i];
    } else {
      w.dims.push_back(dims[i]);
      w.src.push_back(src[i]);
      w.dst.push_back(dst[i]);
    }
  }
  return w;
}

// Walks the leading `rank` dimensions in row-major order and keeps the two offsets up to date.
class Odometer {
 public:
  Odometer(const Walk& walk, std::size_t rank, std::int64_t start) : walk_(walk), rank_(rank), index_(walk.dims) {
    for (std::size_t i = rank; i-- > 0;) {
      index_[i] = start % walk.dims[i];
      start /= walk.dims[i];
      src += index_[i] * walk.src[i];
      dst += index_[i] * walk.dst[i];
    }
  }
  void next() {
    for (std::size_t i = rank_; i-- > 0;) {
      src += walk_.src[i];
      dst += walk_.dst[i];
      if (++index_[i] < walk_.dims[i]) return;
      src -= index_[i] * walk_.src[i];
      dst -= index_[i] * walk_.dst[i];
      index_[i] = 0;
    }
  }
  std::int64_t src = 0, dst = 0;

 private:
  const Walk& walk_;
  std::size_t rank_;
  Shape index_;
};

template <class T>
void copy_rows(const Walk& w, const T* src, T* dst) {
  const std::size_t outer = w.dims.size() - 1;
  const std::int64_t n = w.dims[outer];
  parallel_for(w.count(0, outer), n / 8 + 4, [&](std::int64_t begin, std::int64_t end) {
    Odometer at(w, outer, begin);
    for (std::int64_t i = begin; i < end; ++i, at.next())
      std::memcpy(dst + at.dst, src + at.src, static_cast<std::size_t>(n) * sizeof(T));
  });
}

template <class T>
void copy_scattered(const Walk& w, const T* src, T* dst) {
  const std::size_t outer = w.dims.size() - 1;
  const std::int64_t n = w.dims[outer], from = w.src[outer], to = w.dst[outer];
  parallel_for(w.count(0, outer), n, [&](std::int64_t begin, std::int64_t end) {
    Odometer at(w, outer, begin);
    for (std::int64_t i = begin; i < end; ++i, at.next()) {
      const T* s = src + at.src;
      T* d = dst + at.dst;
      if (from == 0 && to == 1) {
        std::fill_n(d, n, *s);
      } else if (to == 1) {
        for (std::int64_t j = 0; j < n; ++j) d[j] = s[j * from];
      } else {
        for (std::int64_t j = 0; j < n; ++j) d[j * to] = s[j * from];
      }
    }
  });
}

// The last dimension is contiguous in dst, dimension `fast` in src: small square tiles keep both in cache.
template <class T>
void copy_tiled(Walk w, std::size_t fast, const T* src, T* dst) {
  constexpr std::int64_t kTile = 32;
  const std::size_t last = w.dims.size() - 1;
  const std::int64_t rows = w.dims[fast], columns = w.dims[last], row_dst = w.dst[fast], column_src = w.src[last];
  w.dims.erase(fast), w.src.erase(fast), w.dst.erase(fast);
  const std::int64_t row_tiles = (rows + kTile - 1) / kTile;
  const std::int64_t outer = w.count(0, last - 1);
  parallel_for(outer * row_tiles, columns * kTile, [&](std::int64_t begin, std::int64_t end) {
    Odometer at(w, last - 1, begin / row_tiles);
    std::int64_t tile = begin % row_tiles;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t r0 = tile * kTile, r1 = std::min(rows, r0 + kTile);
      for (std::int64_t c0 = 0; c0 < columns; c0 += kTile) {
        const std::int64_t c1 = std::min(columns, c0 + kTile);
        for (std::int64_t r = r0; r < r1; ++r) {
          const T* s = src + at.src + r;
          T* d = dst + at.dst + r * row_dst;
          for (std::int64_t c = c0; c < c1; ++c) d[c] = s[c * column_src];
        }
      }
      if (++tile == row_tiles) tile = 0, at.next();
    }
  });
}

template <class T>
void copy_as(const Walk& w, const T* src, T* dst) {
  if (w.dims.empty()) {
    *dst = *src;
    return;
  }
  const std::size_t last = w.dims.size() - 1;
  if (w.src[last] == 1 && w.dst[last] == 1) {
    if (last == 0) return copy_bytes(dst, src, static_cast<std::size_t>(w.dims[0]) * sizeof(T));
    if (w.dims[last] >= 4) return copy_rows(w, src, dst);
  } else if (w.dst[last] == 1 && w.src[last] != 0) {
    for (std::size_t i = 0; i < last; ++i)
      if (w.src[i] == 1 && w.dims[i] > 1) return copy_tiled(w, i, src, dst);
  }
  copy_scattered(w, src, dst);
}

template <class F>
void with_width(std::size_t width, F&& f) {
  switch (width) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

}  // namespace

Strides dense_strides(const Shape& shape) {
  Strides out = shape;
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    out[i] = step;
    step *= shape[i];
  }
  return out;
}

void strided_copy(const Shape& dims, const void* src, const Strides& src_strides, void* dst, const Strides& dst_strides,
                  std::size_t width) {
  for (std::int64_t d : dims)
    if (d == 0) return;
  const Walk walk = simplify(dims, src_strides, dst_strides);
  with_width(width, [&]<class T>(T) { copy_as(walk, static_cast<const T*>(src), static_cast<T*>(dst)); });
}

void fill(void* dst, std::int64_t count, const void* value, std::size_t width) {
  with_width(width, [&]<class T>(T) {
    T element;
    std::memcpy(&element, value, sizeof(T));
    T* out = static_cast<T*>(dst);
    parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, element); });
  });
}

void copy_bytes(void* dst, const void* src, std::size_t bytes) {
  if (bytes == 0) return;
  constexpr std::int64_t kBlock = 65536;
  const auto total = static_cast<std::int64_t>(bytes);
  parallel_for((total + kBlock - 1) / kBlock, kBlock / 16, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * kBlock, past = std::min(total, end * kBlock);
    std::memcpy(static_cast<char*>(dst) + first, static_cast<const char*>(src) + first,
                static_cast<std::size_t>(past - first));
  });
}

}  // namespace strata::kernels
