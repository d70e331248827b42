// Every class that files may name can be made again from its configuration, in the styles of Keras 2 and 3.
#include "layers/registry.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "serialization/json.h"
#include "serialization/serialize.h"
#include "strata/strata.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

// What a class cannot be made without.
Config required(const std::string& class_name) {
  Config c = {{"name", "x"}};
  auto has = [&](const char* part) { return class_name.find(part) != std::string::npos; };
  if (class_name == "Activation") c.set("activation", "relu");
  if (class_name == "Dense" || has("SimpleRNN") || has("GRU") || has("LSTM")) c.set("units", 3);
  if (class_name == "EinsumDense") c.update({{"equation", "abc,cd->abd"}, {"output_shape", std::vector<int>{2, 3}}});
  if (class_name == "MultiHeadAttention") c.update({{"num_heads", 2}, {"key_dim", 3}});
  if (class_name == "Bidirectional") c.set("layer", layers::LSTM(3));
  if (class_name == "TimeDistributed") c.set("layer", layers::Dense(3));
  if (class_name == "RNN") c.set("cell", layers::GRUCell(3));
  if (class_name == "StackedRNNCells") c.set("cells", Config::Value::List{layers::GRUCell(3), layers::GRUCell(2)});
  if (class_name == "Embedding") c.update({{"input_dim", 5}, {"output_dim", 3}});
  if (class_name == "Dot") c.set("axes", 1);
  if (class_name == "Reshape") c.set("target_shape", std::vector<int>{2, 3});
  if (class_name == "Permute") c.set("dims", std::vector<int>{2, 1});
  if (class_name == "RepeatVector") c.set("n", 2);
  if (class_name == "Rescaling") c.set("scale", 0.5);
  if (class_name == "Normalization") c.set("axis", -1);
  if (class_name == "CategoryEncoding") c.set("num_tokens", 4);
  if (class_name == "Discretization") c.set("bin_boundaries", std::vector<double>{0, 1});
  if (class_name == "CenterCrop" || class_name == "RandomCrop" || class_name == "Resizing")
    c.update({{"height", 4}, {"width", 5}});
  if (class_name == "RandomRotation" || class_name == "RandomContrast" || class_name == "RandomBrightness")
    c.set("factor", 0.2);
  if (class_name == "RandomColorDegeneration" || class_name == "RandomSharpness") c.set("factor", 0.2);
  if (class_name == "RandomPosterization") c.set("factor", 3);
  if (has("Adaptive")) c.set("output_size", 2);
  if (class_name == "RandomTranslation") c.update({{"height_factor", 0.2}, {"width_factor", 0.1}});
  if (class_name == "RandomZoom") c.set("height_factor", 0.2);
  if (has("UpSampling")) c.set("size", 2);
  if (has("Noise")) c.set("stddev", 0.1);
  if (has("Dropout")) c.set("rate", 0.1);
  if (has("Conv")) {
    c.update({{"filters", 4}, {"kernel_size", 3}});
  }
  return c;
}

// A layer that no file can hold, and one without weights or policy, which has a test of its own.
bool has_no_sample(const std::string& name) { return name == "Lambda" || name == "InputLayer"; }

TEST(LayerRegistry, EveryClassOfTheHeadersIsInTheTable) {
  const char* golden = std::getenv("STRATA_GOLDEN_DIR");
  ASSERT_NE(golden, nullptr);
  const fs::path headers = fs::path(golden) / "../../include/strata/layers";
  int classes = 0;
  for (const auto& file : fs::directory_iterator(headers)) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string all = text.str();
    const std::regex declaration("class STRATA_API (\\w+) final : public");
    for (std::sregex_iterator it(all.begin(), all.end(), declaration), end; it != end; ++it, ++classes)
      EXPECT_NE(layers::find_layer_class((*it)[1].str()), nullptr)
          << (*it)[1] << " of " << file.path().filename() << " has no row in src/layers/registry.cpp";
  }
  EXPECT_GE(classes, 60);
}

// capability: 6.7
TEST(LayerRegistry, EveryClassComesBackFromItsConfiguration) {
  for (const layers::LayerClass& row : layers::layer_classes()) {
    if (has_no_sample(row.class_name)) continue;
    SCOPED_TRACE(row.class_name);
    Layer first;
    try {
      first = row.make(required(row.class_name));
    } catch (const ValueError& e) {
      ADD_FAILURE() << e.what() << " (add what it needs to required() of this test)";
      continue;
    }
    set_common(first, {{"name", "x"}, {"trainable", false}, {"dtype", "float64"}});
    for (const KerasStyle style : {KerasStyle::keras3, KerasStyle::keras2}) {
      const std::string json = serialize_layer(first, style).to_json();
      const Layer again = deserialize_layer(parse_config_json(json, "test"));
      EXPECT_EQ(again.class_name(), row.class_name);
      EXPECT_EQ(serialize_layer(again, style).to_json(), json);
      EXPECT_EQ(again.name(), "x");
      // Keras 3 does not keep it for these, which have no weights to train.
      const std::string name = row.class_name;
      const bool is_lost =
          style == KerasStyle::keras3 && (name.starts_with("SpatialDropout") || name == "Discretization");
      EXPECT_EQ(again.trainable, is_lost);
      EXPECT_EQ(again.variable_dtype(), float64);
    }
  }
}

template <class T>
void expect_round_trip(const T& object) {
  for (const KerasStyle style : {KerasStyle::keras3, KerasStyle::keras2}) {
    const Config::Value plain = plain_value(object.to_config_value(), style);
    const std::string json = Config{{"object", plain}}.to_json();
    SCOPED_TRACE(json);
    const Config::Value read = parse_config_json(json, "test").as_map().at("object");
    const T again = T::from_config_value(read);
    EXPECT_EQ(again.class_name(), object.class_name());
    EXPECT_EQ((Config{{"object", plain_value(again.to_config_value(), style)}}.to_json()), json);
  }
}

TEST(Registry, LossesMetricsAndOptimizersComeBack) {
  for (const char* name : {"categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy",
                           "binary_focal_crossentropy", "categorical_focal_crossentropy", "mse", "mae", "mape", "msle",
                           "log_cosh", "huber", "hinge", "squared_hinge", "categorical_hinge", "kl_divergence",
                           "poisson", "cosine_similarity", "dice", "tversky"})
    expect_round_trip(losses::Loss(name));
  expect_round_trip(losses::Loss(losses::CategoricalCrossentropy({.from_logits = true, .label_smoothing = 0.1})));
  for (const char* name : {"mse", "auc", "binary_accuracy", "precision", "recall", "top_k_categorical_accuracy", "mean",
                           "kl_divergence", "cosine_similarity"})
    expect_round_trip(metrics::Metric(name));
  for (const char* name : {"sgd", "adam", "adamw", "rmsprop"}) expect_round_trip(optimizers::Optimizer(name));
  expect_round_trip(optimizers::Optimizer(
      optimizers::SGD(optimizers::schedules::CosineDecay(0.1, 200), {.momentum = 0.9, .clipnorm = 1.0})));
}

TEST(Registry, SchedulesInitializersRegularizersAndConstraintsComeBack) {
  namespace s = optimizers::schedules;
  for (const s::Schedule& schedule :
       {s::Schedule(s::ExponentialDecay(0.1, 10, 0.5)), s::Schedule(s::InverseTimeDecay(0.1, 10, 0.5)),
        s::Schedule(s::PiecewiseConstantDecay({10, 20}, {1, 0.5, 0.1})), s::Schedule(s::PolynomialDecay(0.1, 10)),
        s::Schedule(s::CosineDecay(0.1, 10, {.warmup_target = 0.2, .warmup_steps = 3})),
        s::Schedule(s::CosineDecayRestarts(0.1, 10))})
    expect_round_trip(schedule);
  for (const char* name : {"zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal",
                           "variance_scaling", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
                           "lecun_uniform", "lecun_normal", "orthogonal", "identity"})
    expect_round_trip(Initializer(name));
  for (const char* name : {"l1", "l2", "l1_l2", "orthogonal_regularizer"}) expect_round_trip(Regularizer(name));
  for (const char* name : {"max_norm", "non_neg", "unit_norm", "min_max_norm"}) expect_round_trip(Constraint(name));
}

TEST(Registry, ChannelsFirstIsNamedWithItsLayer) {
  Config config = {{"name", "c"}, {"filters", 4}, {"kernel_size", 3}, {"data_format", "channels_first"}};
  try {
    deserialize_layer(Config{{"class_name", "Conv2D"}, {"config", config}});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_EQ(std::string(e.what()),
              "Conv2D 'c': data_format is 'channels_first', but strata computes on (batch, rows, columns, channels). "
              "Save the model with data_format='channels_last'.");
  }
}

}  // namespace
}  // namespace strata
