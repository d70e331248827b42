/// \file
/// doctor(): looks for the common slips before a training is run.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "strata/loss.h"
#include "strata/model.h"

namespace strata {

/// What doctor() found: what is the matter and where, why it matters, and the line to write.
struct STRATA_API Finding {
  /// "logits", "labels", "input_range", "sorted_labels", "batch_norm", "no_gradient", "validation_is_training" or
  /// "last_batch".
  std::string kind;
  std::string where;   ///< a layer, weight or argument
  std::string text;    ///< what and why, in full sentences
  std::string remedy;  ///< what to write
  /// "text remedy"
  std::string message() const { return text + " " + remedy; }
};

struct STRATA_API DoctorReport {
  std::vector<Finding> findings;
  bool empty() const { return findings.empty(); }
  bool contains(const std::string& kind) const;
  /// One line for each finding, or one that says that there is none.
  std::string text() const;
};
STRATA_API std::ostream& operator<<(std::ostream& out, const DoctorReport& report);

struct DoctorOptions {
  ValidationData validation_data = {};
  int batches = 8;      ///< of the data set that are looked at
  int batch_size = 32;  ///< of arrays
};

/// Runs a few batches through the model and one training step of a compiled one, and puts everything back as it was.
/// It finds: outputs that are no probabilities in a loss on probabilities; labels of the wrong form for the loss;
/// inputs in 0..255; batches of one class each, from data sorted by label; batch norm that runs in inference mode
/// while training; weights that get no gradient; validation data that is the training data; a training step that
/// reports its last batch as if it were the epoch. fit() warns of the same, but for gradients, while it runs.
///
///     std::cout << doctor(model, dataset, losses::CategoricalCrossentropy());
STRATA_API DoctorReport doctor(const Model& model, const data::AnyDataset& dataset, const losses::Loss& loss,
                               const DoctorOptions& options = {});
/// With the losses that the model is compiled with.
STRATA_API DoctorReport doctor(const Model& model, const data::AnyDataset& dataset, const DoctorOptions& options = {});
STRATA_API DoctorReport doctor(const Model& model, const Inputs& x, const Inputs& y, const losses::Loss& loss,
                               const DoctorOptions& options = {});

}  // namespace strata
