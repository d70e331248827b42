// Loops over threads, only where there is enough work to pay for them.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace strata::kernels {

// Below this many elementary steps a team of threads costs more than it brings.
inline constexpr std::int64_t kParallelWork = 32768;

// Calls f(begin, end) for parts of [0, n); each index costs about `cost` elementary steps. f must not throw, and its
// results must not depend on how [0, n) is cut.
template <class F>
void parallel_for(std::int64_t n, std::int64_t cost, F&& f) {
  if (n <= 0) return;
  const std::int64_t useful = std::min<std::int64_t>(n, n * std::max<std::int64_t>(cost, 1) / kParallelWork + 1);
  const int threads = static_cast<int>(std::min<std::int64_t>(useful, omp_in_parallel() ? 1 : omp_get_max_threads()));
  if (threads <= 1) {
    f(std::int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
    const std::int64_t begin = n / parts * part + std::min(part, n % parts);
    f(begin, begin + n / parts + (part < n % parts ? 1 : 0));
  }
}

}  // namespace strata::kernels
