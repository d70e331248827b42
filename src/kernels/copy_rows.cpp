#include "kernels/copy_rows.h"

#include <cstring>

#include "kernels/parallel.h"

namespace strata::kernels {

namespace {

// Rows from anywhere are waited for, not moved: two threads wait for twice as many. A team that sleeps, as beside a
// pipeline, costs more to wake than that until batches are large; that of a training step is awake.
constexpr std::size_t kParallelBytes = std::size_t{64} << 10;

}  // namespace

void copy_rows(void* dst, const void* src, const std::int64_t* rows, std::int64_t count, std::size_t row_bytes) {
  if (row_bytes == 0) return;
  const bool large = static_cast<std::size_t>(count) * row_bytes >= kParallelBytes;
  parallel_for(count, large ? kParallelWork : 0, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      // The next rows are anywhere in memory: the hardware cannot guess them.
      if (i + 2 < end) {
        const char* ahead = static_cast<const char*>(src) + static_cast<std::size_t>(rows[i + 2]) * row_bytes;
        for (std::size_t b = 0; b < row_bytes && b < 1024; b += 64) __builtin_prefetch(ahead + b);
      }
      std::memcpy(static_cast<char*>(dst) + static_cast<std::size_t>(i) * row_bytes,
                  static_cast<const char*>(src) + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes);
    }
  });
}

}  // namespace strata::kernels
