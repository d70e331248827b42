// matmul, and the products that are made of it.
#include "strata/linalg.h"

#include <algorithm>
#include <numeric>

#include "core/fields.h"
#include "kernels/copy.h"
#include "kernels/matmul.h"
#include "ops/array_util.h"
#include "ops/like.h"
#include "strata/array.h"

namespace strata {
namespace {

using array::certainly_differ;

// The dimension that two stretch to. None with 1 is None, None with another is that one.
std::int64_t stretched(std::int64_t a, std::int64_t b) {
  if (a == 1) return b;
  if (b == 1) return a;
  return array::known_of(a, b);
}

// Offsets of the matrices of x, one for each of `batch`, to which x's leading dimensions stretch.
std::vector<std::int64_t> batch_offsets(const Shape& x, const Shape& batch) {
  const std::int64_t count = batch.num_elements();
  const Shape own = x.sub(0, x.size() - 2);
  const kernels::Strides dense = kernels::dense_strides(own);
  const std::int64_t matrix = x[x.size() - 2] * x[x.size() - 1];
  std::vector<std::int64_t> out(static_cast<std::size_t>(count), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    for (std::size_t d = batch.size(); d-- > 0;) {
      const std::int64_t at = rest % batch[d];
      rest /= batch[d];
      const std::size_t lead = batch.size() - own.size();
      if (d >= lead && own[d - lead] != 1) out[static_cast<std::size_t>(i)] += at * dense[d - lead] * matrix;
    }
  }
  return out;
}

struct Matmul final : OpBase<Matmul> {
  Matmul() = default;
  Matmul(bool transpose_a, bool transpose_b) : transpose_a(transpose_a), transpose_b(transpose_b) {}
  bool transpose_a = false, transpose_b = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("transpose_a", s.transpose_a), v("transpose_b", s.transpose_b);
  }
  std::string_view name() const override { return "matmul"; }

  [[noreturn]] void fail(const Specs& in, const std::string& why) const {
    std::string flags;
    if (transpose_a) flags += ", transpose_a";
    if (transpose_b) flags += ", transpose_b";
    throw ShapeError("matmul: shapes " + to_string(in[0].shape) + " and " + to_string(in[1].shape) + flags +
                     " do not fit: " + why);
  }
  Specs infer(const Specs& in) const override {
    const Shape &a = in[0].shape, &b = in[1].shape;
    array::check_rank(name(), a, 2), array::check_rank(name(), b, 2);
    if (in[0].dtype != in[1].dtype || in[0].dtype == DType::boolean)
      throw DTypeError("matmul: cannot multiply " + describe(in) + "; expected one numeric dtype.");
    const std::int64_t k = a.at(transpose_a ? -2 : -1), l = b.at(transpose_b ? -1 : -2);
    if (certainly_differ(k, l))
      fail(in, "the inner sizes " + std::to_string(k) + " and " + std::to_string(l) + " must be equal.");
    const std::size_t lead = std::max(a.size(), b.size()) - 2;
    Shape out;
    for (std::size_t i = 0; i < lead; ++i) {
      const std::int64_t x = i + a.size() >= lead + 2 ? a[i + a.size() - lead - 2] : 1;
      const std::int64_t y = i + b.size() >= lead + 2 ? b[i + b.size() - lead - 2] : 1;
      if (x != 1 && y != 1 && certainly_differ(x, y)) fail(in, "the leading dimensions must be equal or 1.");
      out.push_back(stretched(x, y));
    }
    out.push_back(a.at(transpose_a ? -1 : -2));
    out.push_back(b.at(transpose_b ? -2 : -1));
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const Shape &a = c.in_shape(0), &b = c.in_shape(1), &out = c.out_shape();
    kernels::MatmulSize size{out.at(-2), out.at(-1), a.at(transpose_a ? -2 : -1), transpose_a, transpose_b};
    Shape batch = out.sub(0, out.size() - 2);
    std::vector<std::int64_t> from_a = {0}, from_b = {0};
    if (!transpose_a && b.size() == 2) {
      size.m *= batch.num_elements();  // one tall matrix
    } else {
      from_a = batch_offsets(a, batch), from_b = batch_offsets(b, batch);
    }
    kernels::matmul(c.in[0].dtype(), size, array::raw_in(c, 0), from_a, array::raw_in(c, 1), from_b, array::raw_out(c));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor &a = c.input(0), &b = c.input(1), g = c.grad();
    Tensor da, db;
    if (c.needed(0))
      da = sum_to_like(transpose_a ? matmul(b, g, {.transpose_a = transpose_b, .transpose_b = true})
                                   : matmul(g, b, {.transpose_b = !transpose_b}),
                       a);
    if (c.needed(1)) db = grad_b(a, b, g);
    return {da, db};
  }
  Tensor grad_b(const Tensor& a, const Tensor& b, const Tensor& g) const {
    if (b.rank() == 2 && a.rank() > 2 && !transpose_a) {
      const Tensor rows = rows_of(a), grads = rows_of(g);  // sums over the batch on its way
      return transpose_b ? matmul(grads, rows, {.transpose_a = true}) : matmul(rows, grads, {.transpose_a = true});
    }
    return sum_to_like(transpose_b ? matmul(g, a, {.transpose_a = true, .transpose_b = transpose_a})
                                   : matmul(a, g, {.transpose_a = !transpose_a}),
                       b);
  }
};

// Both as one dtype, which is numeric.
std::pair<Tensor, Tensor> matched(const char* op, const Tensor& a, const Tensor& b) {
  check_defined(op, std::vector{a, b});
  DType dtype = promote(a.dtype(), b.dtype());
  if (dtype == DType::boolean) dtype = DType::int32;
  return {cast(a, dtype), cast(b, dtype)};
}

Ints counting(std::int64_t from, std::int64_t count) {
  Ints out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), from);
  return out;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  auto [x, y] = matched("matmul", a, b);
  if (x.rank() == 0 || y.rank() == 0)
    throw ShapeError("matmul: shapes " + to_string(x.shape()) + " and " + to_string(y.shape()) +
                     ": a scalar has no matrix product. Use a * b.");
  const bool row = x.rank() == 1, column = y.rank() == 1;
  if (row) x = expand_dims(x, 0);
  if (column) y = expand_dims(y, 1);
  Tensor out = apply1(make_op<Matmul>(options.transpose_a && !row, options.transpose_b && !column), {x, y});
  if (column) out = squeeze(out, -1);
  return row ? squeeze(out, column ? -1 : -2) : out;
}

Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t axes) {
  check_defined("tensordot", std::vector{a, b});
  if (axes < 0 || axes > a.rank() || axes > b.rank())
    throw ValueError("tensordot: cannot sum over " + std::to_string(axes) + " axes of shapes " + to_string(a.shape()) +
                     " and " + to_string(b.shape()) + ".");
  return tensordot(a, b, counting(a.rank() - axes, axes), counting(0, axes));
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Ints& axes_a, const Ints& axes_b) {
  check_defined("tensordot", std::vector{a, b});
  if (axes_a.size() != axes_b.size())
    throw ValueError("tensordot: " + std::to_string(axes_a.size()) + " axes of the first tensor and " +
                     std::to_string(axes_b.size()) + " of the second; give pairs.");
  const Ints from_a = array::normalize_axes("tensordot", axes_a, a.shape());
  const Ints from_b = array::normalize_axes("tensordot", axes_b, b.shape());
  std::string left(a.shape().size(), ' '), right(b.shape().size(), ' '), out;
  char next = 'a';
  for (std::size_t i = 0; i < from_a.size(); ++i)
    left[static_cast<std::size_t>(from_a[i])] = right[static_cast<std::size_t>(from_b[i])] = next++;
  for (std::string* letters : {&left, &right})
    for (char& c : *letters)
      if (c == ' ') out += c = next++;
  return einsum(left + "," + right + "->" + out, {a, b});
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_defined("dot", std::vector{a, b});
  if (a.rank() == 0 || b.rank() == 0) return einsum("...,...->...", {a, b});
  if (b.rank() <= 2) return a.rank() == 1 && b.rank() == 1 ? tensordot(a, b, 1) : matmul(a, b);
  return tensordot(a, b, Ints{a.rank() - 1}, Ints{b.rank() - 2});
}

Tensor inner(const Tensor& a, const Tensor& b) {
  check_defined("inner", std::vector{a, b});
  if (a.rank() == 0 || b.rank() == 0) return dot(a, b);
  return tensordot(a, b, Ints{-1}, Ints{-1});
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_defined("outer", std::vector{a, b});
  return matmul(reshape(a, {-1, 1}), reshape(b, {1, -1}));
}

void register_linalg(Registry& r) { r.add<Matmul>(); }

}  // namespace strata
