#include "kernels/copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"
#include "kernels/width.h"

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
void copy_row(const T* s, std::int64_t from, T* d, std::int64_t to, std::int64_t n) {
  if (from == 0 && to == 1) {
    std::fill_n(d, n, *s);
  } else if (to == 1) {
    for (std::int64_t j = 0; j < n; ++j) d[j] = s[j * from];
  } else {
    for (std::int64_t j = 0; j < n; ++j) d[j * to] = s[j * from];
  }
}

// Rows of N elements, where the loop over them would cost more than the elements.
template <int N, class T>
void copy_short_rows(const Walk& w, const T* s, T* d, std::int64_t rows) {
  const std::size_t last = w.dims.size() - 1;
  const std::int64_t from = w.src[last], to = w.dst[last], next_src = w.src[last - 1], next_dst = w.dst[last - 1];
  for (std::int64_t r = 0; r < rows; ++r, s += next_src, d += next_dst)
    for (int j = 0; j < N; ++j) d[j * to] = s[j * from];
}

template <class T>
void copy_scattered(const Walk& w, const T* src, T* dst) {
  const std::size_t outer = w.dims.size() - 1;
  const std::int64_t n = w.dims[outer], from = w.src[outer], to = w.dst[outer];
  const std::int64_t neighbours = outer > 0 ? w.dims[outer - 1] : 1;
  const bool short_rows = n >= 2 && n <= 4 && neighbours >= 16;
  parallel_for(w.count(0, outer), n, [&](std::int64_t begin, std::int64_t end) {
    if (short_rows) {
      for (std::int64_t i = begin; i < end;) {
        const Odometer at(w, outer, i);
        const std::int64_t rows = std::min(end - i, neighbours - i % neighbours);
        auto* copy = n == 2 ? &copy_short_rows<2, T> : n == 3 ? &copy_short_rows<3, T> : &copy_short_rows<4, T>;
        copy(w, src + at.src, dst + at.dst, rows);
        i += rows;
      }
      return;
    }
    Odometer at(w, outer, begin);
    for (std::int64_t i = begin; i < end; ++i, at.next()) copy_row(src + at.src, from, dst + at.dst, to, n);
  });
}

// Turns one tile by way of a small buffer: both arrays are then touched along their contiguous dimensions, and lines
// that share a place in the cache do not drive each other out.
constexpr std::int64_t kTile = 32;

template <class T>
void copy_tile(const T* s, std::int64_t column_src, T* d, std::int64_t row_dst, std::int64_t rows,
               std::int64_t columns) {
  T buffer[kTile][kTile + 1];
  if (rows == kTile && columns == kTile) {  // bounds that the compiler knows make this several times as fast
    for (std::int64_t c = 0; c < kTile; ++c)
      for (std::int64_t r = 0; r < kTile; ++r) buffer[r][c] = s[c * column_src + r];
    for (std::int64_t r = 0; r < kTile; ++r) std::copy_n(buffer[r], kTile, d + r * row_dst);
    return;
  }
  for (std::int64_t c = 0; c < columns; ++c)
    for (std::int64_t r = 0; r < rows; ++r) buffer[r][c] = s[c * column_src + r];
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(buffer[r], columns, d + r * row_dst);
}

// The last dimension is contiguous in dst, dimension `fast` in src.
template <class T>
void copy_tiled(Walk w, std::size_t fast, const T* src, T* dst) {
  const std::size_t last = w.dims.size() - 1;
  const std::int64_t rows = w.dims[fast], columns = w.dims[last], row_dst = w.dst[fast], column_src = w.src[last];
  w.dims.erase(fast), w.src.erase(fast), w.dst.erase(fast);
  const std::int64_t row_tiles = (rows + kTile - 1) / kTile;
  const std::int64_t outer = w.count(0, last - 1);
  parallel_for(outer * row_tiles, columns * kTile, [&](std::int64_t begin, std::int64_t end) {
    Odometer at(w, last - 1, begin / row_tiles);
    std::int64_t tile = begin % row_tiles;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t r = tile * kTile;
      for (std::int64_t c = 0; c < columns; c += kTile)
        copy_tile(src + at.src + r + c * column_src, column_src, dst + at.dst + r * row_dst + c, row_dst,
                  std::min(kTile, rows - r), std::min(kTile, columns - c));
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
