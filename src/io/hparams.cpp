// Hyper-parameters for TensorBoard's HPARAMS page, and the search over them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>

#include "io/protobuf.h"
#include "io/summary_values.h"
#include "strata/tensorboard.h"

namespace strata::hparams {

namespace {

using protozero::pbf_writer;

// Field numbers of tensorboard.hparams.HParamsPluginData and what it holds; google.protobuf.Value.
enum PluginData { kVersion = 1, kExperiment = 2, kSessionStart = 3, kSessionEnd = 4 };
enum ExperimentField { kTimeCreated = 3, kHParamInfos = 4, kMetricInfos = 5 };
enum HParamField { kHParamName = 1, kHParamType = 4, kDomainDiscrete = 5, kDomainInterval = 6 };
enum MetricField { kMetricName = 1, kMetricDisplay = 3 };
enum SessionField { kHParams = 1, kGroupName = 4, kStartTime = 5 };
enum ValueField { kNumber = 2, kString = 3, kBool = 4 };
enum TypeNumber { kTypeString = 1, kTypeBool = 2, kTypeFloat = 3 };
constexpr int kStatusSuccess = 1;

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string value_proto(const Config::Value& v, const std::string& name) {
  using Kind = Config::Value::Kind;
  std::string out;
  pbf_writer writer(out);
  switch (v.kind()) {
    case Kind::boolean:
      writer.add_bool(kBool, v.as_bool());
      break;
    case Kind::integer:
    case Kind::real:
      writer.add_double(kNumber, v.as_double());
      break;
    case Kind::string:
      writer.add_string(kString, v.as_string());
      break;
    default:
      throw ValueError("hparams: the value of '" + name + "' is neither a bool, a number nor a string.");
  }
  return out;
}

bool write_plugin_data(const std::string& tag, int field, const std::string& message) {
  std::string data;
  {
    pbf_writer out(data);
    out.add_int32(kVersion, 0);
    out.add_message(field, message);
  }
  return summary::detail::write_value(summary::summary_value(tag, summary::float_tensor({}, {0}), {"hparams", data}),
                                      0);
}

std::string hparam_info(const HParam& h) {
  std::string out;
  pbf_writer writer(out);
  writer.add_string(kHParamName, h.name);
  if (h.is_interval) {
    writer.add_enum(kHParamType, kTypeFloat);
    std::string interval;
    {
      pbf_writer bounds(interval);
      bounds.add_double(1, h.low);
      bounds.add_double(2, h.high);
    }
    writer.add_message(kDomainInterval, interval);
    return out;
  }
  using Kind = Config::Value::Kind;
  const Kind kind = h.values[0].kind();
  writer.add_enum(kHParamType, kind == Kind::string ? kTypeString : kind == Kind::boolean ? kTypeBool : kTypeFloat);
  std::string list;
  for (const Config::Value& v : h.values) pbf_writer(list).add_message(1, value_proto(v, h.name));
  writer.add_message(kDomainDiscrete, list);
  return out;
}

std::string metric_info(const Metric& m) {
  std::string name, out;
  {
    pbf_writer writer(name);
    writer.add_string(1, m.group);
    writer.add_string(2, m.tag);
  }
  pbf_writer writer(out);
  writer.add_message(kMetricName, name);
  writer.add_string(kMetricDisplay, m.display_name.empty() ? m.tag : m.display_name);
  return out;
}

}  // namespace

HParam::HParam(const std::string& name, const std::vector<Config::Value>& values) : name(name), values(values) {
  if (values.empty()) throw ValueError("HParam '" + name + "': there are no values to choose from.");
  for (const Config::Value& v : values) value_proto(v, name);
}

HParam HParam::integers(const std::string& name, std::int64_t low, std::int64_t high) {
  HParam h = reals(name, static_cast<double>(low), static_cast<double>(high));
  h.is_integer = true;
  return h;
}

HParam HParam::reals(const std::string& name, double low, double high, bool log) {
  if (!(low < high) || (log && !(low > 0)))
    throw ValueError(fmt::format("HParam '{}': the interval from {} to {} is {}.", name, low, high,
                                 low < high ? "not positive, as a logarithm needs" : "empty"));
  HParam h(name, {low});
  h.low = low;
  h.high = high;
  h.is_interval = true;
  h.is_log = log;
  return h;
}

bool hparams_config(const std::vector<HParam>& hparams, const std::vector<Metric>& metrics) {
  std::string experiment;
  {
    pbf_writer out(experiment);
    out.add_double(kTimeCreated, now());
    for (const HParam& h : hparams) out.add_message(kHParamInfos, hparam_info(h));
    for (const Metric& m : metrics) out.add_message(kMetricInfos, metric_info(m));
  }
  return write_plugin_data("_hparams_/experiment", kExperiment, experiment);
}

bool hparams(const Config& values, const std::string& trial_id) {
  std::string start, end;
  {
    pbf_writer out(start);
    for (const auto& [name, value] : values.entries()) {
      std::string entry;
      {
        pbf_writer pair(entry);
        pair.add_string(1, name);
        pair.add_message(2, value_proto(value, name));
      }
      out.add_message(kHParams, entry);
    }
    const std::string id =
        trial_id.empty() ? fmt::format("{:016x}", std::hash<std::string>()(values.to_json())) : trial_id;
    out.add_string(kGroupName, id);
    out.add_double(kStartTime, now());
  }
  {
    pbf_writer out(end);
    out.add_enum(1, kStatusSuccess);
    out.add_double(2, now());
  }
  return write_plugin_data("_hparams_/session_start_info", kSessionStart, start) &&
         write_plugin_data("_hparams_/session_end_info", kSessionEnd, end);
}

namespace {

// A share of the interval between 0 and 1 as a value.
Config::Value value_at(const HParam& h, double share) {
  const double v = h.is_log ? h.low * std::pow(h.high / h.low, share) : h.low + (h.high - h.low) * share;
  if (h.is_integer) return static_cast<std::int64_t>(std::llround(v));
  return v;
}

std::vector<Config> grid_of(const std::vector<HParam>& space, int steps) {
  std::vector<Config> out = {Config()};
  for (const HParam& h : space) {
    std::vector<Config::Value> values = h.values;
    if (h.is_interval) {
      values.clear();
      for (int i = 0; i < steps; ++i) {
        const Config::Value v = value_at(h, steps == 1 ? 0.5 : static_cast<double>(i) / (steps - 1));
        if (std::find(values.begin(), values.end(), v) == values.end()) values.push_back(v);
      }
    }
    std::vector<Config> next;
    for (const Config& c : out)
      for (const Config::Value& v : values) {
        next.push_back(c);
        next.back().set(h.name, v);
      }
    out = std::move(next);
  }
  return out;
}

std::vector<Config> random_choices(const std::vector<HParam>& space, const SearchOptions& options) {
  std::mt19937_64 generator(static_cast<std::uint64_t>(options.seed));
  std::vector<Config> out(static_cast<std::size_t>(options.trials));
  for (Config& c : out)
    for (const HParam& h : space) {
      // Of the generator's own bits: the standard's distributions differ between libraries.
      const double share = static_cast<double>(generator() >> 11) * 0x1p-53;
      const auto index = static_cast<std::size_t>(share * static_cast<double>(h.values.size()));
      c.set(h.name, h.is_interval ? value_at(h, share) : h.values[index]);
    }
  return out;
}

}  // namespace

Trials detail::run_search(const std::vector<HParam>& space, const SearchOptions& options, RunTrial run, void* context) {
  if (options.method != "grid" && options.method != "random")
    throw ValueError("hparams::search: method is \"" + options.method + "\". Use \"grid\" or \"random\".");
  if (space.empty() || options.trials < 1 || options.steps < 1)
    throw ValueError(
        "hparams::search: there is nothing to try. Give hyper-parameters, and trials and steps of 1 or more.");
  const auto choices = options.method == "grid" ? grid_of(space, options.steps) : random_choices(space, options);
  {
    const auto writer = summary::create_file_writer(options.logdir);
    const auto scope = writer.as_default();
    hparams_config(space, {{options.metric}});
  }
  Trials out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::string logdir = fmt::format("{}/trial-{:03}", options.logdir, i);
    const double score = run(context, choices[i], logdir);
    const auto writer = summary::create_file_writer(logdir);
    const auto scope = writer.as_default();
    hparams(choices[i], fmt::format("trial-{:03}", i));
    summary::scalar(options.metric, score, {.step = 0});
    out.push_back({choices[i], score, logdir});
  }
  std::stable_sort(out.begin(), out.end(), [&](const Trial& a, const Trial& b) {
    if (std::isnan(a.score) || std::isnan(b.score)) return !std::isnan(a.score) && std::isnan(b.score);
    return options.maximize ? a.score > b.score : a.score < b.score;
  });
  return out;
}

}  // namespace strata::hparams
