// The values of all that a training step changes, so that it can be taken back.
#pragma once

#include <utility>
#include <vector>

#include "core/generator.h"
#include "models/trainer.h"

namespace strata {

class TrainingState {
 public:
  explicit TrainingState(const Model& model);
  void restore() const;

 private:
  std::vector<std::pair<Variable, Tensor>> values_;
  GeneratorState generator_;
};

}  // namespace strata
