/// \file
/// Taps: what layers inside of a model give while it runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/layer.h"
#include "strata/model.h"

namespace strata {

/// What model.tap() returns. Works eagerly and inside function(), for models of every kind.
///
///     Tensor maps = model.tap("inception_block8/cat")(x);
///     auto [maps, logits] = model.taps({"inception_block8/cat", "classifier"})(x).as<2>();
class STRATA_API Tap {
 public:
  struct Result {
    Outputs output;  ///< of the model
    Tensors tapped;  ///< the first output of each layer's first call, in the order of the names
  };

  Tap(const Model& model, const std::vector<std::string>& layers);

  /// Runs the model and gives what the layers gave. Throws ValueError where one of them was not called.
  Outputs operator()(const Inputs& inputs) const { return run(inputs, false).tapped; }
  Outputs operator()(const Inputs& inputs, Training training) const { return run(inputs, training.value).tapped; }
  /// The same with the model's own output, of one run: a tape that is open records both.
  Result run(const Inputs& inputs, bool training = false) const;
  /// The layers' paths below the model.
  const std::vector<std::string>& names() const { return names_; }

 private:
  Model model_;
  std::vector<std::string> names_;
  std::vector<std::shared_ptr<LayerState>> layers_;
};

}  // namespace strata
