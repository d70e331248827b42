#include "kernels/peak.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "core/tensor_data.h"
#include "kernels/matmul.h"

namespace strata::kernels {
namespace {

double measure(DType dtype, int threads) {
  constexpr std::int64_t kSize = 1024;
  const std::size_t bytes = static_cast<std::size_t>(kSize * kSize) * size_of(dtype);
  const detail::Buffer a(bytes), b(bytes), product(bytes);
  std::memset(a.data(), 0, bytes);
  std::memset(b.data(), 0, bytes);
  const std::int64_t only[] = {0};
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  double best = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    matmul(dtype, {kSize, kSize, kSize}, a.data(), only, b.data(), only, product.data());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2e-9 * kSize * kSize * kSize / seconds);
  }
  omp_set_num_threads(before);
  return best;
}

}  // namespace

double peak_gflops(DType dtype, int threads) {
  static std::mutex mutex;
  static std::map<std::pair<DType, int>, double>& known = *new std::map<std::pair<DType, int>, double>;
  if (!is_floating(dtype)) return 0;
  const std::lock_guard lock(mutex);
  const auto [it, is_new] = known.try_emplace({dtype, threads}, 0);
  if (is_new) it->second = measure(dtype, threads);
  return it->second;
}

}  // namespace strata::kernels
