// Sees the calls of layers: for taps, and for drawings and costs of models.
#pragma once

#include "models/layer_state.h"

namespace strata {

class STRATA_API CallObserver {
 public:
  virtual ~CallObserver();
  // With what the layer was called, before its casts.
  virtual void on_enter(LayerState& layer, const Tensors& inputs) = 0;
  // What the layer gets instead of its inputs, which were cast for it.
  virtual Tensors inputs_of(LayerState& layer, const Tensors& inputs);
  virtual void on_leave(LayerState& layer, const Tensors& results) = 0;
};

// While it lives, the calls of this thread are shown to the observer, too.
class STRATA_API ObserverScope {
 public:
  explicit ObserverScope(CallObserver& observer);
  ~ObserverScope();
  ObserverScope(const ObserverScope&) = delete;
  ObserverScope& operator=(const ObserverScope&) = delete;

 private:
  CallObserver* outer_;
};

// The observer of this thread, or null.
CallObserver* current_observer();

}  // namespace strata
