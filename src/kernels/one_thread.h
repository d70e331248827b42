// Kernels of oneDNN for the caller's thread alone.
#pragma once

#include <omp.h>

namespace strata::kernels {

// What is prepared or run while it lives has one thread.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace strata::kernels
