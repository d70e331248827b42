#include "graph/repeat.h"

#include "graph/registry.h"
#include "graph/variable_ops.h"

namespace strata::detail {

namespace {
thread_local int scopes = 0;
}

// The registry makes ops with results from their configuration, and none that write.
bool is_change(const Op& op) {
  if (!op.has_effect() || dynamic_cast<const ReadVariable*>(&op) != nullptr) return false;
  if (dynamic_cast<const WritesVariables*>(&op) != nullptr) return true;
  const OpRow* row = registry().find(op.name());
  return row != nullptr && row->from_config == nullptr;
}

RepeatScope::RepeatScope() { ++scopes; }
RepeatScope::~RepeatScope() { --scopes; }
bool repeats() { return scopes > 0; }

}  // namespace strata::detail
