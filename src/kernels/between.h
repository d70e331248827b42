// Small steps of one work that are done between those of another one, where the two keep different units of the
// processor busy.
#pragma once

#include <cstdint>

namespace strata::kernels {

// step(work) may be called after every `each` elements of the other work; null: there is nothing to do.
struct Between {
  void (*step)(void* work) = nullptr;
  void* work = nullptr;
  std::int64_t each = 0;
};

}  // namespace strata::kernels
