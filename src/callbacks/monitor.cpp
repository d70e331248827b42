#include "callbacks/monitor.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "strata/metrics.h"

namespace strata::callbacks {

namespace {

std::string names_of(const Logs& logs) {
  std::string out;
  for (const std::string& n : logs.names()) out += (out.empty() ? "" : ", ") + n;
  return out;
}

// From a metric's class, or a name in Keras's spelling; nothing where neither is known.
std::optional<bool> direction_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::erase(name, '_');
  for (const char* up : {"acc", "auc", "precision", "recall", "sensitivity", "specificity", "iou", "fbeta", "f1", "r2",
                         "truepositives", "truenegatives", "cosinesimilarity", "fmeasure", "pearson", "concordance"})
    if (name.find(up) != std::string::npos) return true;
  for (const char* down : {"loss", "error", "crossentropy", "hinge", "poisson", "divergence", "kld", "mse", "mae",
                           "mape", "msle", "rmse", "bce", "logcosh", "falsepositives", "falsenegatives", "huber"})
    if (name.find(down) != std::string::npos) return false;
  return {};
}

}  // namespace

Monitor::Monitor(const char* where, const std::string& name, const std::string& mode, double min_delta)
    : where_(where), name_(name), mode_(mode), min_delta_(std::abs(min_delta)) {
  if (mode != "auto" && mode != "min" && mode != "max")
    throw ValueError(std::string(where) + ": mode is '" + mode + "'. Use \"auto\", \"min\" or \"max\".");
}

std::optional<double> Monitor::value(const Logs& logs) {
  if (logs.contains(name_)) return logs.at(name_);
  if (!has_warned_)
    std::cerr << "warning: " << where_ << " watches '" << name_
              << "', which is not in the logs. There is: " << names_of(logs) << ".\n";
  has_warned_ = true;
  return {};
}

bool Monitor::is_upward(const Model& model) {
  if (mode_ != "auto") return mode_ == "max";
  if (is_upward_) return *is_upward_;
  const std::string metric = name_.starts_with("val_") ? name_.substr(4) : name_;
  if (model.compiled())
    for (const auto& m : model.metrics())
      if (m.name() == metric || metric.ends_with("_" + m.name())) is_upward_ = direction_of(m.class_name());
  if (!is_upward_) is_upward_ = direction_of(metric);
  if (!is_upward_)
    throw ValueError(
        std::string(where_) + ": whether '" + name_ +
        "' is to rise or to fall cannot be told from its name. Say so: .mode = \"max\" or .mode = \"min\".");
  return *is_upward_;
}

bool Monitor::is_better(double value, const std::optional<double>& reference, const Model& model) {
  const bool up = is_upward(model);
  if (!reference) return true;
  return up ? value - min_delta_ > *reference : value + min_delta_ < *reference;
}

std::string format_path(const std::string& path, int epoch, std::optional<std::int64_t> batch, const Logs& logs) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::size_t end = path[i] == '{' ? path.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      out += path[i];
      continue;
    }
    const std::string field = path.substr(i + 1, end - i - 1);
    const std::string name = field.substr(0, field.find(':'));
    const std::string pattern = "{" + (name.size() < field.size() ? field.substr(name.size()) : "") + "}";
    try {
      if (name == "epoch")
        out += fmt::format(fmt::runtime(pattern), epoch + 1);
      else if (name == "batch" && batch)
        out += fmt::format(fmt::runtime(pattern), *batch + 1);
      else if (logs.contains(name))
        out += pattern == "{}" ? python_number(logs.at(name)) : fmt::format(fmt::runtime(pattern), logs.at(name));
      else
        throw ValueError("ModelCheckpoint: the path '" + path + "' names '" + name +
                         "', which is not there. There is: epoch, " + (batch ? "batch, " : "") + names_of(logs) + ".");
    } catch (const fmt::format_error& e) {
      throw ValueError("ModelCheckpoint: the path '" + path + "' has a format that cannot be used: '" + field + "' (" +
                       e.what() + "). Write such as {epoch:02d} or {val_loss:.2f}.");
    }
    i = end;
  }
  return out;
}

std::string python_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == std::floor(value) && std::abs(value) < 1e16) return fmt::format("{:.1f}", value);
  return fmt::format("{}", value);
}

}  // namespace strata::callbacks
