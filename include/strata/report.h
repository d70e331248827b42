/// \file
/// The report card: one self-contained page about a training run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/logs.h"
#include "strata/model.h"
#include "strata/tensor.h"

namespace strata::report {

/// What the page shows; what is left out has no section.
struct ReportOptions {
  std::string title = "Report";
  History history = {};  ///< of fit(): training curves
  Tensor y_true = {};    ///< labels (n,) or one-hot rows
  Tensor y_score = {};   ///< probabilities (n, classes), or (n,) of the second of two classes
  std::vector<std::string> class_names = {};
  Tensor images = {};  ///< (n, h, w, channels): the worst mistakes are shown
  int worst = 25;
  std::optional<Model> model = {};  ///< summary and cost table
  std::optional<std::int64_t> seed = {};
  std::vector<std::pair<std::string, std::string>> settings = {};  ///< learning rate, data, ...: shown, and compared
};

/// Writes `path`, and its numbers beside it as <path without ending>.json. Where that file is there already, it is of
/// the run before: the page says what changed. Throws FileError, ShapeError, ValueError.
///
///     report::write("report.html", {.history = history, .y_true = y_test, .y_score = model.predict(x_test)});
STRATA_API void write(const std::string& path, const ReportOptions& options);

}  // namespace strata::report
