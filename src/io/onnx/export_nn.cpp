// Convolutions, pools, normalization, resizing, matrix products.
#include <algorithm>

#include "io/onnx/export.h"
#include "ops/window.h"
#include "strata/array.h"

namespace strata::onnx {

namespace {

using window::Axis;

// The windows of a convolution or pool over the spatial dimensions of input 0.
std::vector<Axis> axes_of(NodeExport& c, const Ints& kernel) {
  const std::size_t rank = c.rank() - 2;
  const Ints strides = c.config.get<Ints>("strides"), dilations = c.config.get<Ints>("dilations", Ints{1});
  const auto padding = window::padding_from_string("onnx::save", c.config.get<std::string>("padding"), true);
  auto at = [](const Ints& v, std::size_t i) { return v[v.size() == 1 ? 0 : i]; };
  std::vector<Axis> out;
  for (std::size_t i = 0; i < rank; ++i)
    out.push_back({at(kernel, i), strides.empty() ? at(kernel, i) : at(strides, i), at(dilations, i), padding});
  return out;
}

Attributes window_attributes(NodeExport& c, const std::vector<Axis>& axes, bool dilated) {
  Ints kernel, strides, dilations, before, after;
  bool known = true;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Axis& a = axes[i];
    const std::int64_t in = c.in_spec(0).shape[i + 1];
    kernel.push_back(a.kernel), strides.push_back(a.stride), dilations.push_back(a.dilation);
    const bool same = a.padding == window::Padding::same;
    known = known && (!same || in != None);
    const std::int64_t total = !same   ? a.pad(in)
                               : known ? std::max<std::int64_t>((a.output(in) - 1) * a.stride + a.reach() - in, 0)
                                       : 0;
    before.push_back(known ? a.pad(in) : 0);
    after.push_back(total - before.back());
  }
  Attributes out = {{"kernel_shape", kernel}, {"strides", strides}};
  if (dilated) out.push_back({"dilations", dilations});
  if (!known) {
    out.push_back({"auto_pad", std::string("SAME_UPPER")});
  } else {
    before.insert(before.end(), after.begin(), after.end());
    if (std::any_of(before.begin(), before.end(), [](auto p) { return p != 0; })) out.push_back({"pads", before});
  }
  return out;
}

Ints kernel_of(const Shape& filters) { return filters.sub(0, filters.size() - 2).to_vector(); }

// Filters (kernel..., in, out), brought to (out, in, kernel...) or, for transposed convolutions, (last, last but one,
// kernel...), which are the same permutation.
std::string filters(NodeExport& c) {
  const std::size_t rank = c.rank(1);
  Ints perm = {static_cast<std::int64_t>(rank) - 1, static_cast<std::int64_t>(rank) - 2};
  for (std::size_t i = 0; i + 2 < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  if (c.constant(1) != nullptr) return c.weights(1, perm);
  return c.op("Transpose", {c.in(1)}, {{"perm", perm}});
}

void conv(NodeExport& c) {
  Attributes attributes = window_attributes(c, axes_of(c, kernel_of(c.in_spec(1).shape)), true);
  attributes.push_back({"group", c.config.get<std::int64_t>("groups")});
  const std::string w = filters(c);
  c.out(c.op("Conv", {c.in(0, Layout::channels_first), w}, attributes), Layout::channels_first);
}

// The padding that the forward convolution would have, taken from the result.
void conv_transpose(NodeExport& c) {
  if (c.num_inputs() != 2) c.fail("it is the gradient of a convolution");
  const std::vector<Axis> axes = axes_of(c, kernel_of(c.in_spec(1).shape));
  Ints kernel, strides, dilations, before, after, extra;
  const Ints given = c.config.get<Ints>("output_padding");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Axis& a = axes[i];
    // The sizes depend on each other in the same way for every input: one of 16 stands for those not known.
    std::int64_t in = c.in_spec(0).shape[i + 1], out = c.out_spec().shape[i + 1];
    if (in == None) {
      const bool same = a.padding == window::Padding::same;
      in = 16;
      std::int64_t more = same ? a.stride - a.reach() % 2 : std::max<std::int64_t>(a.stride - a.reach(), 0);
      if (!given.empty()) more = given[given.size() == 1 ? 0 : i];
      out = (in - 1) * a.stride + (same ? a.reach() % 2 : a.reach()) + more;
    }
    const std::int64_t full = (in - 1) * a.stride + a.reach();
    const std::int64_t total = std::max<std::int64_t>(full - out, 0);
    kernel.push_back(a.kernel), strides.push_back(a.stride), dilations.push_back(a.dilation);
    before.push_back(std::min(a.pad(out), total));
    after.push_back(total - before.back());
    extra.push_back(std::max<std::int64_t>(out - full, 0));
  }
  before.insert(before.end(), after.begin(), after.end());
  const std::string w = filters(c);
  c.out(c.op("ConvTranspose", {c.in(0, Layout::channels_first), w},
             {{"kernel_shape", kernel},
              {"strides", strides},
              {"dilations", dilations},
              {"pads", before},
              {"output_padding", extra}}),
        Layout::channels_first);
}

// Joins the convolution right before it, where nobody else sees that one's result.
void bias_add(NodeExport& c) {
  const Layout layout = c.layout();
  const std::string x = c.in(0, layout);
  auto& nodes = c.w.all_nodes();
  if (layout == Layout::channels_first && c.constant(1) != nullptr && c.uses(0) == 1) {
    const auto before =
        std::find_if(nodes.rbegin(), nodes.rend(), [&](const WrittenNode& n) { return n.outputs[0] == x; });
    if (before != nodes.rend() && before->op.starts_with("Conv") && before->inputs.size() == 2) {
      before->inputs.push_back(c.in(1));
      c.out(x, layout);
      return;
    }
  }
  Layout common;
  const Names in = c.together(common);
  c.out(c.op("Add", in), common);
}

void pool(NodeExport& c) {
  const bool is_mean = std::string(c.onnx) == "AveragePool";
  const Attributes attributes = window_attributes(c, axes_of(c, c.config.get<Ints>("window")), false);
  const std::string x = c.in(0, Layout::channels_first);
  // ONNX pools floating numbers and bytes.
  const DType dtype = c.dtype();
  const bool cast = !is_mean && !is_floating(dtype);
  const std::string y = c.op(c.onnx, {cast ? c.cast_to(x, DType::float32) : x}, attributes);
  c.out(cast ? c.cast_to(y, dtype) : y, Layout::channels_first);
}

// BatchNormalization(x, mean, variance, offset, scale).
void batch_normalization(NodeExport& c) {
  const Layout layout = c.rank() >= 3 ? Layout::channels_first : Layout::plain;
  c.out(c.op("BatchNormalization", {c.in(0, layout), c.in(4), c.in(3), c.in(1), c.in(2)},
             {{"epsilon", c.config.get<double>("epsilon")}}),
        layout);
}

void resize(NodeExport& c) {
  const Ints size = c.config.get<Ints>("size"), factors = c.config.get<Ints>("factors");
  const bool linear = c.config.get<std::string>("interpolation") == "bilinear";
  const std::string x = c.in(0, Layout::channels_first);
  const Attributes attributes = {{"mode", std::string(linear ? "linear" : "nearest")},
                                 {"coordinate_transformation_mode", std::string("half_pixel")},
                                 {"nearest_mode", std::string("round_prefer_ceil")}};
  if (size.empty()) {
    const Tensor scales =
        Tensor::from(std::vector<float>{1, 1, static_cast<float>(factors[0]), static_cast<float>(factors[1])}, {4});
    c.out(c.op("Resize", {x, "", c.w.tensor(scales, "")}, attributes), Layout::channels_first);
    return;
  }
  const std::string lead = c.op("Slice", {c.op("Shape", {x}), c.w.ints({0}), c.w.ints({2}), c.w.ints({0})});
  const std::string sizes = c.op("Concat", {lead, c.w.ints(size)}, {{"axis", std::int64_t{0}}});
  c.out(c.op("Resize", {x, "", "", sizes}, attributes), Layout::channels_first);
}

void matmul(NodeExport& c) {
  auto side = [&](std::size_t i, const char* flag) {
    const bool swap = c.config.get<bool>(flag);
    Ints perm(c.rank(i));
    for (std::size_t d = 0; d < perm.size(); ++d) perm[d] = static_cast<std::int64_t>(d);
    if (swap) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    if (c.constant(i) != nullptr && (swap || i == 1)) return c.weights(i, perm);
    if (!swap) return c.in(i);
    return c.op("Transpose", {c.in(i)}, {{"perm", perm}});
  };
  const std::string a = side(0, "transpose_a"), b = side(1, "transpose_b");
  c.out(c.op("MatMul", {a, b}));
}

void softmax(NodeExport& c) {
  const Layout l = c.layout();
  const std::int64_t axis = NodeExport::moved(c.axis(c.config.get<std::int64_t>("axis")), c.rank(), l);
  c.out(c.op(c.onnx, {c.in(0, l)}, {{"axis", axis}}), l);
}

template <bool to_depth>
void blocks(NodeExport& c) {
  Attributes attributes = {{"blocksize", c.config.get<std::int64_t>("block_size")}};
  c.out(c.op(c.onnx, {c.in(0, Layout::channels_first)}, attributes), Layout::channels_first);
}

}  // namespace

void add_nn_rows(ExportTable& t) {
  t.add("conv", conv);
  t.add("conv_backprop_input", conv_transpose);
  t.add("bias_add", bias_add);
  t.add("max_pool", pool, "MaxPool");
  t.add("avg_pool", pool, "AveragePool");
  t.add("batch_normalization", batch_normalization);
  t.add("resize", resize);
  t.add("matmul", matmul);
  t.add("softmax", softmax, "Softmax");
  t.add("log_softmax", softmax, "LogSoftmax");
  t.add("space_to_depth", blocks<true>, "SpaceToDepth");
  t.add("depth_to_space", blocks<false>, "DepthToSpace");
}

namespace {

void relu(NodeExport& c) {
  const Layout l = c.layout();
  const double slope = c.config.get<double>("negative_slope"), threshold = c.config.get<double>("threshold");
  const bool has_max = c.config.get<bool>("has_max");
  std::string x = c.in(0, l), y;
  if (threshold != 0) {
    const std::string below = c.op("Mul", {c.op("Sub", {x, c.number(threshold)}), c.number(slope)});
    y = c.op("Where", {c.op("Greater", {x, c.number(threshold)}), x, below});
  } else if (slope != 0) {
    y = c.op("LeakyRelu", {x}, {{"alpha", slope}});
  } else if (has_max) {
    c.out(c.op("Clip", {x, c.number(0), c.number(c.config.get<double>("max_value"))}), l);
    return;
  } else {
    y = c.op("Relu", {x});
  }
  c.out(has_max ? c.op("Min", {y, c.number(c.config.get<double>("max_value"))}) : y, l);
}

void with_alpha(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op(c.onnx, {c.in(0, l)}, {{"alpha", c.config.get<double>("alpha")}}), l);
}

// x Phi(x)
void gelu(NodeExport& c) {
  const Layout l = c.layout();
  const std::string x = c.in(0, l), inner = c.op("Erf", {c.op("Mul", {x, c.number(0.70710678118654752)})});
  c.out(c.op("Mul", {c.op("Mul", {x, c.number(0.5)}), c.op("Add", {inner, c.number(1)})}), l);
}
// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
void gelu_tanh(NodeExport& c) {
  const Layout l = c.layout();
  const std::string x = c.in(0, l), x2 = c.op("Mul", {x, x});
  const std::string bend = c.op("Add", {c.op("Mul", {x2, c.number(0.044715)}), c.number(1)});
  const std::string inner = c.op("Mul", {c.op("Mul", {x, bend}), c.number(0.79788456080286536)});
  c.out(c.op("Mul", {c.op("Mul", {x, c.number(0.5)}), c.op("Add", {c.op("Tanh", {inner}), c.number(1)})}), l);
}
void silu(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Mul", {c.in(0, l), c.op("Sigmoid", {c.in(0, l)})}), l);
}
void log_sigmoid(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Neg", {c.op("Softplus", {c.op("Neg", {c.in(0, l)})})}), l);
}
void mish(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Mul", {c.in(0, l), c.op("Tanh", {c.op("Softplus", {c.in(0, l)})})}), l);
}

}  // namespace

void add_activation_rows(ExportTable& t) {
  t.add("relu", relu);
  t.add("elu", with_alpha, "Elu");
  t.add("celu", with_alpha, "Celu");
  t.add_same("selu", "Selu");
  t.add("gelu", gelu);
  t.add("gelu_tanh", gelu_tanh);
  t.add("silu", silu);
  t.add_same("softplus", "Softplus");
  t.add("log_sigmoid", log_sigmoid);
  t.add_same("softsign", "Softsign");
  t.add("mish", mish);
}

}  // namespace strata::onnx
