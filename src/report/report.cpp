#include "strata/report.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "core/atomic_file.h"
#include "report/html.h"
#include "report/targets.h"
#include "strata/array.h"
#include "strata/evaluation.h"
#include "strata/math.h"
#include "strata/plot.h"
#include "strata/reduce.h"
#include "strata/understanding.h"
#include "strata/version.h"

namespace strata::report {

namespace {

using Json = nlohmann::ordered_json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Labels and scores, with hard predictions.
struct Predictions {
  Tensor truth, score, predicted;
  std::vector<std::int64_t> true_labels, predicted_labels;
  std::vector<std::string> names;  // of all classes, or none
};

Predictions read_predictions(const ReportOptions& o) {
  Predictions p;
  const Shape shape = o.y_score.shape();
  p.truth = evaluation::is_multilabel(o.y_true) ? argmax(o.y_true, 1) : reshape(cast(o.y_true, int64), {-1});
  p.score = shape.size() == 2 && shape[1] == 1 ? reshape(o.y_score, {-1}) : o.y_score;
  if (p.score.rank() != 1 && p.score.rank() != 2)
    throw ShapeError("report::write: y_score has shape " + to_string(shape) +
                     ", but (n, classes) or (n,) was expected.");
  if (p.truth.shape()[0] != p.score.shape()[0])
    throw ShapeError(
        fmt::format("report::write: y_true has {} samples and y_score {}.", p.truth.shape()[0], p.score.shape()[0]));
  p.predicted = p.score.rank() == 2 ? argmax(p.score, 1) : cast(p.score > 0.5, int64);
  p.true_labels = p.truth.to_vector<std::int64_t>();
  p.predicted_labels = p.predicted.to_vector<std::int64_t>();
  const std::int64_t classes = p.score.rank() == 2 ? p.score.shape()[1] : 2;
  if (!o.class_names.empty() && static_cast<std::int64_t>(o.class_names.size()) != classes)
    throw ValueError(
        fmt::format("report::write: {} class_names are given for {} classes.", o.class_names.size(), classes));
  p.names = o.class_names;
  return p;
}

std::string name_of(const Predictions& p, std::int64_t label) {
  const auto i = static_cast<std::size_t>(label);
  return label >= 0 && i < p.names.size() ? p.names[i] : std::to_string(label);
}

// The labels that a table of all classes has.
evaluation::Labels all_labels(const Predictions& p) {
  evaluation::Labels labels(static_cast<std::size_t>(p.score.rank() == 2 ? p.score.shape()[1] : 2));
  std::iota(labels.begin(), labels.end(), std::int64_t{0});
  return labels;
}

void add_evaluation(html::Page& page, Json& numbers, const Predictions& p, const ReportOptions& o) {
  const auto labels = all_labels(p);
  const auto report =
      evaluation::classification_report(p.truth, p.predicted, {.labels = labels, .target_names = p.names});
  numbers["accuracy"] = evaluation::accuracy_score(p.truth, p.predicted);
  numbers["macro F1"] = report["macro avg"].f1_score;
  evaluation::RocAucOptions auc_options;
  if (p.score.rank() == 2 && p.score.shape()[1] > 2) auc_options.labels = labels;
  const double auc = evaluation::roc_auc_score(p.truth, p.score, auc_options);
  if (std::isfinite(auc)) numbers["ROC AUC"] = auc;
  page.section("Classification report", html::preformatted(report.to_string()));
  std::vector<std::string> names;
  for (std::int64_t label : labels) names.push_back(name_of(p, label));
  const Tensor table = evaluation::confusion_matrix(p.truth, p.predicted, {.labels = labels});
  page.section(
      "Confusion",
      html::figure(plot::heatmap(
          table, {.tick_labels = names, .x_label = "predicted", .y_label = "true", .annotate = labels.size() <= 30})));
  const plot::ClassCurveOptions curve{.class_names = o.class_names};
  page.section("ROC, precision and recall, calibration",
               "<div class=\"grid\">" + html::figure(plot::roc_curve(p.truth, p.score, curve)) +
                   html::figure(plot::precision_recall_curve(p.truth, p.score, curve)) +
                   html::figure(plot::calibration_curve(p.truth, p.score, curve)) + "</div>");
}

// The mistakes that the model was surest of.
void add_mistakes(html::Page& page, const Predictions& p, const ReportOptions& o) {
  const std::vector<double> scores = p.score.to_vector<double>();
  const auto n = p.true_labels.size();
  const std::size_t width = p.score.rank() == 2 ? static_cast<std::size_t>(p.score.shape()[1]) : 1;
  const auto confidence = [&](std::size_t i) {
    if (width > 1) return scores[i * width + static_cast<std::size_t>(p.predicted_labels[i])];
    return p.predicted_labels[i] == 1 ? scores[i] : 1 - scores[i];
  };
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < n; ++i)
    if (p.true_labels[i] != p.predicted_labels[i]) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](std::size_t a, std::size_t b) { return confidence(a) > confidence(b); });
  const std::size_t shown = std::min(wrong.size(), static_cast<std::size_t>(std::max(o.worst, 0)));
  const std::string summary = fmt::format("<p>{} of {} samples are wrong. The surest of them:</p>", wrong.size(), n);
  if (shown == 0) return page.section("Mistakes", wrong.empty() ? "<p>There are none.</p>" : summary);
  if (o.images.defined()) {
    if (o.images.shape()[0] != p.truth.shape()[0])
      throw ShapeError(fmt::format("report::write: images has {} samples and y_true {}.", o.images.shape()[0], n));
    Tensors images;
    std::vector<std::string> titles;
    for (std::size_t k = 0; k < shown; ++k) {
      const std::size_t i = wrong[k];
      images.push_back(o.images[static_cast<std::int64_t>(i)]);
      titles.push_back(fmt::format("{} → {} {:.2f}", name_of(p, p.true_labels[i]), name_of(p, p.predicted_labels[i]),
                                   confidence(i)));
    }
    return page.section("Worst mistakes",
                        summary + html::figure(plot::image_grid(stack(images), {.columns = 5, .titles = titles})));
  }
  html::Table table{{"sample", "true", "predicted", "probability"}, {}};
  for (std::size_t k = 0; k < shown; ++k) {
    const std::size_t i = wrong[k];
    table.rows.push_back({std::to_string(i), name_of(p, p.true_labels[i]), name_of(p, p.predicted_labels[i]),
                          fmt::format("{:.4f}", confidence(i))});
  }
  page.section("Worst mistakes", summary + html::table(table));
}

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

Pairs environment(const ReportOptions& o) {
  utsname system{};
  uname(&system);
  char when[64];
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &local);
  Pairs out = {{"date", when},
               {"strata", std::string(version())},
               {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
               {"processor", processor()},
               {"threads", std::to_string(std::thread::hardware_concurrency())}};
  if (o.seed) out.emplace_back("seed", std::to_string(*o.seed));
  out.insert(out.end(), o.settings.begin(), o.settings.end());
  return out;
}

html::Table two_columns(const Pairs& pairs) {
  html::Table table{{"", ""}, {}};
  for (const auto& [name, value] : pairs) table.rows.push_back({name, value});
  return table;
}

Json read_previous(const std::string& path) {
  std::ifstream in(path);
  if (!in) return {};
  try {
    return Json::parse(in);
  } catch (const Json::exception&) {
    throw FileError("report::write: '" + path + "' is there but is no report's JSON. Remove it, or write elsewhere.");
  }
}

std::string text_of(const Json& value) {
  return value.is_number()   ? fmt::format("{:.6g}", value.get<double>())
         : value.is_string() ? value.get<std::string>()
                             : value.dump();
}

// Numbers and settings that differ, beside those of the run before.
void add_changes(html::Page& page, const Json& before, const Json& now) {
  if (before.is_null() || !before.is_object()) return;
  std::string rows;
  for (const char* part : {"numbers", "settings"}) {
    const Json old = before.value(part, Json::object()), fresh = now.value(part, Json::object());
    for (const auto& [name, value] : fresh.items()) {
      if (!old.contains(name)) {
        rows += fmt::format("<tr><td>{}</td><td>-</td><td>{}</td><td>new</td></tr>", html::escaped(name),
                            html::escaped(text_of(value)));
        continue;
      }
      if (old[name] == value) continue;
      std::string change;
      if (value.is_number() && old[name].is_number()) {
        const double by = value.get<double>() - old[name].get<double>();
        const bool smaller_is_better =
            name.find("loss") != std::string::npos || name.find("error") != std::string::npos;
        change =
            fmt::format("<span class=\"{}\">{:+.4g}</span>", (by > 0) != smaller_is_better ? "better" : "worse", by);
      }
      rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", html::escaped(name),
                          html::escaped(text_of(old[name])), html::escaped(text_of(value)), change);
    }
  }
  page.section("Against the run before", rows.empty()
                                             ? "<p>Nothing changed.</p>"
                                             : "<table><thead><tr><th></th><th>before</th><th>now</th><th></th>"
                                               "</tr></thead><tbody>" +
                                                   rows + "</tbody></table>");
}

void add_model(html::Page& page, Json& numbers, const Model& model) {
  page.section("Model", html::preformatted(model.summary_text()));
  const understanding::Cost cost = understanding::cost(model);
  numbers["parameters"] = cost.total.parameters;
  numbers["multiply-adds"] = cost.total.multiply_adds;
  std::vector<std::pair<std::string, double>> shares;
  for (const auto& row : cost.rows) shares.emplace_back(row.name, row.milliseconds);
  page.section(
      "Cost of a forward pass of one sample",
      html::preformatted(cost.to_string()) + html::figure(plot::bars(shares, {.title = "Time", .x_label = "ms"})));
}

}  // namespace

void write(const std::string& path, const ReportOptions& options) {
  if (options.y_true.defined() != options.y_score.defined())
    throw ValueError("report::write: y_true and y_score belong together; one of them is missing.");
  const std::string json_path = std::filesystem::path(path).replace_extension(".json").string();
  const Json before = read_previous(json_path);
  Json now = Json::object();
  Json numbers = Json::object();
  html::Page page(options.title);
  for (const auto& [name, values] : options.history.history)
    if (!values.empty()) numbers[name] = values.back();
  std::optional<Predictions> predictions;
  if (options.y_true.defined()) predictions = read_predictions(options);
  html::Page body("");
  if (options.history.history.size() > 0) body.section("Training", html::figure(plot::history(options.history)));
  if (predictions) {
    add_evaluation(body, numbers, *predictions, options);
    add_mistakes(body, *predictions, options);
  }
  if (options.model) add_model(body, numbers, *options.model);
  now["numbers"] = numbers;
  now["settings"] = Json::object();
  if (options.seed) now["settings"]["seed"] = std::to_string(*options.seed);
  for (const auto& [name, value] : options.settings) now["settings"][name] = value;
  Pairs listed;
  for (const auto& [name, value] : numbers.items()) listed.emplace_back(name, text_of(value));
  if (!listed.empty()) page.section("Numbers", html::table(two_columns(listed)));
  add_changes(page, before, now);
  page.add(body.content());
  page.section("Environment", html::table(two_columns(environment(options))));
  page.save(path);
  const std::string text = now.dump(2) + "\n";
  AtomicFile file(json_path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace strata::report
