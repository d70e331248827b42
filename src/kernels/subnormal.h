// Numbers so small that they lose digits (below 1.2e-38 in float32) cost processors a hundred times as much as others.
// Moments of weights that get no gradient any more decay to them and stay there, and so do gradients where a network is
// sure of its answers: updates, softmax and products treat them as zero, as TensorFlow does.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#endif

namespace strata::kernels {

// While it lives, subnormal numbers are zero to this thread, read and written.
class FlushSubnormals {
 public:
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;
#if defined(__SSE2__)
  FlushSubnormals() : outer_(_mm_getcsr()) { _mm_setcsr(outer_ | kFlush); }
  ~FlushSubnormals() { _mm_setcsr((_mm_getcsr() & ~kFlush) | (outer_ & kFlush)); }

 private:
  static constexpr unsigned kFlush = 0x8040;  // results, and operands
  unsigned outer_;
#elif defined(__aarch64__)
  FlushSubnormals() : outer_(read()) { write(outer_ | kFlush); }
  ~FlushSubnormals() { write(outer_); }

 private:
  static constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;
  static std::uint64_t read() {
    std::uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
  std::uint64_t outer_;
#else
  FlushSubnormals() {}
#endif
};

}  // namespace strata::kernels
