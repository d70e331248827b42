// Resizing of images, to a size or by whole factors.
#include "kernels/resize.h"

#include "graph/op.h"
#include "graph/registry.h"
#include "ops/nn_families.h"
#include "ops/window.h"
#include "strata/array.h"
#include "strata/nn.h"

namespace strata {
namespace {

template <class Self>
struct ResizeBase : OpBase<Self> {
  ResizeBase() = default;
  ResizeBase(const Ints& size, const Ints& factors, const std::string& interpolation)
      : size(size), factors(factors), interpolation(interpolation) {}
  Ints size, factors;  // (height, width); one of the two is empty
  std::string interpolation = "nearest";
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("size", s.size);
    v("factors", s.factors);
    v("interpolation", s.interpolation);
  }
  bool is_differentiable() const override { return true; }
  kernels::Resize geometry(const Shape& from, const Shape& to) const {
    return {from[0], from[1], from[2], to[1], to[2], from[3], interpolation == "bilinear"};
  }
};

struct ResizeOp;

// ResizeGrad(dy, x): x is there for its shape alone.
struct ResizeGrad final : ResizeBase<ResizeGrad> {
  using ResizeBase::ResizeBase;
  std::string_view name() const override { return "resize_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    kernels::resize_backward(c.in[0].dtype(), geometry(c.out_shape(), c.in_shape(0)), c.src<void>(0), c.dst<void>());
  }
  Tensors grad(const GradContext& c) const override;
};

struct ResizeOp final : ResizeBase<ResizeOp> {
  using ResizeBase::ResizeBase;
  std::string_view name() const override { return "resize"; }
  Specs infer(const Specs& in) const override {
    const Shape& x = in[0].shape;
    if (x.size() != 4)
      throw ShapeError("resize: input has shape " + to_string(x) + ". Expected (batch, height, width, channels).");
    if (in[0].dtype == DType::boolean || (interpolation == "bilinear" && !is_floating(in[0].dtype)))
      throw DTypeError("resize: input is " + to_string(in[0].dtype) + ", which " + interpolation +
                       " interpolation does not have. Use a floating type: cast(x, float32).");
    Shape out = x;
    for (std::size_t i = 0; i < 2; ++i) {
      if (x[i + 1] == 0) throw ShapeError("resize: input of shape " + to_string(x) + " has no pixels.");
      out[i + 1] = !size.empty() ? size[i] : x[i + 1] == None ? None : x[i + 1] * factors[i];
    }
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::resize(c.in[0].dtype(), geometry(c.in_shape(0), c.out_shape()), c.src<void>(0), c.dst<void>());
  }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<ResizeGrad>(size, factors, interpolation), {c.grad(), c.input(0)})};
  }
};

Tensors ResizeGrad::grad(const GradContext& c) const {
  return {apply1(make_op<ResizeOp>(size, factors, interpolation), {c.grad()}), Tensor()};
}

void check_interpolation(const char* op, const std::string& interpolation) {
  if (interpolation != "nearest" && interpolation != "bilinear")
    throw ValueError(std::string(op) + ": interpolation is \"" + interpolation +
                     "\". Use \"nearest\" or \"bilinear\".");
}

}  // namespace

namespace nn {

Tensor resize(const Tensor& x, const PerDimension& size, const ResizeOptions& options) {
  check_interpolation("resize", options.interpolation);
  return apply1(make_op<ResizeOp>(window::spread("resize", "size", size, 2), Ints{}, options.interpolation), {x});
}

Tensor upsample(const Tensor& x, const PerDimension& factors, const ResizeOptions& options) {
  check_defined("upsample", {&x, 1});
  check_interpolation("upsample", options.interpolation);
  if (x.rank() < 3 || x.rank() > 5)
    throw ShapeError("upsample: input has shape " + to_string(x.shape()) +
                     ". Expected (batch, spatial dimensions..., channels) with one to three spatial dimensions.");
  const std::size_t rank = static_cast<std::size_t>(x.rank()) - 2;
  const Ints all = window::spread("upsample", "factors", factors, rank);
  if (rank == 2) return apply1(make_op<ResizeOp>(Ints{}, all, options.interpolation), {x});
  if (options.interpolation != "nearest")
    throw ValueError("upsample: bilinear interpolation is for images of two dimensions, the input has shape " +
                     to_string(x.shape()) + ". Use interpolation=\"nearest\".");
  Tensor out = x;
  for (std::size_t i = 0; i < rank; ++i) out = repeat(out, static_cast<int>(all[i]), static_cast<std::int64_t>(i) + 1);
  return out;
}

}  // namespace nn

void register_resize(Registry& r) {
  r.add<ResizeOp>();
  r.add<ResizeGrad>();
}

}  // namespace strata
