// Layers against Keras: outputs, gradients of inputs and weights, moving statistics, losses; each layer made from
// Keras's names and arguments.
#include <gtest/gtest.h>

#include "strata/constraints.h"
#include "strata/math.h"
#include "strata/regularizers.h"
#include "strata/strata.h"
#include "strata/tape.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

using namespace strata::layers;

Config with_layers(const Config& config);

using MakeLayer = Layer (*)(const Config&);
template <class L>
Layer make(const Config& config) {
  return L::from_config(with_layers(config));
}

// A layer whose last inputs are the masks of the first ones.
class Masked final : public CustomLayer<Masked> {
 public:
  Masked(const Layer& layer, int masks) : layer_(track("layer", layer)), masks_(masks) {}
  Outputs call(const Tensors& inputs) const {
    const auto n = static_cast<std::ptrdiff_t>(inputs.size()) - masks_;
    for (int i = 0; i < masks_; ++i)
      set_mask(inputs[static_cast<std::size_t>(i)], inputs[static_cast<std::size_t>(n + i)]);
    return Outputs(layer_.call_with(CallArguments(Tensors(inputs.begin(), inputs.begin() + n))));
  }
  static Masked from_config(const Config& c) { return Masked(c.get<Layer>("layer"), c.get<int>("masks")); }

 private:
  Layer layer_;
  int masks_;
};

using LayerClasses = std::map<std::string, MakeLayer>;

LayerClasses plain_classes() {
  return {
      {"Dense", make<Dense>},
      {"Embedding", make<Embedding>},
      {"Rescaling", make<Rescaling>},
      {"Activation", make<Activation>},
      {"ReLU", make<ReLU>},
      {"LeakyReLU", make<LeakyReLU>},
      {"ELU", make<ELU>},
      {"PReLU", make<PReLU>},
      {"Softmax", make<Softmax>},
      {"Dropout", make<Dropout>},
      {"SpatialDropout1D", make<SpatialDropout1D>},
      {"SpatialDropout2D", make<SpatialDropout2D>},
      {"SpatialDropout3D", make<SpatialDropout3D>},
      {"GaussianDropout", make<GaussianDropout>},
      {"GaussianNoise", make<GaussianNoise>},
      {"AlphaDropout", make<AlphaDropout>},
      {"BatchNormalization", make<BatchNormalization>},
      {"LayerNormalization", make<LayerNormalization>},
      {"GroupNormalization", make<GroupNormalization>},
      {"UnitNormalization", make<UnitNormalization>},
      {"RMSNormalization", make<RMSNormalization>},
      {"Add", make<Add>},
      {"Subtract", make<Subtract>},
      {"Multiply", make<Multiply>},
      {"Average", make<Average>},
      {"Maximum", make<Maximum>},
      {"Minimum", make<Minimum>},
      {"Concatenate", make<Concatenate>},
      {"Dot", make<Dot>},
      {"Flatten", make<Flatten>},
      {"Reshape", make<Reshape>},
      {"Permute", make<Permute>},
      {"RepeatVector", make<RepeatVector>},
  };
}

LayerClasses spatial_classes() {
  return {
      {"Conv1D", make<Conv1D>},
      {"Conv2D", make<Conv2D>},
      {"Conv3D", make<Conv3D>},
      {"Conv1DTranspose", make<Conv1DTranspose>},
      {"Conv2DTranspose", make<Conv2DTranspose>},
      {"Conv3DTranspose", make<Conv3DTranspose>},
      {"DepthwiseConv1D", make<DepthwiseConv1D>},
      {"DepthwiseConv2D", make<DepthwiseConv2D>},
      {"SeparableConv1D", make<SeparableConv1D>},
      {"SeparableConv2D", make<SeparableConv2D>},
      {"MaxPooling1D", make<MaxPooling1D>},
      {"MaxPooling2D", make<MaxPooling2D>},
      {"MaxPooling3D", make<MaxPooling3D>},
      {"AveragePooling1D", make<AveragePooling1D>},
      {"AveragePooling2D", make<AveragePooling2D>},
      {"AveragePooling3D", make<AveragePooling3D>},
      {"GlobalMaxPooling1D", make<GlobalMaxPooling1D>},
      {"GlobalMaxPooling2D", make<GlobalMaxPooling2D>},
      {"GlobalMaxPooling3D", make<GlobalMaxPooling3D>},
      {"GlobalAveragePooling1D", make<GlobalAveragePooling1D>},
      {"GlobalAveragePooling2D", make<GlobalAveragePooling2D>},
      {"GlobalAveragePooling3D", make<GlobalAveragePooling3D>},
      {"AdaptiveMaxPooling1D", make<AdaptiveMaxPooling1D>},
      {"AdaptiveMaxPooling2D", make<AdaptiveMaxPooling2D>},
      {"AdaptiveMaxPooling3D", make<AdaptiveMaxPooling3D>},
      {"AdaptiveAveragePooling1D", make<AdaptiveAveragePooling1D>},
      {"AdaptiveAveragePooling2D", make<AdaptiveAveragePooling2D>},
      {"AdaptiveAveragePooling3D", make<AdaptiveAveragePooling3D>},
      {"ZeroPadding1D", make<ZeroPadding1D>},
      {"ZeroPadding2D", make<ZeroPadding2D>},
      {"ZeroPadding3D", make<ZeroPadding3D>},
      {"Cropping1D", make<Cropping1D>},
      {"Cropping2D", make<Cropping2D>},
      {"Cropping3D", make<Cropping3D>},
      {"UpSampling1D", make<UpSampling1D>},
      {"UpSampling2D", make<UpSampling2D>},
      {"UpSampling3D", make<UpSampling3D>},
  };
}

LayerClasses sequence_classes() {
  return {
      {"SimpleRNNCell", make<SimpleRNNCell>},
      {"GRUCell", make<GRUCell>},
      {"LSTMCell", make<LSTMCell>},
      {"StackedRNNCells", make<StackedRNNCells>},
      {"RNN", make<RNN>},
      {"SimpleRNN", make<SimpleRNN>},
      {"GRU", make<GRU>},
      {"LSTM", make<LSTM>},
      {"Bidirectional", make<Bidirectional>},
      {"TimeDistributed", make<TimeDistributed>},
      {"Masking", make<Masking>},
      {"Masked", make<Masked>},
      {"Attention", make<Attention>},
      {"AdditiveAttention", make<AdditiveAttention>},
      {"EinsumDense", make<EinsumDense>},
      {"MultiHeadAttention", make<MultiHeadAttention>},
  };
}

LayerClasses preprocessing_classes() {
  return {
      {"RandomFlip", make<RandomFlip>},
      {"RandomTranslation", make<RandomTranslation>},
      {"RandomRotation", make<RandomRotation>},
      {"RandomZoom", make<RandomZoom>},
      {"RandomContrast", make<RandomContrast>},
      {"RandomBrightness", make<RandomBrightness>},
      {"Resizing", make<Resizing>},
      {"CenterCrop", make<CenterCrop>},
      {"Normalization", make<Normalization>},
      {"CategoryEncoding", make<CategoryEncoding>},
      {"Discretization", make<Discretization>},
      {"RandomColorDegeneration", make<RandomColorDegeneration>},
      {"RandomSharpness", make<RandomSharpness>},
      {"RandomPosterization", make<RandomPosterization>},
      {"RandomInvert", make<RandomInvert>},
      {"RandomGrayscale", make<RandomGrayscale>},
      {"Solarization", make<Solarization>},
      {"AutoContrast", make<AutoContrast>},
      {"Equalization", make<Equalization>},
      {"RandomShear", make<RandomShear>},
      {"RandomErasing", make<RandomErasing>},
      {"RandAugment", make<RandAugment>},
  };
}

const LayerClasses& layer_classes() {
  static const LayerClasses all = [] {
    LayerClasses classes = plain_classes();
    classes.merge(spatial_classes());
    classes.merge(sequence_classes());
    classes.merge(preprocessing_classes());
    return classes;
  }();
  return all;
}

// {"class_name": ..., "config": ...} as the layer that it describes.
Config::Value with_layers(const Config::Value& value) {
  if (value.kind() == Config::Value::Kind::list) {
    Config::Value::List out;
    for (const auto& v : value.as_list()) out.push_back(with_layers(v));
    return out;
  }
  if (value.kind() != Config::Value::Kind::map || !value.as_map().contains("class_name")) return value;
  const Config& description = value.as_map();
  return layer_classes()
      .at(description.get<std::string>("class_name"))(description.get<Config>("config"))
      .to_config_value();
}
Config with_layers(const Config& config) {
  Config out;
  for (const auto& [key, value] : config.entries()) out.set(key, with_layers(value));
  return out;
}

void check_sources(GradientTape& tape, const Tensors& outputs, const GoldenCase& c, const Tensors& inputs,
                   const std::vector<Variable>& weights) {
  Tensors targets;
  GradientOptions options{.unconnected_gradients = "zero"};
  const Tensors cotangents = c.arrays("cotangents");
  for (std::size_t i = 0; i < cotangents.size(); ++i) {
    if (!cotangents[i].defined()) continue;
    targets.push_back(outputs.at(i));
    options.output_gradients.push_back(cotangents[i]);
  }
  if (targets.empty()) return;
  const Tensors want = c.arrays("grads"), want_weights = c.arrays("weight_grads");
  for (std::size_t i = 0; i < want.size(); ++i)
    if (want[i].defined())
      expect_close(tape.gradient(targets, {Source(inputs[i])}, options).at(0), want[i], 1e-5,
                   "gradient of input " + std::to_string(i));
  for (std::size_t i = 0; i < want_weights.size(); ++i)
    if (want_weights[i].defined())
      expect_close(tape.gradient(targets, {Source(weights[i])}, options).at(0), want_weights[i], 1e-5,
                   "gradient of " + weights[i].name());
}

void check_losses(const GoldenCase& c, const Layer& layer) {
  double want = 0, got = 0;
  for (const Tensor& loss : c.arrays("losses")) want += loss.item<double>();
  for (const Tensor& loss : layer.losses()) got += loss.item<double>();
  EXPECT_NEAR(got, want, 1e-5 * std::max(1.0, want)) << "losses";
}

Layer layer_with_weights(const GoldenCase& c, MakeLayer make_layer, const Tensors& inputs) {
  const Layer layer = make_layer(to_config(c.config()));
  std::vector<Shape> shapes;
  for (const Tensor& x : inputs) shapes.push_back(x.shape());
  layer.build(shapes);
  const Json& names = c.json.at("weight_names");
  const std::vector<Variable> weights = layer.weights();
  if (weights.size() != names.size())
    throw ValueError("the layer has " + std::to_string(weights.size()) + " weights, Keras's " +
                     std::to_string(names.size()) + ".");
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(weights[i].name(), names[i].get<std::string>());
  layer.set_weights(c.arrays("weights"));
  return layer;
}

void check_layer(const GoldenCase& c, MakeLayer make_layer) {
  const Tensors inputs = c.arrays("inputs"), want = c.arrays("outputs");
  const Layer layer = layer_with_weights(c, make_layer, inputs);
  GradientTape tape({.persistent = true});
  for (const Tensor& x : inputs)
    if (is_floating(x.dtype())) tape.watch(x);
  const Outputs outputs = layer(Inputs(inputs), training = c.json.at("training").get<bool>());
  ASSERT_EQ(outputs.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    expect_close(outputs.tensors()[i], want[i], 1e-5, "output " + std::to_string(i));
  check_losses(c, layer);
  check_sources(tape, outputs.tensors(), c, inputs, layer.weights());
  const Tensors after = c.arrays("weights_after");
  for (std::size_t i = 0; i < after.size(); ++i)
    expect_close(layer.weights()[i].value(), after[i], 1e-5, layer.weights()[i].name() + " after the call");
}

void check_any(const GoldenCase& c) {
  const std::string target = c.target(), role = target.substr(0, target.find('.'));
  const std::string class_name = target.substr(target.find('.') + 1);
  if (role == "regularizers") {
    const Regularizer regularizer = Regularizer::from_config_value(to_object(c, "regularizer"));
    check_function(c, [&](const Json&, const Tensors& x) { return Tensors{regularizer(x[0])}; });
  } else if (role == "constraints") {
    const Constraint constraint = Constraint::from_config_value(to_object(c, "constraint"));
    check_function(c, [&](const Json&, const Tensors& x) { return Tensors{constraint(x[0])}; });
  } else if (const auto found = layer_classes().find(class_name); found != layer_classes().end()) {
    check_layer(c, found->second);
  } else {
    ADD_FAILURE() << "no test knows how to make '" << target << "'";
  }
}

// capability: 1.16
TEST(Golden, LayersCore) { walk_golden("layers_core", check_any); }
// capability: 1.9, 1.10, 1.18
TEST(Golden, LayersConvolution) { walk_golden("layers_conv", check_any); }
// capability: 1.11, 1.12, 1.13
TEST(Golden, LayersPooling) { walk_golden("layers_pool", check_any); }
// capability: 1.14
TEST(Golden, LayersNormalization) { walk_golden("layers_norm", check_any); }
// capability: 1.17
TEST(Golden, LayersShape) { walk_golden("layers_shape", check_any); }
TEST(Golden, LayersRecurrentAndAttention) { walk_golden("layers_rnn", check_any); }
// capability: 4.17
TEST(Golden, LayersPreprocessing) { walk_golden("layers_preprocessing", check_any); }

}  // namespace
}  // namespace strata::test
