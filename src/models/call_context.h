// The place in which layers are called: inside of which others, in training or not, and in which type they compute.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/variable.h"
#include "models/layer_state.h"

namespace strata {

struct CallContext {
  std::vector<std::shared_ptr<LayerState>> layers;
  std::optional<bool> training;
  std::optional<DType> autocast;
  std::string scope_name;
};
CallContext current_call_context();

// While it lives, this thread calls layers in that context; losses that they add are dropped.
class CallContextScope {
 public:
  explicit CallContextScope(const CallContext& context);
  ~CallContextScope();
  CallContextScope(const CallContextScope&) = delete;
  CallContextScope& operator=(const CallContextScope&) = delete;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace strata
