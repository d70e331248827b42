// A computation that is done again for its results alone.
#pragma once

#include "graph/op.h"

namespace strata::detail {

// Whether an op changes something (a variable, a file) and gives nothing.
bool is_change(const Op& op);

// While it lives, changes by this thread are left out: they have happened.
class RepeatScope {
 public:
  RepeatScope();
  ~RepeatScope();
  RepeatScope(const RepeatScope&) = delete;
  RepeatScope& operator=(const RepeatScope&) = delete;
};
bool repeats();

}  // namespace strata::detail
