#include <gtest/gtest.h>

#include "strata/strata.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

Model make_model(int outputs) {
  using namespace layers;
  if (outputs == 0) return Sequential({Input({4, 2}), Masking(), Dense(3, {.activation = "softmax"})});
  const Tensor x = Input({5});
  const Tensor h = Dense(6, {.activation = "relu", .kernel_regularizer = regularizers::L2(0.01)})(x);
  const Tensor kind = Dense(3, {.activation = "softmax", .name = "kind"})(h);
  if (outputs == 1) return Model(x, kind);
  return Model(Tensors{x}, Tensors{kind, Dense(1, {.name = "size"})(h)});
}

MetricList metric_list(const Json& names) {
  MetricList out;
  for (const auto& n : names) out.push_back(n.get<std::string>());
  return out;
}

MetricsOption metrics_of(const Json& compile, const char* key) {
  MetricsOption out;
  if (!compile.contains(key)) return out;
  if (compile.at(key).is_array()) return metric_list(compile.at(key));
  for (const auto& [name, list] : compile.at(key).items()) out.by_output.emplace_back(name, metric_list(list));
  return out;
}

void compile(const Model& model, const Json& json) {
  CompileOptions o;
  o.optimizer = optimizers::SGD({.learning_rate = 0.1, .momentum = 0.5, .use_ema = json.value("use_ema", false)});
  if (json.at("loss").is_string()) {
    o.loss = losses::Loss(json.at("loss").get<std::string>());
  } else {
    for (const auto& [name, loss] : json.at("loss").items()) o.loss.values.emplace_back(name, loss.get<std::string>());
    for (const auto& [name, w] : json.at("loss_weights").items()) o.loss_weights.values.emplace_back(name, w);
  }
  o.metrics = metrics_of(json, "metrics");
  o.weighted_metrics = metrics_of(json, "weighted_metrics");
  model.compile(o);
}

FitOptions fit_options(const Json& json, const Tensors& in, int outputs) {
  FitOptions o{.batch_size = json.value("batch_size", 6), .epochs = 4, .verbose = 0, .shuffle = false};
  o.validation_split = json.value("validation_split", 0.0);
  o.validation_freq = json.value("validation_freq", 1);
  o.initial_epoch = json.value("initial_epoch", 0);
  if (json.contains("steps_per_epoch")) o.steps_per_epoch = json.at("steps_per_epoch").get<int>();
  if (json.contains("class_weight"))
    for (const auto& [c, w] : json.at("class_weight").items()) o.class_weight.emplace_back(std::stoi(c), w);
  if (json.value("sample_weight", false)) o.sample_weight = in[3];
  if (json.value("validation", false))
    o.validation_data = ValidationData(in[4], outputs < 2 ? Inputs(in[5]) : Inputs(Tensors{in[5], in[6]}));
  return o;
}

void check_fit(const GoldenCase& c) {
  const int outputs = c.json.at("outputs");
  const Tensors in = c.arrays("inputs");
  const Model model = make_model(outputs);
  model.set_weights(c.arrays("weights"));
  compile(model, c.json.at("compile"));
  const Inputs y = outputs < 2 ? Inputs(in[1]) : Inputs(Tensors{in[1], in[2]});
  const History history = model.fit(in[0], y, fit_options(c.json.at("fit"), in, outputs));
  EXPECT_EQ(history.history.size(), c.json.at("history").size());
  for (const auto& [name, values] : c.json.at("history").items()) {
    ASSERT_TRUE(history.history.contains(name)) << name;
    const std::vector<double>& got = history.history.at(name);
    ASSERT_EQ(got.size(), values.size()) << name;
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], values[i].get<double>(), 2e-5) << name << ' ' << i;
  }
  const Tensors want = c.arrays("after"), got = model.get_weights();
  for (std::size_t i = 0; i < want.size(); ++i) expect_close(got[i], want[i], 1e-5, "weight " + std::to_string(i));
}

// capability: 1.19, 1.20, 4.13
TEST(Golden, Fit) { walk_golden("fit", check_fit); }

}  // namespace
}  // namespace strata::test
