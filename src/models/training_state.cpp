#include "models/training_state.h"

#include "models/model_state.h"

namespace strata {

TrainingState::TrainingState(const Model& model) : generator_(generator_state()) {
  std::vector<Variable> all = model.weights();
  if (const auto& trainer = model_state(model).trainer) {
    for (const auto& m : trainer->all_metrics(model))
      for (const Variable& v : m.variables()) all.push_back(v);
    if (trainer->optimizer().defined())
      for (const Variable& v : trainer->optimizer().variables()) all.push_back(v);
  }
  for (const Variable& v : all)
    if (v.created()) values_.emplace_back(v, v.read());
}

void TrainingState::restore() const {
  for (const auto& [variable, value] : values_) variable.assign(value);
  set_generator_state(generator_);
}

}  // namespace strata
