// Convolutions, pools, normalization, matrix products, resizing.
#include <algorithm>

#include "io/saved_model/import.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata::saved_model {

namespace {

using Call = const ImportCall&;

// Without the batch and the channels.
Ints spatial(Call c, const char* name, std::size_t count) {
  const Ints all = c.ints_attribute(name);
  if (all.empty()) return Ints(count, 1);
  if (all.size() != count + 2) c.fail("its " + std::string(name) + " has " + std::to_string(all.size()) + " numbers");
  return Ints(all.begin() + 1, all.end() - 1);
}

// The number of spatial dimensions of an image.
std::size_t spatial_rank(Call c, const Tensor& x) {
  const std::size_t rank = x.shape().size();
  if (rank < 3 || rank > 5) c.fail("an image has " + std::to_string(rank) + " dimensions, expected 3 to 5");
  return rank - 2;
}

std::string lower(std::string text) {
  for (char& ch : text) ch = static_cast<char>(std::tolower(static_cast<unsigned char>(ch)));
  return text;
}

// x and its padding, which is spelled out before the convolution where TensorFlow names the numbers.
Tensor padded(Call c, const Tensor& x, std::string& padding) {
  padding = lower(c.text("padding", "VALID"));
  if (padding != "explicit") return x;
  const Ints pads = c.ints_attribute("explicit_paddings");
  if (pads.size() != 2 * x.shape().size()) c.fail("its explicit_paddings do not fit");
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i + 1 < pads.size(); i += 2) pairs.emplace_back(pads[i], pads[i + 1]);
  padding = "valid";
  return pad(x, pairs);
}

Tensors convolution(Call c) {
  c.require_channels_last();
  const std::size_t count = spatial_rank(c, c.in(0));
  std::string padding;
  const Tensor x = padded(c, c.in(0), padding), w = c.in(1);
  const std::int64_t channels = x.shape().back(), per_group = w.shape().at(-2);
  if (channels == None || per_group <= 0) c.fail("the number of channels is not known");
  return {nn::convolution(x, w,
                          {.strides = spatial(c, "strides", count),
                           .padding = padding,
                           .dilations = spatial(c, "dilations", count),
                           .groups = channels / per_group})};
}

Tensors depthwise(Call c) {
  c.require_channels_last();
  std::string padding;
  const Tensor x = padded(c, c.in(0), padding);
  return {nn::depthwise_conv2d(
      x, c.in(1), {.strides = spatial(c, "strides", 2), .padding = padding, .dilations = spatial(c, "dilations", 2)})};
}

// (sizes, filters, x): the transposed convolution whose result has these sizes.
Tensors transposed(Call c) {
  c.require_channels_last();
  const Tensor filters = c.in(1), x = c.in(2);
  const std::size_t count = spatial_rank(c, x);
  if (filters.shape().size() != count + 2) c.fail("its filters do not fit its input");
  const Ints strides = spatial(c, "strides", count), dilations = spatial(c, "dilations", count);
  const std::string padding = lower(c.text("padding", "VALID"));
  const Shape sizes = c.dims(0);
  if (sizes.size() != count + 2) c.fail("its sizes do not fit its input");
  Ints extra;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t in = x.shape()[i + 1], out = sizes[i + 1];
    if (in == None || out == None) {
      extra.clear();
      break;
    }
    const std::int64_t reach = (filters.shape()[i] - 1) * dilations[i] + 1;
    extra.push_back(out - (in - 1) * strides[i] - (padding == "same" ? reach % 2 : reach));
  }
  const ConvTransposeOptions options = {
      .strides = strides, .padding = padding, .output_padding = extra, .dilations = dilations};
  return {count == 2 ? nn::conv2d_transpose(x, filters, options) : nn::conv3d_transpose(x, filters, options)};
}

template <Tensor (*f)(const Tensor&, const PerDimension&, const PoolOptions&)>
Tensors pool(Call c) {
  c.require_channels_last();
  const std::size_t count = spatial_rank(c, c.in(0));
  return {f(c.in(0), spatial(c, "ksize", count),
            {.strides = spatial(c, "strides", count), .padding = lower(c.text("padding", "VALID"))})};
}

Tensors bias_add(Call c) {
  c.require_channels_last();
  return {nn::bias_add(c.in(0), c.in(1))};
}

// (x, scale, offset, mean, variance) -> y, mean, variance; the variance of a batch is corrected by its size. Keras 2's
// layer normalization uses it with the channels first.
Tensors batch_norm(Call c) {
  const double epsilon = c.real("epsilon", 1e-4);
  const bool first = c.text("data_format", "NHWC") == "NCHW" && c.in(0).rank() == 4;
  if (!first) c.require_channels_last();
  const Tensor x = first ? transpose(c.in(0), {0, 2, 3, 1}) : c.in(0);
  auto back = [&](const Tensor& y) { return first ? transpose(y, {0, 3, 1, 2}) : y; };
  if (!c.flag("is_training", true)) {
    const Tensor y = nn::batch_normalization(x, c.in(3), c.in(4), c.in(2), c.in(1), {.epsilon = epsilon});
    return {back(y), c.in(3), c.in(4)};
  }
  const FusedBatchNorm out = nn::fused_batch_norm(x, c.in(1), c.in(2), {.epsilon = epsilon});
  const Tensor rows = cast(size(x), float32) / cast(size(c.in(1)), float32);
  return {back(out.y), out.mean, out.variance * (rows / maximum(rows - 1.f, Tensor(1.f)))};
}

template <bool linear>
Tensors resize(Call c) {
  if (c.flag("align_corners", false) || !c.flag("half_pixel_centers", false))
    c.fail("only half-pixel centres are supported");
  const Tensor x = linear ? cast(c.in(0), float32) : c.in(0);
  return {nn::resize(x, c.ints(1), {.interpolation = linear ? "bilinear" : "nearest"})};
}

}  // namespace

void add_activation_rows(ImportTable& t);
void add_reduce_rows(ImportTable& t);

void add_nn_rows(ImportTable& t) {
  add_activation_rows(t);
  add_reduce_rows(t);
  t["Conv2D"] = {convolution, {}};
  t["Conv3D"] = {convolution, {}};
  t["DepthwiseConv2dNative"] = {depthwise, {}};
  t["Conv2DBackpropInput"] = {transposed, {}};
  t["Conv3DBackpropInputV2"] = {transposed, {}};
  t["MaxPool"] = {pool<nn::max_pool>, {}};
  t["MaxPool3D"] = {pool<nn::max_pool>, {}};
  t["AvgPool"] = {pool<nn::avg_pool>, {}};
  t["AvgPool3D"] = {pool<nn::avg_pool>, {}};
  t["BiasAdd"] = {bias_add, {}};
  t["FusedBatchNormV3"] = {batch_norm, {"y", "batch_mean", "batch_variance"}};
  t["MatMul"] = {[](Call c) {
                   return Tensors{matmul(
                       c.in(0), c.in(1),
                       {.transpose_a = c.flag("transpose_a", false), .transpose_b = c.flag("transpose_b", false)})};
                 },
                 {}};
  t["BatchMatMulV2"] = {
      [](Call c) {
        return Tensors{
            matmul(c.in(0), c.in(1), {.transpose_a = c.flag("adj_x", false), .transpose_b = c.flag("adj_y", false)})};
      },
      {}};
  t["BatchMatMul"] = t["BatchMatMulV3"] = t["BatchMatMulV2"];
  t["Einsum"] = {[](Call c) { return Tensors{einsum(c.text("equation", ""), c.all())}; }, {}};
  t["ResizeBilinear"] = {resize<true>, {}};
  t["ResizeNearestNeighbor"] = {resize<false>, {}};
  t["SpaceToDepth"] = {[](Call c) {
                         c.require_channels_last();
                         return Tensors{nn::space_to_depth(c.in(0), c.integer_attribute("block_size", 1))};
                       },
                       {}};
  t["DepthToSpace"] = {[](Call c) {
                         c.require_channels_last();
                         return Tensors{nn::depth_to_space(c.in(0), c.integer_attribute("block_size", 1))};
                       },
                       {}};
}

}  // namespace strata::saved_model
