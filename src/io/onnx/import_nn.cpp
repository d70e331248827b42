// Convolutions, pools, normalization, matrix products, resizing. ONNX's images are channels first, strata's channels
// last: each of these ops works between two transposes.
#include <algorithm>

#include "io/onnx/export.h"
#include "io/onnx/import.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata::onnx {

namespace {

using Call = const ImportCall&;
using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

Tensor last(const Tensor& x) { return transpose(x, to_channels_last(x.shape().size())); }
Tensor first(const Tensor& x) { return transpose(x, to_channels_first(x.shape().size())); }

std::size_t spatial(Call c) {
  const std::size_t rank = c.in(0).shape().size();
  if (rank < 3 || rank > 5) c.fail("its input has " + std::to_string(rank) + " dimensions, expected 3 to 5");
  return rank - 2;
}

Ints one_each(Call c, const char* name) {
  const Ints given = c.ints_attribute(name);
  if (given.empty()) return Ints(spatial(c), 1);
  if (given.size() != spatial(c)) c.fail("its " + std::string(name) + " do not fit its input");
  return given;
}

// "same" where auto_pad says so; otherwise "valid", and the zeros of `pads` in front and behind.
std::string padding(Call c, Pairs& pads) {
  const std::string automatic = c.text("auto_pad", "NOTSET");
  pads.assign(spatial(c) + 2, {0, 0});
  if (automatic == "SAME_UPPER") return "same";
  if (automatic == "SAME_LOWER") c.fail("auto_pad SAME_LOWER is not supported");
  const Ints given = c.ints_attribute("pads");
  if (automatic == "VALID" || given.empty()) return "valid";
  if (given.size() != 2 * spatial(c)) c.fail("its pads do not fit its input");
  for (std::size_t i = 0; i < spatial(c); ++i) pads[i + 1] = {given[i], given[i + spatial(c)]};
  return "valid";
}

bool any(const Pairs& pads) {
  return std::any_of(pads.begin(), pads.end(), [](const auto& p) { return p.first != 0 || p.second != 0; });
}

// (out, in, kernel...) to (kernel..., in, out).
Tensor filters(const Tensor& w) {
  Ints perm;
  for (std::size_t i = 2; i < w.shape().size(); ++i) perm.push_back(static_cast<std::int64_t>(i));
  perm.insert(perm.end(), {1, 0});
  return transpose(w, perm);
}

Tensors conv(Call c) {
  Pairs pads;
  const std::string mode = padding(c, pads);
  Tensor x = last(c.in(0));
  if (any(pads)) x = pad(x, pads);
  Tensor y = nn::convolution(x, filters(c.in(1)),
                             {.strides = one_each(c, "strides"),
                              .padding = mode,
                              .dilations = one_each(c, "dilations"),
                              .groups = c.integer_attribute("group", 1)});
  if (c.has(2)) y = nn::bias_add(y, c.in(2));
  return {first(y)};
}

// The whole transposed convolution, of which `pads` are cut off.
Tensors conv_transpose(Call c) {
  if (c.integer_attribute("group", 1) != 1) c.fail("groups are not supported");
  if (!c.ints_attribute("output_shape").empty() || c.text("auto_pad", "NOTSET") != "NOTSET")
    c.fail("output_shape and auto_pad are not supported, only pads");
  Pairs pads;
  padding(c, pads);
  const Ints strides = one_each(c, "strides"), dilations = one_each(c, "dilations");
  Ints extra = c.ints_attribute("output_padding");
  if (extra.empty()) extra.assign(spatial(c), 0);
  // strata's result is as long as the filters reach; what lies behind them is zero.
  const Tensor x = last(c.in(0)), w = filters(c.in(1));
  const ConvTransposeOptions options = {
      .strides = strides, .output_padding = Ints(spatial(c), 0), .dilations = dilations};
  Tensor y = spatial(c) == 1   ? nn::conv1d_transpose(x, w, options)
             : spatial(c) == 2 ? nn::conv2d_transpose(x, w, options)
                               : nn::conv3d_transpose(x, w, options);
  Pairs behind(spatial(c) + 2, {0, 0});
  Ints begin = {None}, end = {None};
  for (std::size_t i = 0; i < spatial(c); ++i) {
    behind[i + 1].second = std::max<std::int64_t>(extra[i] - pads[i + 1].second, 0);
    const std::int64_t cut = std::max<std::int64_t>(pads[i + 1].second - extra[i], 0);
    begin.push_back(pads[i + 1].first), end.push_back(cut == 0 ? None : -cut);
  }
  if (any(behind)) y = pad(y, behind);
  y = strided_slice(y, begin, end);
  if (c.has(2)) y = nn::bias_add(y, c.in(2));
  return {first(y)};
}

template <bool is_max>
Tensors pool(Call c) {
  if (c.integer_attribute("ceil_mode", 0) != 0) c.fail("ceil_mode is not supported");
  if (c.num_outputs() > 1) c.fail("the positions of its maxima are not supported");
  for (const std::int64_t d : one_each(c, "dilations"))
    if (d != 1) c.fail("dilations are not supported");
  Pairs pads;
  const std::string mode = padding(c, pads);
  const Ints window = one_each(c, "kernel_shape");
  const PoolOptions options = {.strides = one_each(c, "strides"), .padding = mode};
  const Tensor x = last(c.in(0));
  if (!any(pads)) return {first(is_max ? nn::max_pool(x, window, options) : nn::avg_pool(x, window, options))};
  if (is_max) return {first(nn::max_pool(pad(x, pads, {.constant_values = -3.0e38}), window, options))};
  const Tensor mean = nn::avg_pool(pad(x, pads), window, options);
  if (c.integer_attribute("count_include_pad", 0) != 0) return {first(mean)};
  return {first(mean / nn::avg_pool(pad(ones_like(x), pads), window, options))};
}

template <Tensor (*f)(const Tensor&, const Axes&, const ReduceOptions&)>
Tensors global_pool(Call c) {
  Ints axes;
  for (std::size_t i = 0; i < spatial(c); ++i) axes.push_back(static_cast<std::int64_t>(i) + 2);
  return {f(c.in(0), axes, {.keepdims = true})};
}

// (x, scale, offset, mean, variance)
Tensors batch_norm(Call c) {
  if (c.integer_attribute("training_mode", 0) != 0) c.fail("the training mode is not supported");
  const bool images = c.in(0).rank() >= 3;
  const Tensor x = images ? last(c.in(0)) : c.in(0);
  const Tensor y = nn::batch_normalization(x, c.in(3), c.in(4), c.in(2), c.in(1), {.epsilon = c.real("epsilon", 1e-5)});
  return {images ? first(y) : y};
}

Tensor standardized(const Tensor& x, const Ints& axes, double epsilon) {
  const Moments m = nn::moments(x, axes, {.keepdims = true});
  return (x - m.mean) * rsqrt(m.variance + Tensor(epsilon));
}

Tensors layer_norm(Call c) {
  const std::int64_t rank = c.in(0).rank(), given = c.integer_attribute("axis", -1);
  Ints axes;
  for (std::int64_t a = given < 0 ? given + rank : given; a < rank; ++a) axes.push_back(a);
  Tensor y = standardized(c.in(0), axes, c.real("epsilon", 1e-5)) * c.in(1);
  return {c.has(2) ? y + c.in(2) : y};
}

Tensors instance_norm(Call c) {
  Ints axes;
  for (std::size_t i = 0; i < spatial(c); ++i) axes.push_back(static_cast<std::int64_t>(i) + 2);
  Shape spread = {c.in(1).shape()[0]};
  for (std::size_t i = 0; i < spatial(c); ++i) spread.push_back(1);
  return {standardized(c.in(0), axes, c.real("epsilon", 1e-5)) * reshape(c.in(1), spread) + reshape(c.in(2), spread)};
}

// alpha a b + beta c
Tensors gemm(Call c) {
  Tensor y = matmul(
      c.in(0), c.in(1),
      {.transpose_a = c.integer_attribute("transA", 0) != 0, .transpose_b = c.integer_attribute("transB", 0) != 0});
  if (const double alpha = c.real("alpha", 1); alpha != 1) y = y * Tensor(alpha);
  if (!c.has(2)) return {y};
  const double beta = c.real("beta", 1);
  return {y + (beta == 1 ? c.in(2) : c.in(2) * Tensor(beta))};
}

// Images to other sizes, with centres of pixels at one half.
Tensors resize(Call c) {
  if (c.in(0).rank() != 4) c.fail("only images of two dimensions are supported");
  const std::string mode = c.text("mode", "nearest"), centres = c.text("coordinate_transformation_mode", "half_pixel");
  if (mode != "nearest" && mode != "linear") c.fail("the mode '" + mode + "' is not supported");
  Ints size, factors;
  if (c.has(3)) {
    const Shape sizes = c.dims(3);
    if (sizes.size() != 4 || sizes[2] == None || sizes[3] == None) c.fail("its sizes are not known");
    size = {sizes[2], sizes[3]};
  } else {
    const std::vector<double> scales = c.in(2).to_vector<double>();
    if (scales.size() != 4) c.fail("it needs four scales");
    for (const double s : {scales[2], scales[3]}) {
      if (s < 1 || s != static_cast<double>(static_cast<std::int64_t>(s))) c.fail("only whole scales are supported");
      factors.push_back(static_cast<std::int64_t>(s));
    }
  }
  // For whole factors the nearest pixel is the same with both ways to count.
  const bool by_corner = centres == "asymmetric" && mode == "nearest" && size.empty();
  if (centres != "half_pixel" && centres != "pytorch_half_pixel" && !by_corner)
    c.fail("the coordinates '" + centres + "' are not supported");
  const std::string interpolation = mode == "linear" ? "bilinear" : "nearest";
  const Tensor x = last(c.in(0));
  return {first(size.empty() ? nn::upsample(x, factors, {.interpolation = interpolation})
                             : nn::resize(x, size, {.interpolation = interpolation}))};
}

}  // namespace

void add_nn_rows(ImportTable& t) {
  t["Conv"] = conv;
  t["ConvTranspose"] = conv_transpose;
  t["MaxPool"] = pool<true>;
  t["AveragePool"] = pool<false>;
  t["GlobalAveragePool"] = global_pool<reduce_mean>;
  t["GlobalMaxPool"] = global_pool<reduce_max>;
  t["BatchNormalization"] = batch_norm;
  t["LayerNormalization"] = layer_norm;
  t["InstanceNormalization"] = instance_norm;
  t["MatMul"] = [](Call c) { return Tensors{matmul(c.in(0), c.in(1))}; };
  t["Gemm"] = gemm;
  t["Einsum"] = [](Call c) { return Tensors{einsum(c.text("equation", ""), c.all())}; };
  t["Resize"] = resize;
  t["Dropout"] = [](Call c) { return Tensors{identity(c.in(0))}; };
  t["SpaceToDepth"] = [](Call c) {
    return Tensors{first(nn::space_to_depth(last(c.in(0)), c.integer_attribute("blocksize", 1)))};
  };
  t["DepthToSpace"] = [](Call c) {
    if (c.text("mode", "DCR") != "DCR") c.fail("the mode CRD is not supported");
    return Tensors{first(nn::depth_to_space(last(c.in(0)), c.integer_attribute("blocksize", 1)))};
  };
}

}  // namespace strata::onnx
