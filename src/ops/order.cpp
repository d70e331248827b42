// The order of elements: arg, top-k, sort, cumulative sums and products, counts and searches.
#include "kernels/order.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "graph/registry.h"
#include "kernels/cast.h"
#include "kernels/reduce.h"
#include "ops/array_util.h"
#include "ops/broadcast.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {

namespace {

// The dimensions before an axis, of it, and after it.
struct Middle {
  std::int64_t outer, n, inner;
};
Middle around(const Shape& shape, std::int64_t axis) {
  const auto a = static_cast<std::size_t>(axis);
  return {array::product(shape, 0, a), shape[a], array::product(shape, a + 1, shape.size())};
}

// Positions are int32 in TensorFlow, too.
void check_positions(std::string_view op, std::int64_t n) {
  if (n != None && n > std::numeric_limits<std::int32_t>::max())
    throw ShapeError(std::string(op) + ": an axis of " + std::to_string(n) + " elements is too long for int32.");
}

template <bool largest>
struct ArgExtreme final : OpBase<ArgExtreme<largest>> {
  ArgExtreme() = default;
  explicit ArgExtreme(std::int64_t axis) : axis(axis) {}
  std::int64_t axis = 0;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
  }
  std::string_view name() const override { return largest ? "argmax" : "argmin"; }
  Specs infer(const Specs& in) const override {
    Shape out = in[0].shape;
    const auto a = static_cast<std::size_t>(array::normalize_axis(name(), axis, out));
    if (out[a] == 0)
      throw ShapeError(std::string(name()) + ": axis " + std::to_string(axis) + " of shape " + to_string(in[0].shape) +
                       " has no elements, so none of them is the " + (largest ? "largest." : "smallest."));
    out.erase(a);
    return {{out, DType::int64}};
  }
  void run(RunContext& c) const override {
    const Middle m = around(c.in_shape(0), array::normalize_axis(name(), axis, c.in_shape(0)));
    kernels::arg_extreme(largest, c.in[0].dtype(), array::raw_in(c), m.outer, m.n, m.inner, c.dst<std::int64_t>());
  }
};

struct Argsort final : OpBase<Argsort> {
  Argsort() = default;
  Argsort(std::int64_t axis, bool descending) : axis(axis), descending(descending) {}
  std::int64_t axis = -1;
  bool descending = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis), v("descending", s.descending);
  }
  std::string_view name() const override { return "argsort"; }
  Specs infer(const Specs& in) const override {
    const std::int64_t a = array::normalize_axis(name(), axis, in[0].shape);
    check_positions(name(), in[0].shape[static_cast<std::size_t>(a)]);
    return {{in[0].shape, DType::int32}};
  }
  void run(RunContext& c) const override {
    const Middle m = around(c.in_shape(0), array::normalize_axis(name(), axis, c.in_shape(0)));
    kernels::argsort(c.in[0].dtype(), descending, array::raw_in(c), m.outer, m.n, m.inner, c.dst<std::int32_t>());
  }
};

// The positions; the values are taken from there, which has a gradient already.
struct TopKPositions final : OpBase<TopKPositions> {
  TopKPositions() = default;
  explicit TopKPositions(std::int64_t k) : k(k) {}
  std::int64_t k = 1;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("k", s.k);
  }
  std::string_view name() const override { return "top_k"; }
  Specs infer(const Specs& in) const override {
    array::check_rank(name(), in[0].shape, 1);
    Shape out = in[0].shape;
    const std::int64_t n = out.back();
    check_positions(name(), n);
    if (k < 0 || (n != None && k > n))
      throw ValueError("top_k: k is " + std::to_string(k) + ", but the last axis of shape " + to_string(out) + " has " +
                       (n == None ? "an unknown number of" : std::to_string(n)) + " elements.");
    out[out.size() - 1] = k;
    return {{out, DType::int32}};
  }
  void run(RunContext& c) const override {
    const Middle m = around(c.in_shape(0), c.in[0].rank() - 1);
    kernels::top_k(c.in[0].dtype(), array::raw_in(c), m.outer, m.n, k, c.dst<std::int32_t>());
  }
};

template <bool product>
struct CumulativeOp final : OpBase<CumulativeOp<product>> {
  CumulativeOp() = default;
  CumulativeOp(std::int64_t axis, bool exclusive, bool reverse) : axis(axis), exclusive(exclusive), reverse(reverse) {}
  std::int64_t axis = 0;
  bool exclusive = false, reverse = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis), v("exclusive", s.exclusive), v("reverse", s.reverse);
  }
  std::string_view name() const override { return product ? "cumprod" : "cumsum"; }
  Specs infer(const Specs& in) const override {
    array::normalize_axis(name(), axis, in[0].shape);
    if (in[0].dtype == DType::boolean)
      throw DTypeError(std::string(name()) + ": received bool, expected numbers. Use cast(x, int32).");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Middle m = around(c.in_shape(0), array::normalize_axis(name(), axis, c.in_shape(0)));
    kernels::cumulate({product, exclusive, reverse}, c.in[0].dtype(), array::raw_in(c), m.outer, m.n, m.inner,
                      array::raw_out(c));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const CumulativeOptions back{.exclusive = exclusive, .reverse = !reverse};
    if constexpr (product)  // TensorFlow's: 0 where an element is 0
      return {divide_no_nan(cumsum(c.output() * c.grad(), axis, back), c.input(0))};
    else
      return {cumsum(c.grad(), axis, back)};
  }
};

std::int64_t largest_of(const std::vector<std::int64_t>& values) {
  return values.empty() ? -1 : *std::max_element(values.begin(), values.end());
}

struct Bincount final : OpBase<Bincount> {
  Bincount() = default;
  Bincount(std::int64_t minlength, std::int64_t maxlength) : minlength(minlength), maxlength(maxlength) {}
  std::int64_t minlength = 0, maxlength = -1;  // -1: as many as needed
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("minlength", s.minlength), v("maxlength", s.maxlength);
  }
  std::string_view name() const override { return "bincount"; }
  Specs infer(const Specs& in) const override {
    if (!is_integer(in[0].dtype))
      throw DTypeError("bincount: received " + to_string(in[0].dtype) + ", expected integers. Use cast(x, int32).");
    if (in.size() == 2 && array::certainly_differ(array::product(in[0].shape, 0, in[0].shape.size()),
                                                  array::product(in[1].shape, 0, in[1].shape.size())))
      throw ShapeError("bincount: weights have shape " + to_string(in[1].shape) + ", expected " +
                       to_string(in[0].shape) + ", that of the integers.");
    return {{Shape{None}, in.size() == 2 ? in[1].dtype : DType::int32}};
  }
  bool is_dynamic() const override { return true; }
  void run(RunContext& c) const override {
    const std::vector<std::int64_t> values = c.in[0].to_vector<std::int64_t>();
    for (std::int64_t v : values)
      if (v < 0) throw ValueError("bincount: received " + std::to_string(v) + ", expected numbers from 0 on.");
    std::int64_t n = std::max(minlength, largest_of(values) + 1);
    if (maxlength >= 0) n = std::min(n, maxlength);
    std::vector<double> sums(static_cast<std::size_t>(n));
    const std::vector<double> weights = c.in.size() == 2 ? c.in[1].to_vector<double>() : std::vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] < n) sums[static_cast<std::size_t>(values[i])] += weights.empty() ? 1 : weights[i];
    const DType dtype = c.in.size() == 2 ? c.in[1].dtype() : DType::int32;
    c.out[0] = detail::allocate({n}, dtype);
    kernels::cast(DType::float64, sums.data(), dtype, array::raw_out(c), n);
  }
};

struct Searchsorted final : OpBase<Searchsorted> {
  Searchsorted() = default;
  explicit Searchsorted(bool right) : right(right) {}
  bool right = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("right", s.right);
  }
  std::string_view name() const override { return "searchsorted"; }
  Specs infer(const Specs& in) const override {
    const Shape &sorted = in[0].shape, &values = in[1].shape;
    array::check_rank(name(), sorted, 1);
    bool fits = sorted.size() == 1 || sorted.size() == values.size();
    for (std::size_t i = 0; fits && i + 1 < sorted.size(); ++i) fits = !array::certainly_differ(sorted[i], values[i]);
    if (!fits)
      throw ShapeError("searchsorted: the sorted tensor has shape " + to_string(sorted) + " and the values " +
                       to_string(values) + "; expected one vector, or equal leading dimensions.");
    check_positions(name(), sorted.back());
    return {{values, DType::int32}};
  }
  void run(RunContext& c) const override {
    const Shape& sorted = c.in_shape(0);
    const std::int64_t rows = array::product(sorted, 0, sorted.size() - 1), n = sorted.back();
    const std::int64_t per_row = sorted.size() == 1 ? c.in[1].size() : c.in_shape(1).back();
    kernels::searchsorted(c.in[0].dtype(), right, array::raw_in(c, 0), rows, n, array::raw_in(c, 1), rows, per_row,
                          c.dst<std::int32_t>());
  }
};

// The values of a vector in the order of their first appearance, and the position of each element among them.
struct UniqueOp final : OpBase<UniqueOp> {
  std::string_view name() const override { return "unique"; }
  Specs infer(const Specs& in) const override {
    if (in[0].shape.size() != 1)
      throw ShapeError("unique: received shape " + to_string(in[0].shape) + ", expected a vector. Use ravel(x).");
    return {{Shape{None}, in[0].dtype}, {in[0].shape, DType::int32}};
  }
  bool is_dynamic() const override { return true; }
  void run(RunContext& c) const override {
    std::vector<std::int64_t> first;
    std::vector<std::int32_t> places;
    if (is_floating(c.in[0].dtype()))
      collect(c.in[0].to_vector<double>(), first, places);
    else
      collect(c.in[0].to_vector<std::int64_t>(), first, places);
    const auto n = static_cast<std::int64_t>(first.size());
    c.out[0] = detail::allocate({n}, c.in[0].dtype());
    const std::size_t width = size_of(c.in[0].dtype());
    for (std::size_t i = 0; i < first.size(); ++i)
      std::memcpy(static_cast<char*>(array::raw_out(c)) + i * width,
                  static_cast<const char*>(array::raw_in(c)) + static_cast<std::size_t>(first[i]) * width, width);
    c.out[1] = Tensor::from<std::int32_t>(places, c.in_shape(0));
  }

 private:
  template <class T>
  static void collect(const std::vector<T>& values, std::vector<std::int64_t>& first,
                      std::vector<std::int32_t>& places) {
    std::unordered_map<T, std::int32_t> seen;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto [at, added] = seen.try_emplace(values[i], static_cast<std::int32_t>(first.size()));
      if (added) first.push_back(static_cast<std::int64_t>(i));
      places.push_back(at->second);
    }
  }
};

}  // namespace

Tensor argmax(const Tensor& x, std::int64_t axis) { return apply1(make_op<ArgExtreme<true>>(axis), {x}); }
Tensor argmin(const Tensor& x, std::int64_t axis) { return apply1(make_op<ArgExtreme<false>>(axis), {x}); }

TopK top_k(const Tensor& x, std::int64_t k) {
  const Tensor indices = apply1(make_op<TopKPositions>(k), {x});
  return {take_along_axis(x, indices, -1), indices};
}

Tensor argsort(const Tensor& x, std::int64_t axis, const SortOptions& options) {
  const bool descending = options.direction == "DESCENDING";
  if (!descending && options.direction != "ASCENDING")
    throw ValueError("sort, argsort: direction is \"" + options.direction +
                     "\". Expected \"ASCENDING\" or \"DESCENDING\".");
  return apply1(make_op<Argsort>(axis, descending), {x});
}
Tensor sort(const Tensor& x, std::int64_t axis, const SortOptions& options) {
  return take_along_axis(x, argsort(x, axis, options), axis);
}

Tensor cumsum(const Tensor& x, std::int64_t axis, const CumulativeOptions& options) {
  return apply1(make_op<CumulativeOp<false>>(axis, options.exclusive, options.reverse), {x});
}
Tensor cumprod(const Tensor& x, std::int64_t axis, const CumulativeOptions& options) {
  return apply1(make_op<CumulativeOp<true>>(axis, options.exclusive, options.reverse), {x});
}

Tensor bincount(const Tensor& x, const BincountOptions& options) {
  const OpPtr op = make_op<Bincount>(options.minlength, options.maxlength.value_or(-1));
  return apply1(op, options.weights.defined() ? Tensors{x, options.weights} : Tensors{x});
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, const SearchOptions& options) {
  const auto [a, b] = detail::promote_operands(sorted, values);
  return apply1(make_op<Searchsorted>(options.right), {a, b});
}

Unique unique(const Tensor& x) {
  const Tensors out = apply(make_op<UniqueOp>(), {x});
  return {out[0], out[1]};
}

void register_order(Registry& r) {
  r.add<ArgExtreme<true>>();
  r.add<ArgExtreme<false>>();
  r.add<Argsort>();
  r.add<TopKPositions>();
  r.add<CumulativeOp<false>>();
  r.add<CumulativeOp<true>>();
  r.add<Bincount>();
  r.add<Searchsorted>();
  r.add<UniqueOp>();
}

}  // namespace strata
