// Convolutions prepared once and run many times, without allocation, lookup or lock.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/conv.h"

namespace strata::kernels {

struct ConvTask {
  ConvKind kind = ConvKind::forward;
  DType dtype = DType::float32;          // of src and dst
  DType weights_dtype = DType::float32;  // of the weights that pack() takes, or of diff_weights
  Convolution geometry;
  // Elements from one pixel to the next, where src or dst is a slice of wider rows; 0 where rows are dense.
  std::int64_t src_stride = 0, dst_stride = 0;
  bool bias = false, relu = false;  // forward only: dst = relu(convolution + bias)
  bool constant_weights = false;    // packed once for many runs

  std::int64_t src_step() const { return src_stride > 0 ? src_stride : geometry.in_channels; }
  std::int64_t dst_step() const { return dst_stride > 0 ? dst_stride : geometry.out_channels; }
  bool is_dense() const { return src_step() == geometry.in_channels && dst_step() == geometry.out_channels; }
};

// Immutable: threads may run it at the same time, each with its own scratch. Scratch and packed weights start at
// multiples of 64 bytes.
class STRATA_API ConvPlan {
 public:
  explicit ConvPlan(const ConvTask& task) : task_(task) {}
  virtual ~ConvPlan() = default;
  ConvPlan(const ConvPlan&) = delete;
  ConvPlan& operator=(const ConvPlan&) = delete;

  const ConvTask& task() const { return task_; }
  double flops() const;                            // of the direct method
  virtual std::string implementation() const = 0;  // "winograd 4x4", "onednn brgconv:avx512_core", "loops" ...
  virtual int reorders() const { return 0; }       // of src and dst in a run
  virtual std::size_t packed_size() const = 0;     // bytes; 0 for backward_weights
  virtual std::size_t scratch_size() const = 0;    // bytes
  // From (kernel..., in_channels / groups, out_channels) to what run() wants.
  virtual void pack(const void* weights, void* packed) const = 0;
  // Writes the array that `kind` names: dst, src (the gradient of src) or weights (the gradient of the weights, not
  // packed); reads the others. `bias` is float32 (float64 for float64 data).
  virtual void run(const void* src, const void* weights, const void* dst, void* scratch,
                   const void* bias = nullptr) const = 0;

 private:
  ConvTask task_;
};

using ConvPlanPtr = std::shared_ptr<const ConvPlan>;

// The fastest implementation for this task on this machine, for the number of threads that OpenMP has now. Never null.
STRATA_API ConvPlanPtr prepare_conv(const ConvTask& task);

// The implementations. Null where there is none for the task; those of oneDNN want dense rows, and float32 or bfloat16;
// that by rows is for kernels of one pixel on float32.
STRATA_API ConvPlanPtr make_rows_plan(const ConvTask& task);
STRATA_API ConvPlanPtr make_product_plan(const ConvTask& task);  // the same on AMX, of all three kinds
STRATA_API ConvPlanPtr make_winograd_plan(const ConvTask& task);
STRATA_API ConvPlanPtr make_onednn_plan(const ConvTask& task);
STRATA_API ConvPlanPtr make_loops_plan(const ConvTask& task);
// Whether make_product_plan() has the fastest one; false where there is no AMX.
bool product_plan_pays(const ConvTask& task);
// On the tile registers of AMX: bfloat16 and one group; any rows.
STRATA_API ConvPlanPtr make_tiles_plan(const ConvTask& task);
ConvPlanPtr make_tiles_weights_plan(const ConvTask& task);  // the part of it for backward_weights
// Into slices of wider rows, where src is dense and every thread gets as many images as any other.
STRATA_API ConvPlanPtr make_chunks_plan(const ConvTask& task);
// Any type and any rows by a plan for dense rows and another type: `make` gets the dense task.
ConvPlanPtr make_staged_plan(const ConvTask& task, DType inner_dtype);

}  // namespace strata::kernels
