// Loops over threads, only where there is enough work to pay for them.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "strata/export.h"

namespace strata::kernels {

// Below this many elementary steps a team of threads costs more than it brings.
inline constexpr std::int64_t kParallelWork = 32768;

// Indices [begin, end) of the ones that threads share.
struct Share {
  std::int64_t begin, end;
};
// What thread `index` of `threads` has of [0, n): all loops here cut so. Where loops over the same memory are cut
// alike, threads find in their caches what they wrote.
constexpr Share share_of(std::int64_t n, std::int64_t index, std::int64_t threads) {
  const std::int64_t each = n / threads, more = n % threads;
  const std::int64_t begin = each * index + (index < more ? index : more);
  return {begin, begin + each + (index < more ? 1 : 0)};
}

// How many threads are worth their while for `steps` elementary steps, at most `most`.
STRATA_API std::int64_t team_size(std::int64_t steps, std::int64_t most);

// Calls part(f, index, threads) on each thread of a team of that size.
STRATA_API void parallel_team(std::int64_t steps, std::int64_t most, void (*part)(void*, std::int64_t, std::int64_t),
                              void* f);

// The same for any callable f(index, threads), which must not throw. Through a pointer, so that loops are compiled
// once, not once for one thread and again for many.
template <class F>
void parallel_threads(std::int64_t steps, std::int64_t most, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto part = [](void* p, std::int64_t index, std::int64_t threads) { (*static_cast<Function*>(p))(index, threads); };
  parallel_team(steps, most, part, const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

// Calls part(f, begin, end) as parallel_for() says.
STRATA_API void parallel_ranges(std::int64_t n, std::int64_t cost, void (*part)(void*, std::int64_t, std::int64_t),
                                void* f);

// Calls f(begin, end) for the parts of [0, n) that share_of() says; each index costs about `cost` elementary steps. f
// must not throw, and its results must not depend on how [0, n) is cut.
template <class F>
void parallel_for(std::int64_t n, std::int64_t cost, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto part = [](void* p, std::int64_t begin, std::int64_t end) { (*static_cast<Function*>(p))(begin, end); };
  parallel_ranges(n, cost, part, const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

}  // namespace strata::kernels
