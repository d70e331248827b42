// Memory that will be written soon.
#pragma once

namespace strata::kernels {

// Brings the cache line at `p` here and takes it from other cores, which a store would wait for. Any address is fine.
// Compilers know this instruction only where they are told of it; processors that lack it do nothing.
inline void prefetch_to_write(const void* p) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
#else
  __builtin_prefetch(p, 1);
#endif
}

}  // namespace strata::kernels
