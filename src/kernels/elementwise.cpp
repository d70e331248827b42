#include "kernels/elementwise.h"

#include <algorithm>
#include <cstring>

namespace strata::kernels {

namespace {
// The stride of each dimension of `shape` as seen from `out`: 0 where it is stretched.
std::array<std::int64_t, Shape::kMaxRank> strides_in(const Shape& out, const Shape& shape) {
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  std::int64_t step = 1;
  const std::size_t shift = out.size() - shape.size();
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i + shift] = shape[i] == 1 ? 0 : step;
    step *= shape[i];
  }
  return strides;
}

// So many elements are put side by side at a time.
constexpr std::int64_t kBlock = 256;

template <std::size_t kItem>
void put_side_by_side(const char* from, std::int64_t stride, std::int64_t n, char* to) {
  const std::int64_t step = stride * static_cast<std::int64_t>(kItem);
  for (std::int64_t i = 0; i < n; ++i, from += step, to += kItem) std::memcpy(to, from, kItem);
}

// One operand of a row, as blocks of elements side by side.
class Operand {
 public:
  Operand(const char* data, std::size_t item, std::int64_t stride, std::int64_t n)
      : data_(data), item_(item), stride_(stride) {
    if (stride_ == 0) put(data_, std::min(n, kBlock));
  }
  const void* block(std::int64_t first, std::int64_t n) {
    const char* from = data_ + first * stride_ * static_cast<std::int64_t>(item_);
    if (stride_ == 1) return from;
    if (stride_ != 0) put(from, n);
    return room_;
  }

 private:
  void put(const char* from, std::int64_t n) {
    switch (item_) {
      case 1:
        return put_side_by_side<1>(from, stride_, n, room_);
      case 2:
        return put_side_by_side<2>(from, stride_, n, room_);
      case 4:
        return put_side_by_side<4>(from, stride_, n, room_);
      default:
        return put_side_by_side<8>(from, stride_, n, room_);
    }
  }
  const char* data_;
  std::size_t item_;
  std::int64_t stride_;
  alignas(64) char room_[kBlock * 8];
};

// Whether b is one short row for all rows of a: a few channels.
bool is_short_row(const BinaryLayout& l) {
  return l.rank == 2 && l.dims[1] <= kBlock / 4 && l.a[0] == l.dims[1] && l.a[1] == 1 && l.b[0] == 0 && l.b[1] == 1;
}

// As many copies of the row as fill a block take the place of one.
void short_rows(const BinaryLayout& l, std::size_t item, std::size_t result, std::int64_t cost, const char* a,
                const char* b, char* dst, BinaryLoop loop) {
  const std::int64_t inner = l.dims[1], copies = kBlock / inner;
  const auto a_item = static_cast<std::int64_t>(item), d_item = static_cast<std::int64_t>(result);
  alignas(64) char row[kBlock * 8];
  for (std::int64_t i = 0; i < copies; ++i)
    std::memcpy(row + i * inner * a_item, b, static_cast<std::size_t>(inner) * item);
  parallel_for(l.dims[0], cost * inner, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += copies)
      loop(a + i * inner * a_item, row, dst + i * inner * d_item, std::min(copies, end - i) * inner);
  });
}

}  // namespace

void binary_rows(const BinaryLayout& l, std::size_t item, std::size_t result, std::int64_t cost, const void* a_data,
                 const void* b_data, void* dst_data, BinaryLoop loop) {
  if (l.size == 0) return;
  const char *a = static_cast<const char*>(a_data), *b = static_cast<const char*>(b_data);
  char* dst = static_cast<char*>(dst_data);
  if (is_short_row(l)) return short_rows(l, item, result, cost, a, b, dst, loop);
  const auto a_item = static_cast<std::int64_t>(item), d_item = static_cast<std::int64_t>(result);
  auto row = [=](std::int64_t at_a, std::int64_t at_b, std::int64_t at_dst, std::int64_t n, std::int64_t sa,
                 std::int64_t sb) {
    const char *from_a = a + at_a * a_item, *from_b = b + at_b * a_item;
    char* to = dst + at_dst * d_item;
    if (sa == 1 && sb == 1) return loop(from_a, from_b, to, n);
    Operand x(from_a, item, sa, n), y(from_b, item, sb, n);
    for (std::int64_t i = 0; i < n; i += kBlock) {
      const std::int64_t part = std::min(kBlock, n - i);
      loop(x.block(i, part), y.block(i, part), to + i * d_item, part);
    }
  };
  if (l.rank <= 1) {
    const std::int64_t sa = l.rank ? l.a[0] : 1, sb = l.rank ? l.b[0] : 1;
    parallel_for(l.size, cost, [&](std::int64_t begin, std::int64_t end) {
      row(begin * sa, begin * sb, begin, end - begin, sa, sb);
    });
    return;
  }
  const auto last = static_cast<std::size_t>(l.rank - 1);
  const std::int64_t inner = l.dims[last], rows = l.size / inner;
  parallel_for(rows, cost * inner, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, Shape::kMaxRank> index{};
    std::int64_t rest = begin, oa = 0, ob = 0;
    for (std::size_t d = last; d-- > 0;) {
      index[d] = rest % l.dims[d];
      rest /= l.dims[d];
      oa += index[d] * l.a[d];
      ob += index[d] * l.b[d];
    }
    for (std::int64_t r = begin; r < end; ++r) {
      row(oa, ob, r * inner, inner, l.a[last], l.b[last]);
      for (std::size_t d = last; d-- > 0;) {
        oa += l.a[d];
        ob += l.b[d];
        if (++index[d] < l.dims[d]) break;
        oa -= l.a[d] * l.dims[d];
        ob -= l.b[d] * l.dims[d];
        index[d] = 0;
      }
    }
  });
}

BinaryLayout binary_layout(const Shape& out, const Shape& a, const Shape& b) {
  BinaryLayout l;
  if (a == out && b == out) {
    l.size = out.num_elements();
    l.rank = 1;
    l.dims[0] = l.size;
    l.a[0] = l.b[0] = 1;
    return l;
  }
  const auto sa = strides_in(out, a), sb = strides_in(out, b);
  for (std::size_t i = 0; i < out.size(); ++i) {
    l.size *= out[i];
    if (out[i] == 1) continue;
    const auto r = static_cast<std::size_t>(l.rank);
    if (r > 0 && l.a[r - 1] == sa[i] * out[i] && l.b[r - 1] == sb[i] * out[i]) {
      l.dims[r - 1] *= out[i];
      l.a[r - 1] = sa[i];
      l.b[r - 1] = sb[i];
    } else {
      l.dims[r] = out[i];
      l.a[r] = sa[i];
      l.b[r] = sb[i];
      ++l.rank;
    }
  }
  return l;
}

}  // namespace strata::kernels
