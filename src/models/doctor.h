// The checks of doctor(), and how fit() runs them beside its steps.
#pragma once

#include <optional>
#include <vector>

#include "models/feed.h"
#include "strata/doctor.h"

namespace strata {

using Findings = std::vector<Finding>;

void check_outputs(Findings& found, const Model& model, const std::vector<losses::Loss>& losses, const Tensors& y,
                   const Tensors& outputs);
void check_inputs(Findings& found, const Model& model, const Tensors& x);
void check_gradients(Findings& found, const Model& model, const std::vector<losses::Loss>& losses, const Batch& batch);
void check_validation(Findings& found, const Feed& training, const Feed& validation);

// Batches that hold one class each.
class LabelOrder {
 public:
  void add(const Tensors& y);
  void check(Findings& found, const std::vector<losses::Loss>& losses) const;
  int batches() const { return batches_; }

 private:
  int batches_ = 0, of_one_class_ = 0;
  std::int64_t rows_ = 0;
  bool is_classification_ = true;
};

// What a training step did to batch norms, and what it returns.
class StepEffects {
 public:
  explicit StepEffects(const Model& model);
  void check_batch_norms(Findings& found) const;

 private:
  struct Statistics {
    std::string layer;
    Variable variable;
    Tensor before;
  };
  std::vector<Statistics> statistics_;
};
void check_logs(Findings& found, const Model& model, const Logs& logs);

// Warns on stderr, once in a process for each text.
class FitDoctor {
 public:
  FitDoctor(const Model& model, Trainer& trainer, bool is_on);
  void check_sets(const Feed& training, const Feed& validation);
  void check_batch(const Batch& batch);
  void check_step(const Logs& logs);

 private:
  void warn(const Findings& found) const;
  const Model& model_;
  Trainer& trainer_;
  bool is_on_;
  std::int64_t steps_ = 0;
  LabelOrder order_;
  std::optional<StepEffects> effects_;
};

}  // namespace strata
