#include "kernels/parallel.h"

#include <omp.h>

#include <algorithm>

namespace strata::kernels {

void parallel_ranges(std::int64_t n, std::int64_t cost, void (*part)(void*, std::int64_t, std::int64_t), void* f) {
  if (n <= 0) return;
  const std::int64_t useful = std::min<std::int64_t>(n, n * std::max<std::int64_t>(cost, 1) / kParallelWork + 1);
  const int threads = static_cast<int>(std::min<std::int64_t>(useful, omp_in_parallel() ? 1 : omp_get_max_threads()));
  if (threads <= 1) {
    part(f, 0, n);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t index = omp_get_thread_num(), parts = omp_get_num_threads();
    const std::int64_t begin = n / parts * index + std::min(index, n % parts);
    part(f, begin, begin + n / parts + (index < n % parts ? 1 : 0));
  }
}

}  // namespace strata::kernels
