// Convolutions, pools, normalization, matrix products, resizing, dropout, random numbers.
#include <algorithm>
#include <numeric>

#include "io/saved_model/export.h"
#include "strata/array.h"

namespace strata::saved_model {

namespace {

std::string upper(std::string text) {
  for (char& ch : text) ch = static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
  return text;
}

std::pair<std::string, std::string> data_format(std::size_t rank) {
  return {"data_format", attr::text(rank == 5 ? "NDHWC" : "NHWC")};
}

// One number for each axis of an image: 1, the spatial ones, 1. One-dimensional images get a height of 1.
Ints around(const Ints& values, std::size_t spatial) {
  Ints out = {1};
  if (spatial == 1) out.push_back(1);
  for (std::size_t i = 0; i < spatial; ++i) out.push_back(values[values.size() == 1 ? 0 : i]);
  out.push_back(1);
  return out;
}

std::string expand(NodeExport& c, const std::string& x, DType dtype, std::int64_t axis) {
  return c.op("ExpandDims", {x, c.integer(axis)}, "output",
              {{"T", attr::type(dtype)}, {"Tdim", attr::type(DType::int32)}});
}
std::string squeeze(NodeExport& c, const std::string& x, DType dtype, const Ints& axes) {
  return c.op("Squeeze", {x}, "output", {{"T", attr::type(dtype)}, {"squeeze_dims", attr::ints(axes)}});
}

struct Window {
  std::size_t spatial;
  Ints strides, dilations, window;
  std::string padding;
};
Window window_of(NodeExport& c, std::size_t spatial) {
  Window out{spatial, c.config.get<Ints>("strides"), c.config.get<Ints>("dilations", Ints{1}),
             c.config.get<Ints>("window", Ints{1}), upper(c.config.get<std::string>("padding"))};
  if (out.strides.empty()) out.strides = out.window;
  return out;
}

// A convolution of one group of two or three spatial dimensions.
std::string convolve(NodeExport& c, const std::string& x, const std::string& w, const Window& v) {
  const bool is_volume = v.spatial == 3;
  Attributes attributes = {c.T(),
                           data_format(is_volume ? 5 : 4),
                           {"strides", attr::ints(around(v.strides, v.spatial))},
                           {"dilations", attr::ints(around(v.dilations, v.spatial))},
                           {"padding", attr::text(v.padding)}};
  if (!is_volume) {
    attributes.push_back({"use_cudnn_on_gpu", attr::boolean(true)});
    attributes.push_back({"explicit_paddings", attr::ints({})});
  }
  return c.op(is_volume ? "Conv3D" : "Conv2D", {x, w}, "output", attributes);
}

std::string split(NodeExport& c, const std::string& x, std::int64_t parts, std::int64_t axis) {
  return c.w.add("Split", {c.integer(axis), x}, {c.T(), {"num_split", attr::integer(parts)}});
}

std::string concat(NodeExport& c, Names parts, std::int64_t axis) {
  const auto n = static_cast<std::int64_t>(parts.size());
  parts.push_back(c.integer(axis));
  return c.op("ConcatV2", parts, "output", {c.T(), {"N", attr::integer(n)}, {"Tidx", attr::type(DType::int32)}});
}

std::string grouped(NodeExport& c, const std::string& x, const std::string& w, const Window& v, std::int64_t groups) {
  const Shape filters = c.in_spec(1).shape;
  const Ints strides = around(v.strides, v.spatial);
  const bool depthwise = filters.at(-2) == 1 && v.spatial < 3 && (v.spatial == 1 || strides[1] == strides[2]);
  const std::int64_t rank = v.spatial == 3 ? 5 : 4;
  if (depthwise) {
    Ints shape = v.spatial == 1 ? Ints{1, filters[0]} : Ints{filters[0], filters[1]};
    shape.insert(shape.end(), {groups, filters.back() / groups});
    Ints square = strides;
    if (v.spatial == 1) square[1] = square[2];  // it wants equal strides; the height is 1
    return c.op("DepthwiseConv2dNative", {x, c.reshape(w, c.dtype(), c.ints(shape))}, "output",
                {c.T(),
                 data_format(4),
                 {"strides", attr::ints(square)},
                 {"dilations", attr::ints(around(v.dilations, v.spatial))},
                 {"padding", attr::text(v.padding)},
                 {"explicit_paddings", attr::ints({})}});
  }
  const std::string xs = split(c, x, groups, rank - 1), ws = split(c, w, groups, rank - 1);
  Names parts;
  for (std::int64_t g = 0; g < groups; ++g) {
    const std::string at = ":output:" + std::to_string(g);
    parts.push_back(convolve(c, xs + at, ws + at, v));
  }
  return concat(c, parts, rank - 1);
}

void conv(NodeExport& c) {
  Window v = window_of(c, c.rank() - 2);
  const std::int64_t groups = c.config.get<std::int64_t>("groups");
  std::string x = c.in(0), w = c.in(1);
  if (v.padding == "CAUSAL") {
    const std::int64_t reach = (c.in_spec(1).shape[0] - 1) * v.dilations[0];
    const std::string pads = c.reshape(c.ints({0, 0, reach, 0, 0, 0}), DType::int32, c.ints({3, 2}));
    x = c.op("Pad", {x, pads}, "output", {c.T(), {"Tpaddings", attr::type(DType::int32)}});
    v.padding = "VALID";
  }
  if (v.spatial == 1) x = expand(c, x, c.dtype(), 1), w = expand(c, w, c.dtype(), 0);
  const std::string y = groups == 1 ? convolve(c, x, w, v) : grouped(c, x, w, v, groups);
  c.out(v.spatial == 1 ? squeeze(c, y, c.dtype(), {1}) : y);
}

// The sizes of the result, for TensorFlow's transposed convolution.
std::string transposed_sizes(NodeExport& c, const Window& v, const std::string& x) {
  const Shape out = c.out_spec().shape, filters = c.in_spec(1).shape;
  const std::string shape = c.shape_of(x, c.dtype());
  Names dims;
  auto dimension = [&](std::int64_t i) {
    const Ints one = {i}, next = {i + 1};
    return c.op(
        "StridedSlice", {shape, c.ints(one), c.ints(next), c.ints({1})}, "output",
        {{"T", attr::type(DType::int32)}, {"Index", attr::type(DType::int32)}, {"shrink_axis_mask", attr::integer(1)}});
  };
  dims.push_back(dimension(0));
  if (v.spatial == 1) dims.push_back(c.integer(1));
  for (std::size_t i = 0; i < v.spatial; ++i) {
    if (out[i + 1] != None) {
      dims.push_back(c.integer(out[i + 1]));
      continue;
    }
    if (!c.config.get<Ints>("output_padding").empty()) c.fail("its output padding needs sizes that are known");
    const auto at = [&](const Ints& values) { return values[values.size() == 1 ? 0 : i]; };
    const std::int64_t stride = at(v.strides), reach = (filters[i] - 1) * at(v.dilations) + 1;
    const std::int64_t more = v.padding == "SAME" ? 0 : std::max(reach - stride, std::int64_t{0});
    const auto as_int = std::pair<std::string, std::string>{"T", attr::type(DType::int32)};
    const auto position = static_cast<std::int64_t>(dims.size());  // of this dimension in the image
    const std::string scaled = c.op("Mul", {dimension(position), c.integer(stride)}, "z", {as_int});
    dims.push_back(c.op("AddV2", {scaled, c.integer(more)}, "z", {as_int}));
  }
  dims.push_back(c.integer(filters.at(-2)));
  return c.op("Pack", dims, "output",
              {{"T", attr::type(DType::int32)},
               {"N", attr::integer(static_cast<std::int64_t>(dims.size()))},
               {"axis", attr::integer(0)}});
}

void conv_transpose(NodeExport& c) {
  if (c.num_inputs() != 2) c.fail("it is the gradient of a convolution");
  const Window v = window_of(c, c.rank() - 2);
  std::string x = c.in(0), w = c.in(1);
  if (v.spatial == 1) x = expand(c, x, c.dtype(), 1), w = expand(c, w, c.dtype(), 0);
  Attributes attributes = {c.T(),
                           data_format(v.spatial == 3 ? 5 : 4),
                           {"strides", attr::ints(around(v.strides, v.spatial))},
                           {"dilations", attr::ints(around(v.dilations, v.spatial))},
                           {"padding", attr::text(v.padding)}};
  if (v.spatial == 3) attributes.push_back({"Tshape", attr::type(DType::int32)});
  const std::string y = c.op(v.spatial == 3 ? "Conv3DBackpropInputV2" : "Conv2DBackpropInput",
                             {transposed_sizes(c, v, x), w, x}, "output", attributes);
  c.out(v.spatial == 1 ? squeeze(c, y, c.dtype(), {1}) : y);
}

void pool(NodeExport& c) {
  const Window v = window_of(c, c.rank() - 2);
  std::string x = c.in(0);
  if (v.spatial == 1) x = expand(c, x, c.dtype(), 1);
  const std::string y = c.op(v.spatial == 3 ? std::string(c.tf) + "3D" : c.tf, {x}, "output",
                             {c.T(),
                              data_format(v.spatial == 3 ? 5 : 4),
                              {"ksize", attr::ints(around(v.window, v.spatial))},
                              {"strides", attr::ints(around(v.strides, v.spatial))},
                              {"padding", attr::text(v.padding)}});
  c.out(v.spatial == 1 ? squeeze(c, y, c.dtype(), {1}) : y);
}

void bias_add(NodeExport& c) {
  c.out(c.op("BiasAdd", c.all_in(), "output", {c.T(), {"data_format", attr::text("NHWC")}}));
}

// Where nothing was seen yet, quantized models keep their inputs; TensorFlow's op gives zeros.
void fake_quant(NodeExport& c) {
  const bool scalar = c.rank(1) == 0;
  const Attributes attributes = {{"num_bits", attr::integer(c.config.get<std::int64_t>("num_bits"))},
                                 {"narrow_range", attr::boolean(c.config.get<bool>("narrow_range"))}};
  const std::string rounded =
      c.op(scalar ? "FakeQuantWithMinMaxVars" : "FakeQuantWithMinMaxVarsPerChannel", c.all_in(), "outputs", attributes);
  if (!c.config.get<bool>("keep_unseen")) return c.out(rounded);
  c.out(c.op("SelectV2", {c.op("Equal", {c.in(1), c.in(2)}, "z"), c.in(0), rounded}, "output"));
}

// ---- Batch normalization

struct Norm {
  std::string x, scale, offset, mean, variance;
};

// (x - mean) * (scale / sqrt(variance + epsilon)) + offset, in the dtype of the statistics.
std::string normalize(NodeExport& c, const Norm& n, DType statistics) {
  const Attributes t = {{"T", attr::type(statistics)}};
  const std::string epsilon = c.scalar(c.config.get<double>("epsilon"), statistics);
  const std::string inverse = c.op("Rsqrt", {c.op("AddV2", {n.variance, epsilon}, "z", t)}, "y", t);
  const std::string factor = c.op("Mul", {inverse, n.scale}, "z", t);
  const std::string centred = c.op("Sub", {c.cast_to(n.x, c.dtype(), statistics), n.mean}, "z", t);
  const std::string y = c.op("AddV2", {c.op("Mul", {centred, factor}, "z", t), n.offset}, "z", t);
  return c.cast_to(y, statistics, c.dtype());
}

// BatchNormalization(x, mean, variance, offset, scale).
void batch_normalization(NodeExport& c) {
  const Norm n = {c.in(0), c.in(4), c.in(3), c.in(1), c.in(2)};
  const DType statistics = c.dtype(1);
  if (c.rank() != 4 || statistics != DType::float32) return c.out(normalize(c, n, statistics));
  const std::string node = c.w.add("FusedBatchNormV3", {n.x, n.scale, n.offset, n.mean, n.variance},
                                   {c.T(),
                                    {"U", attr::type(DType::float32)},
                                    {"epsilon", attr::real(c.config.get<double>("epsilon"))},
                                    {"exponential_avg_factor", attr::real(1)},
                                    {"data_format", attr::text("NHWC")},
                                    {"is_training", attr::boolean(false)}});
  c.out(node + ":y:0");
}

// FusedBatchNorm(x, scale, offset) -> y, mean, variance of this batch. TensorFlow's op of that name corrects the
// variance by the number of rows, Keras's layer takes the plain one: so it is written with plain ops.
void fused_batch_norm(NodeExport& c) {
  const DType statistics = c.out_spec(1).dtype;
  const std::string x = c.cast_to(c.in(0), c.dtype(), statistics);
  Ints rows(c.rank() - 1);
  std::iota(rows.begin(), rows.end(), 0);
  const Attributes t = {{"T", attr::type(statistics)}};
  auto mean_of = [&](const std::string& v, bool keep) {
    return c.op("Mean", {v, c.ints(rows)}, "output",
                {t[0], {"Tidx", attr::type(DType::int32)}, {"keep_dims", attr::boolean(keep)}});
  };
  const std::string mean = mean_of(x, false);
  const std::string variance = mean_of(c.op("SquaredDifference", {x, mean}, "z", t), false);
  c.out(0, normalize(c, {c.in(0), c.in(1), c.in(2), mean, variance}, statistics));
  c.out(1, mean);
  c.out(2, variance);
}

// ---- The rest

void matmul(NodeExport& c) {
  const bool a = c.config.get<bool>("transpose_a"), b = c.config.get<bool>("transpose_b");
  if (c.rank(0) == 2 && c.rank(1) == 2)
    return c.out(c.op("MatMul", c.all_in(), "product",
                      {c.T(), {"transpose_a", attr::boolean(a)}, {"transpose_b", attr::boolean(b)}}));
  c.out(c.op("BatchMatMulV2", c.all_in(), "output", {c.T(), {"adj_x", attr::boolean(a)}, {"adj_y", attr::boolean(b)}}));
}

// TensorFlow's is along the last axis.
void softmax(NodeExport& c) {
  const auto axis = static_cast<std::size_t>(c.axis(c.config.get<std::int64_t>("axis")));
  if (axis + 1 == c.rank()) return c.out(c.op(c.tf, c.all_in(), c.result));
  Ints perm(c.rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[axis], perm.back());
  const std::string y = c.op(c.tf, {c.transpose(c.in(0), c.dtype(), perm)}, c.result);
  c.out(c.transpose(y, c.dtype(), perm));
}

void resize(NodeExport& c) {
  const Ints size = c.config.get<Ints>("size"), factors = c.config.get<Ints>("factors");
  const Shape out = c.out_spec().shape;
  std::string sizes;
  if (out[1] != None && out[2] != None) {
    sizes = c.ints({out[1], out[2]});
  } else {
    const std::string hw = c.op("StridedSlice", {c.shape_of(c.in(0), c.dtype()), c.ints({1}), c.ints({3}), c.ints({1})},
                                "output", {{"T", attr::type(DType::int32)}, {"Index", attr::type(DType::int32)}});
    sizes = c.op("Mul", {hw, c.ints(factors)}, "z", {{"T", attr::type(DType::int32)}});
  }
  const bool linear = c.config.get<std::string>("interpolation") == "bilinear";
  const std::string y =
      c.op(linear ? "ResizeBilinear" : "ResizeNearestNeighbor", {c.in(0), sizes}, "resized_images",
           {c.T(), {"align_corners", attr::boolean(false)}, {"half_pixel_centers", attr::boolean(true)}});
  c.out(linear ? c.cast_to(y, DType::float32, c.dtype()) : y);
}

void blocks(NodeExport& c) {
  c.out(c.op(c.tf, c.all_in(), "output",
             {c.T(),
              {"block_size", attr::integer(c.config.get<std::int64_t>("block_size"))},
              {"data_format", attr::text("NHWC")}}));
}

std::string random(NodeExport& c, const char* tf, const std::string& shape, DType dtype) {
  std::int64_t seed = c.config.get<bool>("seeded") ? c.config.get<std::int64_t>("seed") : 0;
  return c.op(tf, {shape}, "output",
              {{"T", attr::type(DType::int32)},
               {"dtype", attr::type(dtype)},
               {"seed", attr::integer(seed)},
               {"seed2", attr::integer(c.config.get<bool>("seeded") ? 1 : 0)}});
}

// x where the noise is at least the rate, scaled as what is kept.
void dropout(NodeExport& c) {
  const double rate = c.config.get<double>("rate");
  const Shape noise = c.config.get<Shape>("noise_shape");
  std::string shape = c.shape_of(c.in(0), c.dtype());
  if (!noise.empty()) {  // the dimensions of x, but 1 where the noise is stretched
    Ints factors, fixed;
    for (const std::int64_t d : noise) factors.push_back(d == None ? 1 : 0), fixed.push_back(d == None ? 0 : d);
    const Attributes as_int = {{"T", attr::type(DType::int32)}};
    shape = c.op("AddV2", {c.op("Mul", {shape, c.ints(factors)}, "z", as_int), c.ints(fixed)}, "z", as_int);
  }
  const std::string drawn = random(c, "RandomUniform", shape, DType::float32);
  const Attributes as_float = {{"T", attr::type(DType::float32)}};
  const std::string keep = c.op("GreaterEqual", {drawn, c.scalar(rate, DType::float32)}, "z", as_float);
  const std::string scaled = c.binary("Mul", c.in(0), c.number(1 / (1 - rate)));
  c.out(0, c.op("SelectV2", {keep, scaled, c.number(0)}, "output"));
  c.out(1, keep);
}

// Random numbers in the shape of an input, or in one that is given.
std::string shape_input(NodeExport& c) {
  if (c.num_inputs() > 0) return c.shape_of(c.in(0), c.dtype());
  const Shape shape = c.out_spec().shape;
  if (!shape.is_known()) c.fail("the shape of its random numbers is not known");
  return c.ints(shape.to_vector());
}
void random_uniform(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  const Attributes t = {{"T", attr::type(dtype)}};
  const double low = c.config.get<double>("minval"), high = c.config.get<double>("maxval");
  const std::string unit = random(c, "RandomUniform", shape_input(c), dtype);
  const std::string scaled = c.op("Mul", {unit, c.scalar(high - low, dtype)}, "z", t);
  c.out(c.op("AddV2", {scaled, c.scalar(low, dtype)}, "z", t));
}
void random_normal(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  const Attributes t = {{"T", attr::type(dtype)}};
  const std::string unit =
      random(c, c.config.get<bool>("truncated") ? "TruncatedNormal" : "RandomStandardNormal", shape_input(c), dtype);
  const std::string scaled = c.op("Mul", {unit, c.scalar(c.config.get<double>("stddev"), dtype)}, "z", t);
  c.out(c.op("AddV2", {scaled, c.scalar(c.config.get<double>("mean"), dtype)}, "z", t));
}

}  // namespace

void add_nn_rows(ExportTable& t) {
  t.add("conv", conv);
  t.add("conv_backprop_input", conv_transpose);
  t.add("max_pool", pool, "MaxPool");
  t.add("avg_pool", pool, "AvgPool");
  t.add("bias_add", bias_add);
  t.add("fake_quant", fake_quant);
  t.add("batch_normalization", batch_normalization);
  t.add("fused_batch_norm", fused_batch_norm);
  t.add("matmul", matmul);
  t.add("softmax", softmax, "Softmax", "softmax");
  t.add("log_softmax", softmax, "LogSoftmax", "logsoftmax");
  t.add("resize", resize);
  t.add("space_to_depth", blocks, "SpaceToDepth");
  t.add("depth_to_space", blocks, "DepthToSpace");
  t.add("dropout", dropout);
  t.add("random_uniform", random_uniform);
  t.add("random_normal", random_normal);
}

}  // namespace strata::saved_model
