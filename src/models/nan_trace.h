// Where a number that is not finite comes from: the step is taken back and run again, op by op.
#pragma once

#include "models/training_state.h"

namespace strata {

class StepReplay {
 public:
  // Before the step.
  StepReplay(const Model& model, const Batch& batch);
  // After it: where the loss or a weight is not finite, throws a ValueError that names the first op that made such a
  // value, with the layer that it belongs to and the statistics of its inputs.
  void check(const Logs& logs) const;

 private:
  std::string first_bad_weight() const;
  Model model_;
  Batch batch_;
  TrainingState before_;
};

}  // namespace strata
