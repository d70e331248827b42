// Watches the ops that run eagerly on this thread.
#pragma once

#include <span>

#include "graph/op.h"

namespace strata::detail {

class OpObserver {
 public:
  virtual ~OpObserver() = default;
  virtual void after(const Op& op, std::span<const Tensor> inputs, const Tensors& outputs) = 0;
};

// Null where nobody watches.
OpObserver* current_observer();

class ObserverScope {
 public:
  explicit ObserverScope(OpObserver* observer);
  ~ObserverScope();
  ObserverScope(const ObserverScope&) = delete;
  ObserverScope& operator=(const ObserverScope&) = delete;

 private:
  OpObserver* outer_;
};

}  // namespace strata::detail
