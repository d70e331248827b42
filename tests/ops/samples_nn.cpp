// Samples of the neural network ops for the walk over the registry.
#include "strata/array.h"
#include "strata/nn.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

using List = std::vector<std::int64_t>;

Config conv_config(const List& strides, const List& dilations, const char* padding, std::int64_t groups) {
  return {{"strides", strides}, {"dilations", dilations}, {"padding", padding}, {"groups", groups}};
}

// The three convolution ops for one geometry.
void add_conv(std::vector<OpSample>& out, const Shape& x, const Shape& w, const Config& config) {
  const Tensor input = spread(x), filters = spread(w, -0.5, 0.7);
  const OpPtr conv = make_registered_op("conv", config);
  out.push_back({conv, {input, filters}});
  const Tensor dy = spread(conv->infer({{x, float32}, {w, float32}})[0].shape, -0.8, 0.6);
  Config with_output = config;
  with_output.set("output_padding", List{});
  out.push_back({make_registered_op("conv_backprop_input", with_output), {dy, filters, input}});
  out.push_back({make_registered_op("conv_backprop_filter", config), {input, dy, filters}});
}

void add_transposed(std::vector<OpSample>& out, const Shape& x, const Shape& w, const Config& config,
                    const List& output_padding) {
  Config all = config;
  all.set("output_padding", output_padding);
  out.push_back({make_registered_op("conv_backprop_input", all), {spread(x), spread(w, -0.5, 0.7)}});
}

Config pool_config(const List& window, const List& strides, const char* padding) {
  return {{"window", window}, {"strides", strides}, {"padding", padding}};
}

void add_pools(std::vector<OpSample>& out, const Shape& shape, const Config& config) {
  const Tensor x = spread(shape);
  const OpPtr max = make_registered_op("max_pool", config);
  out.push_back({max, {x}});
  out.push_back({make_registered_op("avg_pool", config), {x}});
  const Tensor y = run_eagerly(*max, {&x, 1})[0], dy = spread(y.shape(), -2, 1);
  // Where the largest element lies is no function of x that finite differences could see.
  out.push_back({make_registered_op("max_pool_grad", config), {x, y, dy}, false});
  out.push_back({make_registered_op("max_pool_grad_grad", config), {x, y, spread(shape, -1, 3)}, false});
  out.push_back({make_registered_op("avg_pool_grad", config), {dy, x}});
}

}  // namespace

void samples_conv(std::vector<OpSample>& out) {
  add_conv(out, {3, 6, 5, 4}, {2, 3, 4, 6}, conv_config({1}, {1}, "valid", 1));
  add_conv(out, {3, 6, 5, 3}, {2, 3, 3, 5}, conv_config({2}, {1}, "same", 1));
  add_conv(out, {1, 7, 8, 4}, {3, 2, 2, 6}, conv_config({1, 2}, {2, 1}, "same", 2));
  add_conv(out, {3, 4, 4, 3}, {2, 2, 1, 6}, conv_config({1}, {1}, "valid", 3));
  add_conv(out, {3, 7, 4}, {2, 4, 3}, conv_config({2}, {1}, "causal", 1));
  add_conv(out, {3, 7, 4}, {2, 4, 3}, conv_config({1}, {3}, "causal", 1));
  add_conv(out, {1, 3, 4, 5, 2}, {2, 3, 2, 2, 3}, conv_config({1, 2, 1}, {1}, "same", 1));
  add_conv(out, {0, 4, 4, 2}, {3, 3, 2, 3}, conv_config({1}, {1}, "same", 1));
  add_transposed(out, {3, 3, 2, 4}, {2, 4, 5, 4}, conv_config({2}, {1}, "same", 1), {});
  add_transposed(out, {3, 3, 2, 4}, {2, 4, 5, 4}, conv_config({2}, {1}, "valid", 1), {});
  add_transposed(out, {3, 3, 2, 4}, {4, 4, 5, 4}, conv_config({3, 2}, {1}, "valid", 1), {2, 1});
  add_transposed(out, {3, 4, 2}, {2, 5, 2}, conv_config({1}, {2}, "valid", 1), {});
}

void samples_pool(std::vector<OpSample>& out) {
  add_pools(out, {3, 5, 6, 2}, pool_config({2}, {}, "valid"));
  add_pools(out, {3, 5, 6, 2}, pool_config({3, 2}, {2, 1}, "same"));
  add_pools(out, {2, 7, 3}, pool_config({3}, {2}, "same"));
  add_pools(out, {1, 4, 5, 3, 2}, pool_config({2}, {1}, "valid"));
  add_pools(out, {0, 4, 4, 2}, pool_config({2}, {}, "valid"));
}

void samples_norm(std::vector<OpSample>& out) {
  const Config config = {{"epsilon", 0.01}};
  for (const Shape& shape : {Shape{5, 4, 3}, Shape{6, 2}, Shape{2, 3, 2, 4}}) {
    const Shape channels = {shape.back()};
    const Tensor x = spread(shape, -1, 2), scale = spread(channels, 0.5, 1.5), offset = spread(channels, -1, 1),
                 mean = spread(channels, 0.1, 0.6), variance = spread(channels, 0.4, 1.2);
    const Tensor dy = spread(shape, -2, 1), second = spread(shape, -1, 1.5);
    for (const bool relu : {false, true}) {
      const Config with_relu = {{"epsilon", 0.01}, {"relu", relu}};
      out.push_back({make_registered_op("fused_batch_norm", with_relu), {x, scale, offset}});
      const OpPtr grad = make_registered_op("fused_batch_norm_grad", with_relu);
      if (!relu) out.push_back({grad, {dy, x, scale, mean, variance}});
      out.push_back({grad, {dy, x, scale, mean, variance, offset}});
      out.push_back({grad, {dy, x, scale, mean, variance, offset, second}});
    }
    out.push_back({make_registered_op("batch_normalization", config), {x, mean, variance, offset, scale}});
    out.push_back({make_registered_op("bias_add"), {x, offset}});
    out.push_back({make_registered_op("bias_add_grad"), {x}});
  }
}

namespace {

// What passes make: with and without bias and ReLU.
void add_fused(std::vector<OpSample>& out) {
  const Tensor x = spread({3, 6, 5, 4}), w = spread({3, 3, 4, 6}, -0.5, 0.7), bias = spread({6}, -1, 1);
  auto conv = [&](bool with_bias, bool relu) {
    Config c = conv_config({1}, {1}, "same", 1);
    c.update(Config({{"bias", with_bias}, {"relu", relu}}));
    return make_registered_op("fused_conv", c);
  };
  out.push_back({conv(false, false), {x, w}});
  out.push_back({conv(true, true), {x, w, bias}});
  for (const bool relu : {false, true})
    out.push_back({make_registered_op("scale_shift", {{"relu", relu}}), {x, spread({4}, 0.5, 2), spread({4})}});
  for (const bool with_bias : {false, true})
    for (const Shape& shape : {Shape{5, 7}, Shape{2, 3, 7}}) {
      Tensors in = {spread(shape), spread({7, 6}, -0.5, 0.7)};
      if (with_bias) in.push_back(bias);
      out.push_back({make_registered_op("fused_matmul", {{"bias", with_bias}, {"relu", with_bias}}), in});
    }
}

// Fake quantization, whose gradient is not that of its steps, and what passes make of it.
void add_quantized(std::vector<OpSample>& out) {
  const Tensor x = spread({3, 6, 5, 4}, -2, 2);
  const Config bits = {{"num_bits", 8}, {"narrow_range", false}, {"keep_unseen", false}};
  out.push_back({make_registered_op("fake_quant", bits), {x, Tensor(-1.f), Tensor(1.5f)}, false});
  out.push_back({make_registered_op("fake_quant", bits), {x, spread({4}, -1, -0.5), spread({4}, 0.5, 1)}, false});
  const Config grid = {{"step", 0.01}, {"zero", 100}};
  out.push_back({make_registered_op("quantize", grid), {x}});
  const Tensor bytes = cast(spread({3, 6, 5, 4}, 0, 255), uint8);
  out.push_back({make_registered_op("dequantize", grid), {bytes}});
  for (const bool to_bytes : {false, true}) {
    Config product = {{"src_step", 0.01}, {"src_zero", 100},  {"to_bytes", to_bytes}, {"dst_step", 0.1},
                      {"dst_zero", 30},   {"bias", to_bytes}, {"relu", to_bytes}};
    Tensors conv = {bytes, spread({3, 3, 4, 6}, -0.5, 0.7)}, matmul = {bytes, spread({4, 6}, -0.5, 0.7)};
    if (to_bytes) conv.push_back(spread({6})), matmul.push_back(spread({6}));
    out.push_back({make_registered_op("byte_matmul", product), matmul});
    product.update(conv_config({1}, {1}, "same", 1));
    out.push_back({make_registered_op("byte_conv", product), conv});
  }
}

}  // namespace

void samples_activation(std::vector<OpSample>& out) {
  add_fused(out);
  add_quantized(out);
  const Tensor x = spread({4, 5}, -3, 3), dy = spread({4, 5}, -1, 2);
  const Config relus[] = {
      {{"negative_slope", 0.0}, {"threshold", 0.0}, {"max_value", 0.0}, {"has_max", false}},
      {{"negative_slope", 0.2}, {"threshold", 0.0}, {"max_value", 2.0}, {"has_max", true}},
      {{"negative_slope", 0.1}, {"threshold", 1.1}, {"max_value", 0.0}, {"has_max", false}},
  };
  for (const Config& config : relus) {
    out.push_back({make_registered_op("relu", config), {x}});
    out.push_back({make_registered_op("relu_grad", config), {dy, x}});
  }
  for (const char* name :
       {"elu", "selu", "celu", "gelu", "gelu_tanh", "silu", "softplus", "log_sigmoid", "softsign", "mish"})
    for (const double alpha : {1.0, 0.7}) out.push_back({make_registered_op(name, {{"alpha", alpha}}), {x}});

  const Tensor y = nn::softmax(x);
  for (const int axis : {-1, 0}) {
    const Config config = {{"axis", axis}};
    out.push_back({make_registered_op("softmax", config), {x}});
    out.push_back({make_registered_op("softmax_grad", config), {dy, y}});
    out.push_back({make_registered_op("log_softmax", config), {x}});
  }
  out.push_back({make_registered_op("softmax", {{"axis", 1}}), {spread({2, 3, 4}, -2, 2)}});

  const Tensor classes = {{1, 0}, {3, 4}, {2, 2}};
  out.push_back({make_registered_op("softmax_cross_entropy_with_logits"), {nn::softmax(dy), x}});
  out.push_back({make_registered_op("softmax_cross_entropy_with_logits_grad"),
                 {nn::softmax(dy), x, spread({x.shape()[0]}, -1, 2)}});
  out.push_back({make_registered_op("sparse_softmax_cross_entropy_with_logits"), {classes, spread({3, 2, 5}, -2, 2)}});
  out.push_back({make_registered_op("sigmoid_cross_entropy_with_logits"), {spread({4, 5}, 0, 1), x}});
  for (const char* interpolation : {"nearest", "bilinear"}) {
    const Config by_size = {{"size", List{5, 3}}, {"factors", List{}}, {"interpolation", interpolation}},
                 by_factor = {{"size", List{}}, {"factors", List{2, 3}}, {"interpolation", interpolation}};
    const Tensor image = spread({2, 3, 4, 3});
    out.push_back({make_registered_op("resize", by_size), {image}});
    out.push_back({make_registered_op("resize", by_factor), {image}});
    out.push_back({make_registered_op("resize_grad", by_size), {spread({2, 5, 3, 3}), image}});
    out.push_back({make_registered_op("resize_grad", by_factor), {spread({2, 6, 12, 3}), image}});
  }
  // With a seed it is a function like any other.
  const Config seeded = {{"rate", 0.4}, {"seeded", true}, {"seed", 7}, {"noise_shape", Shape{}}};
  const Config channels = {{"rate", 0.4}, {"seeded", true}, {"seed", 7}, {"noise_shape", Shape{2, 1, 3}}};
  const Config drawn = {{"rate", 0.4}, {"seeded", false}, {"seed", 0}, {"noise_shape", Shape{}}};
  out.push_back({make_registered_op("dropout", seeded), {x}});
  out.push_back({make_registered_op("dropout", channels), {spread({2, 5, 3})}});
  out.push_back({make_registered_op("dropout", drawn), {x}, false, false});
  const Tensor mask = {{true, false, true}, {false, true, true}};
  out.push_back({make_registered_op("dropout_grad", {{"rate", 0.25}}), {spread({2, 3}), mask}});
}

}  // namespace strata::test
