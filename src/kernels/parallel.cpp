#include "kernels/parallel.h"

#include <omp.h>

#include <algorithm>

namespace strata::kernels {

std::int64_t team_size(std::int64_t steps, std::int64_t most) {
  const std::int64_t useful = std::min(most, steps / kParallelWork + 1);
  return std::max<std::int64_t>(std::min<std::int64_t>(useful, omp_in_parallel() ? 1 : omp_get_max_threads()), 1);
}

void parallel_team(std::int64_t steps, std::int64_t most, void (*part)(void*, std::int64_t, std::int64_t), void* f) {
  const int threads = static_cast<int>(team_size(steps, most));
  if (threads == 1) {
    part(f, 0, 1);
    return;
  }
#pragma omp parallel num_threads(threads)
  part(f, omp_get_thread_num(), omp_get_num_threads());
}

}  // namespace strata::kernels
