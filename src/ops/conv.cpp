// Convolutions in any number of dimensions, and the two ops that are their gradients. Each one's gradient is made of
// the other two, so that derivatives of every order exist.
#include "kernels/conv.h"

#include "graph/op.h"
#include "graph/registry.h"
#include "ops/conv_prepared.h"
#include "ops/conv_util.h"
#include "strata/nn.h"

namespace strata {
namespace {

using conv::Attributes;

// Conv(x, filters).
struct Conv final : OpBase<Conv>, Preparable {
  Conv() = default;
  explicit Conv(const Attributes& a) : attributes(a) {}
  Attributes attributes;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    Attributes::fields(s.attributes, v);
  }
  std::string_view name() const override { return "conv"; }
  Specs infer(const Specs& in) const override {
    conv::check(attributes, "conv", in[0], in[1]);
    const Shape &x = in[0].shape, &w = in[1].shape;
    Shape out = {x[0]};
    for (const std::int64_t d : window::output_dims(window::with_rank("conv", x.rank()), x, conv::axes(attributes, w)))
      out.push_back(d);
    out.push_back(w.back());
    return {{out, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::conv_forward(c.in[0].dtype(), conv::geometry(attributes, c.in_shape(0), c.in_shape(1), c.out_shape()),
                          c.src<void>(0), c.src<void>(1), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    kernels::ConvTask task{kernels::ConvKind::forward, c.in[0].dtype, c.in[1].dtype,
                           conv::geometry(attributes, c.in[0].shape, c.in[1].shape, c.out[0].shape)};
    task.dst_stride = c.out_stride(0);
    return conv::prepare(task, {.src = 0, .weights = 1}, c);
  }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor &x = c.input(0), &w = c.input(1), dy = c.grad();
    return {c.needed(0) ? conv::backprop_input(attributes, dy, w, x) : Tensor(),
            c.needed(1) ? conv::backprop_filter(attributes, x, dy, w) : Tensor()};
  }
};

// ConvBackpropInput(dy, filters, x): x is there for its shape alone. Without it the op is a transposed convolution and
// computes the shape, as Keras does, from that of dy and from output_padding.
struct ConvBackpropInput final : OpBase<ConvBackpropInput>, Preparable {
  ConvBackpropInput() = default;
  ConvBackpropInput(const Attributes& a, const window::Ints& output_padding = {})
      : attributes(a), output_padding(output_padding) {}
  Attributes attributes;
  window::Ints output_padding;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    Attributes::fields(s.attributes, v);
    v("output_padding", s.output_padding);
  }
  std::string_view name() const override { return "conv_backprop_input"; }
  Specs infer(const Specs& in) const override {
    if (in.size() == 3) return {{in[2].shape, in[0].dtype}};
    conv::check_transpose(attributes, in[0], in[1]);
    return {{conv::transposed_shape(attributes, output_padding, in[0].shape, in[1].shape), in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::conv_backward_data(c.in[0].dtype(),
                                conv::geometry(attributes, c.out_shape(), c.in_shape(1), c.in_shape(0)), c.src<void>(0),
                                c.src<void>(1), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return conv::prepare({kernels::ConvKind::backward_data, c.in[0].dtype, c.in[1].dtype,
                          conv::geometry(attributes, c.out[0].shape, c.in[1].shape, c.in[0].shape)},
                         {.weights = 1, .dst = 0}, c);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor g = c.grad();
    Tensors out = {c.needed(0) ? apply1(make_op<Conv>(attributes), {g, c.input(1)}) : Tensor(),
                   c.needed(1) ? conv::backprop_filter(attributes, g, c.input(0), c.input(1)) : Tensor()};
    out.resize(c.num_inputs());
    return out;
  }
};

// ConvBackpropFilter(x, dy, filters): the filters are there for their shape alone.
struct ConvBackpropFilter final : OpBase<ConvBackpropFilter>, Preparable {
  ConvBackpropFilter() = default;
  explicit ConvBackpropFilter(const Attributes& a) : attributes(a) {}
  Attributes attributes;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    Attributes::fields(s.attributes, v);
  }
  std::string_view name() const override { return "conv_backprop_filter"; }
  Specs infer(const Specs& in) const override { return {{in[2].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    kernels::conv_backward_weights(c.in[0].dtype(),
                                   conv::geometry(attributes, c.in_shape(0), c.out_shape(), c.in_shape(1)),
                                   c.src<void>(0), c.src<void>(1), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return conv::prepare({kernels::ConvKind::backward_weights, c.in[0].dtype, c.in[1].dtype,
                          conv::geometry(attributes, c.in[0].shape, c.out[0].shape, c.in[1].shape)},
                         {.src = 0, .dst = 1}, c);
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor g = c.grad();
    return {c.needed(0) ? conv::backprop_input(attributes, c.input(1), g, c.input(0)) : Tensor(),
            c.needed(1) ? apply1(make_op<Conv>(attributes), {c.input(0), g}) : Tensor(), Tensor()};
  }
};

}  // namespace

namespace conv {

Tensor forward(const Attributes& a, const Tensor& x, const Tensor& filters) {
  return apply1(make_op<Conv>(a), {x, filters});
}

Tensor backprop_input(const Attributes& a, const Tensor& dy, const Tensor& filters, const Tensor& x) {
  return apply1(make_op<ConvBackpropInput>(a), {dy, filters, x});
}

Tensor backprop_filter(const Attributes& a, const Tensor& x, const Tensor& dy, const Tensor& filters) {
  return apply1(make_op<ConvBackpropFilter>(a), {x, dy, filters});
}

Tensor transposed(const Attributes& a, const window::Ints& output_padding, const Tensor& x, const Tensor& filters) {
  return apply1(make_op<ConvBackpropInput>(a, output_padding), {x, filters});
}

}  // namespace conv

void register_conv(Registry& r) {
  r.add<Conv>();
  r.add<ConvBackpropInput>();
  r.add<ConvBackpropFilter>();
}

}  // namespace strata
