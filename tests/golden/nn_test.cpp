// Convolutions, pools, normalizations, activations and the softmax family against TensorFlow and Keras.
#include "strata/nn.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace strata::test {
namespace {

using Conv = Tensor (*)(const Tensor&, const Tensor&, const ConvOptions&);
using Separable = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&);
using Transposed = Tensor (*)(const Tensor&, const Tensor&, const ConvTransposeOptions&);
using Pool = Tensor (*)(const Tensor&, const PerDimension&, const PoolOptions&);
using Unary = Tensor (*)(const Tensor&);

ConvOptions conv_options(const Json& c) {
  return {.strides = ints(c, "strides"), .padding = c.at("padding"), .dilations = ints(c, "dilation_rate")};
}

// Keras tells the number of groups by the channels of the kernel.
GoldenFunction conv(Conv f) {
  return [f](const Json& c, const Tensors& x) {
    ConvOptions options = conv_options(c);
    const Shape& filters = x[1].shape();
    options.groups = x[0].shape().back() / filters.at(-2);
    return Tensors{f(x[0], x[1], options)};
  };
}
GoldenFunction depthwise(Conv f) {
  return [f](const Json& c, const Tensors& x) { return Tensors{f(x[0], x[1], conv_options(c))}; };
}
GoldenFunction separable(Separable f) {
  return [f](const Json& c, const Tensors& x) { return Tensors{f(x[0], x[1], x[2], conv_options(c))}; };
}
GoldenFunction transposed(Transposed f) {
  return [f](const Json& c, const Tensors& x) {
    return Tensors{
        f(x[0], x[1],
          {.strides = ints(c, "strides"), .padding = c.at("padding"), .output_padding = ints(c, "output_padding")})};
  };
}
GoldenFunction pool(Pool f) {
  return [f](const Json& c, const Tensors& x) {
    return Tensors{f(x[0], ints(c, "pool_size"), {.strides = ints(c, "strides"), .padding = c.at("padding")})};
  };
}
GoldenFunction unary(Unary f) {
  return [f](const Json&, const Tensors& x) { return Tensors{f(x[0])}; };
}

// capability: 1.10
TEST(Golden, Convolutions) {
  check_family("conv", {
                           {"nn.conv1d", conv(nn::conv1d)},
                           {"nn.conv2d", conv(nn::conv2d)},
                           {"nn.conv3d", conv(nn::conv3d)},
                           {"nn.depthwise_conv2d", depthwise(nn::depthwise_conv2d)},
                           {"nn.separable_conv2d", separable(nn::separable_conv2d)},
                           {"nn.conv1d_transpose", transposed(nn::conv1d_transpose)},
                           {"nn.conv2d_transpose", transposed(nn::conv2d_transpose)},
                           {"nn.conv3d_transpose", transposed(nn::conv3d_transpose)},
                       });
}

TEST(Golden, Pools) {
  check_family("pool", {
                           {"nn.max_pool1d", pool(nn::max_pool1d)},
                           {"nn.max_pool2d", pool(nn::max_pool2d)},
                           {"nn.max_pool3d", pool(nn::max_pool3d)},
                           {"nn.avg_pool1d", pool(nn::avg_pool1d)},
                           {"nn.avg_pool2d", pool(nn::avg_pool2d)},
                           {"nn.avg_pool3d", pool(nn::avg_pool3d)},
                       });
}

TEST(Golden, Normalizations) {
  check_family("norm", {
                           {"nn.batch_normalization",
                            [](const Json& c, const Tensors& x) {
                              const bool affine = x.size() > 3;
                              return Tensors{nn::batch_normalization(x[0], x[1], x[2], affine ? x[3] : Tensor(),
                                                                     affine ? x[4] : Tensor(),
                                                                     {.epsilon = c.at("variance_epsilon")})};
                            }},
                           {"nn.moments",
                            [](const Json& c, const Tensors& x) {
                              const Moments m = nn::moments(x[0], ints(c, "axes"), {.keepdims = flag(c, "keepdims")});
                              return Tensors{m.mean, m.variance};
                            }},
                           {"nn.layer_norm",
                            [](const Json& c, const Tensors& x) {
                              return Tensors{nn::layer_norm(x[0], x[1], x[2], {.epsilon = c.at("epsilon")})};
                            }},
                       });
}

GoldenTable activations() {
  return {
      {"nn.relu", [](const Json&, const Tensors& x) { return Tensors{nn::relu(x[0])}; }},
      {"nn.relu6", unary(nn::relu6)},
      {"nn.selu", unary(nn::selu)},
      {"nn.softplus", unary(nn::softplus)},
      {"nn.softsign", unary(nn::softsign)},
      {"nn.sigmoid", unary(nn::sigmoid)},
      {"nn.silu", unary(nn::silu)},
      {"nn.hard_sigmoid", unary(nn::hard_sigmoid)},
      {"nn.hard_silu", unary(nn::hard_silu)},
      {"nn.tanh", unary(nn::tanh)},
      {"nn.log_sigmoid", unary(nn::log_sigmoid)},
      {"nn.mish", unary(nn::mish)},
      {"nn.hard_tanh", unary(nn::hard_tanh)},
      {"nn.squareplus", [](const Json&, const Tensors& x) { return Tensors{nn::squareplus(x[0])}; }},
      {"nn.sparse_plus", unary(nn::sparse_plus)},
      {"nn.sparse_sigmoid", unary(nn::sparse_sigmoid)},
      {"nn.tanh_shrink", unary(nn::tanh_shrink)},
      {"nn.hard_shrink", [](const Json&, const Tensors& x) { return Tensors{nn::hard_shrink(x[0])}; }},
      {"nn.soft_shrink", [](const Json&, const Tensors& x) { return Tensors{nn::soft_shrink(x[0])}; }},
      {"nn.glu", [](const Json&, const Tensors& x) { return Tensors{nn::glu(x[0])}; }},
      {"nn.sparsemax", [](const Json&, const Tensors& x) { return Tensors{nn::sparsemax(x[0])}; }},
      {"nn.threshold",
       [](const Json& c, const Tensors& x) {
         return Tensors{nn::threshold(x[0], c.at("threshold").get<double>(), c.at("default_value").get<double>())};
       }},
      {"nn.elu", [](const Json& c, const Tensors& x) { return Tensors{nn::elu(x[0], c.value("alpha", 1.0))}; }},
      {"nn.celu", [](const Json& c, const Tensors& x) { return Tensors{nn::celu(x[0], c.value("alpha", 1.0))}; }},
      {"nn.gelu", [](const Json& c, const Tensors& x) { return Tensors{nn::gelu(x[0], flag(c, "approximate"))}; }},
      {"nn.leaky_relu",
       [](const Json& c, const Tensors& x) { return Tensors{nn::leaky_relu(x[0], c.at("alpha").get<double>())}; }},
      {"nn.softmax",
       [](const Json& c, const Tensors& x) { return Tensors{nn::softmax(x[0], c.at("axis").get<int>())}; }},
      {"nn.log_softmax",
       [](const Json& c, const Tensors& x) { return Tensors{nn::log_softmax(x[0], c.at("axis").get<int>())}; }},
      {"nn.softmax_cross_entropy_with_logits",
       [](const Json&, const Tensors& x) { return Tensors{nn::softmax_cross_entropy_with_logits(x[0], x[1])}; }},
      {"nn.sparse_softmax_cross_entropy_with_logits",
       [](const Json&, const Tensors& x) { return Tensors{nn::sparse_softmax_cross_entropy_with_logits(x[0], x[1])}; }},
      {"nn.sigmoid_cross_entropy_with_logits",
       [](const Json&, const Tensors& x) { return Tensors{nn::sigmoid_cross_entropy_with_logits(x[0], x[1])}; }},
  };
}

TEST(Golden, Activations) { check_family("activation", activations()); }

}  // namespace
}  // namespace strata::test
