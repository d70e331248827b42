#include "kernels/parallel.h"

#include <omp.h>

#include <algorithm>
#if defined(__SANITIZE_THREAD__)
#include <atomic>
#endif

namespace strata::kernels {
namespace {

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer does not see how libgomp, which is not instrumented, starts and ends a team; this tells it.
class TeamOrder {
 public:
  void begin() { order_.load(std::memory_order_acquire); }
  void end() { order_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  std::atomic<int> order_{0};
};
#else
struct TeamOrder {
  void begin() {}
  void end() {}
};
#endif

}  // namespace

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
  TeamOrder order;
  order.end();  // of what came before
#pragma omp parallel num_threads(threads)
  {
    order.begin();
    part(f, omp_get_thread_num(), omp_get_num_threads());
    order.end();
  }
  order.begin();
}

void parallel_ranges(std::int64_t n, std::int64_t cost, void (*part)(void*, std::int64_t, std::int64_t), void* f) {
  if (n <= 0) return;
  parallel_threads(n * std::max<std::int64_t>(cost, 1), n, [&](std::int64_t index, std::int64_t threads) {
    const Share share = share_of(n, index, threads);
    part(f, share.begin, share.end);
  });
}

}  // namespace strata::kernels
