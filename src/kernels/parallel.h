// Loops over threads, only where there is enough work to pay for them.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "strata/export.h"

namespace strata::kernels {

// Below this many elementary steps a team of threads costs more than it brings.
inline constexpr std::int64_t kParallelWork = 32768;

// Calls part(f, begin, end) as parallel_for() below says.
STRATA_API void parallel_ranges(std::int64_t n, std::int64_t cost, void (*part)(void*, std::int64_t, std::int64_t),
                                void* f);

// Calls f(begin, end) for parts of [0, n); each index costs about `cost` elementary steps. f must not throw, and its
// results must not depend on how [0, n) is cut. Through a pointer, so that loops are compiled once, not once for one
// thread and again for many.
template <class F>
void parallel_for(std::int64_t n, std::int64_t cost, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto part = [](void* p, std::int64_t begin, std::int64_t end) { (*static_cast<Function*>(p))(begin, end); };
  parallel_ranges(n, cost, part, const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

}  // namespace strata::kernels
