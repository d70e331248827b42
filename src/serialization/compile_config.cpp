// What compile() was given, as Keras's compile_config and training_config, and back.
#include "serialization/lookup.h"
#include "serialization/serialize.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
using List = Config::Value::List;

template <class T>
Config::Value per_output(const PerOutput<T>& option, KerasStyle style) {
  if (option.empty()) return {};
  if (!option.is_list && option.values.size() == 1 && option.values[0].first.empty())
    return plain_value(Config::Value(option.values[0].second), style);
  if (option.is_list) {
    List list;
    for (const auto& [name, value] : option.values) list.push_back(plain_value(Config::Value(value), style));
    return list;
  }
  Config map;
  for (const auto& [name, value] : option.values) map.set(name, plain_value(Config::Value(value), style));
  return map;
}

List metric_list(const MetricList& metrics, KerasStyle style) {
  List list;
  for (const auto& m : metrics) list.push_back(plain_value(Config::Value(m), style));
  return list;
}

Config::Value metrics_value(const MetricsOption& option, KerasStyle style) {
  if (!option.by_position.empty()) {
    List lists;
    for (const auto& list : option.by_position) lists.push_back(metric_list(list, style));
    return lists;
  }
  if (option.by_output.empty()) {
    if (option.all.empty()) return {};
    return metric_list(option.all, style);
  }
  Config map;
  for (const auto& [name, list] : option.by_output) map.set(name, metric_list(list, style));
  return map;
}

// Wrappers of Keras 2 around functions, which the name of the function says.
Config::Value unwrapped(const Config::Value& value) {
  if (value.kind() != Kind::map) return value;
  const NamedConfig named = named_config(value);
  const auto* fn = named.config.find("fn");
  const bool wrapper = named.class_name == "MeanMetricWrapper" || named.class_name == "LossFunctionWrapper";
  if (!wrapper || fn == nullptr || fn->kind() != Kind::string) return value;
  return *fn;
}

losses::Loss read_loss(const Config::Value& value) {
  if (value.is_none()) return {};
  Config::Value plain = unwrapped(value);
  if (plain.kind() == Kind::map) {
    Config map = plain.as_map();
    Config config = map.get<Config>("config", Config());
    // "auto" and "sum_over_batch_size" are one outside of distribution strategies.
    if (config.get<std::string>("reduction", "") == "auto") config.set("reduction", "sum_over_batch_size");
    config.erase("fn");
    map.set("config", config);
    plain = map;
  }
  return losses::Loss::from_config_value(plain);
}

metrics::Metric read_metric(const Config::Value& value, const std::string& output) {
  Config::Value plain = unwrapped(value);
  const Config wrapper = value.kind() == Kind::map ? value.as_map().get<Config>("config", Config()) : Config();
  std::string name = wrapper.get<std::string>("name", "");
  // Keras 2 keeps the name under which it reports the metric: "kind_accuracy".
  if (!output.empty() && name.starts_with(output + "_")) name = name.substr(output.size() + 1);
  if (plain.kind() == Kind::string) {
    if (name == "accuracy" || name == "acc") return metrics::Metric(name);
    const auto metric = metrics::Metric::from_config_value(plain);
    if (name.empty() || name == metric.name() || metric.class_name() == "accuracy") return metric;
    Config config = metric.get_config();
    config.set("name", name);  // "mae" of a function mean_absolute_error
    return metrics::Metric::from_config_value(Config{{"class_name", metric.class_name()}, {"config", config}});
  }
  Config map = plain.as_map();
  Config config = map.get<Config>("config", Config());
  if (!name.empty()) config.set("name", name);
  config.erase("fn");
  map.set("config", config);
  return metrics::Metric::from_config_value(map);
}

MetricList read_metrics(const Config::Value& value, const std::string& output) {
  MetricList out;
  if (value.is_none()) return out;
  if (value.kind() != Kind::list) return {read_metric(value, output)};
  for (const auto& item : value.as_list())
    if (!item.is_none()) out.push_back(read_metric(item, output));
  return out;
}

MetricsOption read_metrics_option(const Config::Value* value, const std::vector<std::string>& outputs) {
  MetricsOption out;
  if (value == nullptr || value->is_none()) return out;
  auto add = [&](const std::string& output, const Config::Value& list) {
    if (auto metrics = read_metrics(list, outputs.size() > 1 ? output : ""); !metrics.empty())
      out.by_output.emplace_back(output, metrics);
  };
  if (value->kind() == Kind::map && !value->as_map().contains("class_name")) {
    for (const auto& [name, list] : value->as_map().entries()) add(name, list);
    return out;
  }
  // A list of lists has one for each output.
  const bool nested =
      value->kind() == Kind::list && !value->as_list().empty() && value->as_list()[0].kind() == Kind::list;
  if (!nested) {
    out.all = read_metrics(*value, "");
    return out;
  }
  const List& lists = value->as_list();
  if (outputs.size() <= 1 && lists.size() == 1) {
    out.all = read_metrics(lists[0], "");
    return out;
  }
  for (std::size_t i = 0; i < lists.size() && i < outputs.size(); ++i) add(outputs[i], lists[i]);
  return out;
}

template <class T, class Read>
PerOutput<T> read_per_output(const Config::Value* value, Read read) {
  PerOutput<T> out;
  if (value == nullptr || value->is_none()) return out;
  if (value->kind() == Kind::list) {
    out.is_list = true;
    for (const auto& item : value->as_list()) out.values.emplace_back("", read(item));
  } else if (value->kind() == Kind::map && !value->as_map().contains("class_name")) {
    for (const auto& [name, item] : value->as_map().entries())
      if (!item.is_none()) out.values.emplace_back(name, read(item));
  } else {
    out.values.emplace_back("", read(*value));
  }
  return out;
}

// The first optimizers of Keras 2 have `lr`, and a `decay` that divides it by 1 + decay * step.
Config without_decay(Config config) {
  if (const auto* rate = config.find("lr"); rate != nullptr && !config.contains("learning_rate"))
    config.set("learning_rate", Config::Value(*rate));
  config.erase("lr");
  const auto *decay = config.find("decay"), *rate = config.find("learning_rate");
  const bool decays = decay != nullptr && decay->kind() == Kind::real && decay->as_double() > 0 && rate != nullptr &&
                      rate->kind() == Kind::real;
  if (decays) {
    const Config schedule = {{"initial_learning_rate", rate->as_double()},
                             {"decay_steps", std::int64_t{1}},
                             {"decay_rate", decay->as_double()}};
    config.set("learning_rate", Config{{"class_name", "InverseTimeDecay"}, {"config", schedule}});
  }
  config.erase("decay");
  return config;
}

optimizers::Optimizer read_optimizer(const Config::Value& value) {
  if (value.kind() == Kind::string) return optimizers::Optimizer(value.as_string());
  Config map = value.as_map();
  std::string name = map.get<std::string>("class_name");
  // "Custom>Adam" in files of tf_keras.
  if (const auto mark = name.rfind('>'); mark != std::string::npos) name = name.substr(mark + 1);
  map.set("class_name", name);
  Config config = map.get<Config>("config", Config());
  if (name == "LossScaleOptimizer" && config.contains("inner_optimizer"))
    return read_optimizer(config.at("inner_optimizer"));
  // Nadam's decay was one of its momentum.
  if (name == "Nadam") config.erase("decay");
  map.set("config", without_decay(std::move(config)));
  return optimizers::Optimizer::from_config_value(map);
}

}  // namespace

Config serialize_compile(const CompileOptions& options, KerasStyle style) {
  Config out;
  const Config::Value optimizer = plain_value(Config::Value(options.optimizer), style);
  if (style == KerasStyle::keras3) out.set("optimizer", optimizer);
  out.set("loss", per_output(options.loss, style));
  out.set("loss_weights", per_output(options.loss_weights, style));
  out.set("metrics", metrics_value(options.metrics, style));
  out.set("weighted_metrics", metrics_value(options.weighted_metrics, style));
  out.set("run_eagerly", options.run_eagerly);
  if (style == KerasStyle::keras3) {
    out.set("steps_per_execution", 1);
    out.set("jit_compile", false);
  } else {
    out.erase("run_eagerly");
    // Without this word tf_keras takes the optimizers of its first releases, which have other options.
    Config named = optimizer.as_map();
    Config values = named.get<Config>("config", Config());
    values.set("is_legacy_optimizer", false);
    named.set("config", values);
    out.set("optimizer_config", named);
  }
  return out;
}

CompileOptions deserialize_compile(const Config& config, const std::vector<std::string>& outputs) {
  CompileOptions out;
  const auto* optimizer = config.find("optimizer");
  if (optimizer == nullptr) optimizer = config.find("optimizer_config");
  if (optimizer != nullptr && !optimizer->is_none()) out.optimizer = read_optimizer(*optimizer);
  out.loss = read_per_output<losses::Loss>(config.find("loss"), read_loss);
  out.loss_weights =
      read_per_output<double>(config.find("loss_weights"), [](const Config::Value& v) { return v.as_double(); });
  out.metrics = read_metrics_option(config.find("metrics"), outputs);
  out.weighted_metrics = read_metrics_option(config.find("weighted_metrics"), outputs);
  const auto* eagerly = config.find("run_eagerly");
  out.run_eagerly = eagerly != nullptr && eagerly->kind() == Kind::boolean && eagerly->as_bool();
  return out;
}

}  // namespace strata
