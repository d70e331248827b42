// Products with a matrix of weights, prepared once and run many times, without allocation, lookup or lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "strata/dtype.h"

namespace strata::kernels {

// dst (rows, out) = relu(src (rows, in) * weights (in, out) + bias), all dense. The bias is float32, float64 for
// float64 data; weights are of the type of the data, or float32.
struct DenseTask {
  DType dtype = DType::float32, weights_dtype = DType::float32;
  std::int64_t rows = 0, in = 0, out = 0;
  bool bias = false, relu = false;
  bool constant_weights = true;  // packed once for many runs
};

// Immutable: threads may run it at the same time, each with its own scratch. Scratch and packed weights start at
// multiples of 64 bytes.
class STRATA_API DensePlan {
 public:
  explicit DensePlan(const DenseTask& task) : task_(task) {}
  virtual ~DensePlan() = default;
  DensePlan(const DensePlan&) = delete;
  DensePlan& operator=(const DensePlan&) = delete;

  const DenseTask& task() const { return task_; }
  virtual std::string implementation() const = 0;
  virtual std::size_t packed_size() const = 0;   // bytes; where 0, run() takes the weights as they are
  virtual std::size_t scratch_size() const = 0;  // bytes
  virtual void pack(const void* weights, void* packed) const = 0;
  virtual void run(const void* src, const void* packed, const void* bias, void* dst, void* scratch) const = 0;

 private:
  DenseTask task_;
};

using DensePlanPtr = std::shared_ptr<const DensePlan>;

// The fastest for this task, for the number of threads that OpenMP has now. Never null.
STRATA_API DensePlanPtr prepare_dense(const DenseTask& task);

}  // namespace strata::kernels
