// Diagonals and triangles of the last two axes.
#include <algorithm>
#include <cstring>

#include "core/fields.h"
#include "kernels/copy.h"
#include "ops/array_util.h"
#include "strata/array.h"
#include "strata/reduce.h"

namespace strata {
namespace {

// The length of diagonal k of a matrix; None where that is not known.
std::int64_t diagonal_length(std::int64_t rows, std::int64_t columns, std::int64_t k) {
  if (rows == None || columns == None) return None;
  return std::max<std::int64_t>(0,
                                std::min(rows + std::min<std::int64_t>(k, 0), columns - std::max<std::int64_t>(k, 0)));
}

// Where the diagonals of the matrices (batch, rows, columns) lie.
struct DiagonalWalk {
  DiagonalWalk(const Shape& matrices, std::int64_t k) {
    const std::int64_t rows = matrices.at(-2), columns = matrices.at(-1);
    const std::int64_t length = diagonal_length(rows, columns, k);
    dims = {array::product(matrices, 0, matrices.size() - 2), length};
    strides = {rows * columns, columns + 1};
    offset = k >= 0 ? k : -k * columns;
  }
  Shape dims;
  kernels::Strides strides;
  std::int64_t offset;
};

void write_diagonal(RunContext& c, std::int64_t k) {
  if (c.out[0].bytes() > 0) std::memset(array::raw_out(c), 0, c.out[0].bytes());
  const DiagonalWalk w(c.out_shape(), k);
  const std::size_t width = size_of(c.in[0].dtype());
  kernels::strided_copy(w.dims, array::raw_in(c), kernels::dense_strides(w.dims),
                        static_cast<char*>(array::raw_out(c)) + w.offset * static_cast<std::int64_t>(width), w.strides,
                        width);
}

struct Diag final : OpBase<Diag> {
  Diag() = default;
  explicit Diag(std::int64_t k) : k(k) {}
  std::int64_t k = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("k", s.k);
  }
  std::string_view name() const override { return "matrix_diag"; }
  Specs infer(const Specs& in) const override {
    array::check_rank(name(), in[0].shape, 1);
    Shape out = in[0].shape;
    std::int64_t& n = out[out.size() - 1];
    if (n != None) n += k < 0 ? -k : k;
    out.push_back(out.back());
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override { write_diagonal(c, k); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {linalg::diag_part(c.grad(), k)}; }
};

struct DiagPart final : OpBase<DiagPart> {
  DiagPart() = default;
  explicit DiagPart(std::int64_t k) : k(k) {}
  std::int64_t k = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("k", s.k);
  }
  std::string_view name() const override { return "matrix_diag_part"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    array::check_rank(name(), x, 2);
    Shape out = x.sub(0, x.size() - 2);
    out.push_back(diagonal_length(x.at(-2), x.at(-1), k));
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const DiagonalWalk w(c.in_shape(0), k);
    const std::size_t width = size_of(c.in[0].dtype());
    kernels::strided_copy(w.dims,
                          static_cast<const char*>(array::raw_in(c)) + w.offset * static_cast<std::int64_t>(width),
                          w.strides, array::raw_out(c), kernels::dense_strides(w.dims), width);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// Zeros of the shape of input 1 with input 0 on the diagonal.
struct DiagPartGrad final : OpBase<DiagPartGrad> {
  DiagPartGrad() = default;
  explicit DiagPartGrad(std::int64_t k) : k(k) {}
  std::int64_t k = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("k", s.k);
  }
  std::string_view name() const override { return "matrix_diag_part_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override { write_diagonal(c, k); }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {linalg::diag_part(c.grad(), k), Tensor()}; }
};

Tensors DiagPart::grad(const GradContext& c) const {
  return {apply1(make_op<DiagPartGrad>(k), {c.grad(), c.input(0)})};
}

struct Triangle final : OpBase<Triangle> {
  Triangle() = default;
  Triangle(bool upper, std::int64_t k) : upper(upper), k(k) {}
  bool upper = false;
  std::int64_t k = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("upper", s.upper), v("k", s.k);
  }
  std::string_view name() const override { return "triangle"; }
  Specs infer(const Specs& in) const override {
    array::check_rank(upper ? "triu" : "tril", in[0].shape, 2);
    return {in[0]};
  }
  void run(RunContext& c) const override {
    if (c.out[0].bytes() == 0) return;
    std::memset(array::raw_out(c), 0, c.out[0].bytes());
    const std::int64_t rows = c.out_shape().at(-2), columns = c.out_shape().at(-1);
    const std::int64_t count = c.out[0].size() / columns, width = static_cast<std::int64_t>(size_of(c.in[0].dtype()));
    for (std::int64_t r = 0; r < count; ++r) {
      const std::int64_t edge = r % rows + k;
      const std::int64_t begin = upper ? std::clamp<std::int64_t>(edge, 0, columns) : 0;
      const std::int64_t end = upper ? columns : std::clamp<std::int64_t>(edge + 1, 0, columns);
      const std::int64_t at = (r * columns + begin) * width;
      std::memcpy(static_cast<char*>(array::raw_out(c)) + at, static_cast<const char*>(array::raw_in(c)) + at,
                  static_cast<std::size_t>((end - begin) * width));
    }
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override { return {upper ? triu(c.grad(), k) : tril(c.grad(), k)}; }
};

}  // namespace

Tensor linalg::diag(const Tensor& x, std::int64_t k) {
  check_defined("diag", {&x, 1});
  return apply1(make_op<Diag>(k), {x});
}

Tensor linalg::diag_part(const Tensor& x, std::int64_t k) {
  check_defined("diag_part", {&x, 1});
  return apply1(make_op<DiagPart>(k), {x});
}

Tensor diag(const Tensor& x, std::int64_t k) {
  check_defined("diag", {&x, 1});
  if (x.rank() != 1 && x.rank() != 2)
    throw ShapeError("diag: received shape " + to_string(x.shape()) +
                     ", expected a vector or a matrix. Use linalg::diag or linalg::diag_part for the last axes.");
  return x.rank() == 1 ? linalg::diag(x, k) : linalg::diag_part(x, k);
}

Tensor diagonal(const Tensor& x, const DiagonalOptions& options) {
  check_defined("diagonal", {&x, 1});
  array::check_rank("diagonal", x.shape(), 2);
  const Tensor last =
      options.axis1 == -2 && options.axis2 == -1 ? x : moveaxis(x, Ints{options.axis1, options.axis2}, Ints{-2, -1});
  return linalg::diag_part(last, options.offset);
}

Tensor trace(const Tensor& x, const DiagonalOptions& options) { return reduce_sum(diagonal(x, options), -1); }

Tensor tril(const Tensor& x, std::int64_t k) {
  check_defined("tril", {&x, 1});
  return apply1(make_op<Triangle>(false, k), {x});
}

Tensor triu(const Tensor& x, std::int64_t k) {
  check_defined("triu", {&x, 1});
  return apply1(make_op<Triangle>(true, k), {x});
}

void array::register_matrix(Registry& r) {
  r.add<Diag>();
  r.add<DiagPart>();
  r.add<DiagPartGrad>();
  r.add<Triangle>();
}

}  // namespace strata
