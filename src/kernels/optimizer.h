// The updates of optimizers: one pass over a weight, its slots and its gradient, in place.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/between.h"
#include "kernels/split_gemm.h"
#include "strata/dtype.h"

namespace strata::kernels {

// A gradient of float32 that is a product, made while its weight is updated: split_rows_pays().
struct GradientProduct {
  SplitGemm gemm;
  const float *a, *b;
};

// A weight of `n` elements with its gradient and slots, all of one floating type. Slots that an update does not have
// are null. Before the update the weight shrinks by decay * learning_rate.
struct Update {
  DType dtype;
  std::int64_t n;
  void* weight;
  const void* gradient;
  void* slots[3];
  double learning_rate, decay;
  void* copy = nullptr;  // where the new weight is also written, rounded to copy_dtype (bfloat16 or float16), or null
  DType copy_dtype = DType::bfloat16;
  std::int64_t row = 0;              // elements of a row, where products read the weight row by row, or 0
  const void* magnitudes = nullptr;  // what stands for the gradient's squares (Adamax: absolute values), or null
  const GradientProduct* product = nullptr;  // instead of a gradient; without magnitudes
  Between between = {};                      // what may be done meanwhile
};

// slots: momentum
struct SgdStep {
  double momentum;
  bool nesterov;
  friend bool operator==(const SgdStep&, const SgdStep&) = default;
};
void sgd_update(const Update& u, const SgdStep& s);

// slots: momentum, velocity, the largest velocity (amsgrad). `step` counts from 1.
struct AdamStep {
  double beta_1, beta_2, epsilon;
  std::int64_t step;
  friend bool operator==(const AdamStep&, const AdamStep&) = default;
};
void adam_update(const Update& u, const AdamStep& s);

// slots: velocity, momentum, average gradient
struct RmspropStep {
  double rho, momentum, epsilon;
  friend bool operator==(const RmspropStep&, const RmspropStep&) = default;
};
void rmsprop_update(const Update& u, const RmspropStep& s);

// Many weights at once, by one team of threads; results are those of the updates one by one.
STRATA_API void sgd_update_all(std::span<const Update> updates, const SgdStep& s);
STRATA_API void adam_update_all(std::span<const Update> updates, const AdamStep& s);
STRATA_API void rmsprop_update_all(std::span<const Update> updates, const RmspropStep& s);

// slots: momentum, norm
struct AdamaxStep {
  double beta_1, beta_2, epsilon;
  std::int64_t step;
};
void adamax_update(const Update& u, const AdamaxStep& s);

// slots: momentum, velocity, the product of the momentum's schedule (one element)
struct NadamStep {
  double beta_1, beta_2, epsilon;
  std::int64_t step;
};
void nadam_update(const Update& u, const NadamStep& s);

// slots: accumulator
struct AdagradStep {
  double epsilon;
};
void adagrad_update(const Update& u, const AdagradStep& s);

// slots: accumulated squares of gradients, of changes
struct AdadeltaStep {
  double rho, epsilon;
};
void adadelta_update(const Update& u, const AdadeltaStep& s);

// slots: accumulator, linear
struct FtrlStep {
  double learning_rate_power, l1, l2, l2_shrinkage, beta;
};
void ftrl_update(const Update& u, const FtrlStep& s);

// slots: momentum
struct LionStep {
  double beta_1, beta_2;
};
void lion_update(const Update& u, const LionStep& s);

// slots: momentum (the sequence that gradients are added to), velocity
struct ScheduleFreeAdamWStep {
  double beta_1, beta_2, epsilon, warmup_steps;
  std::int64_t step;
};
void schedule_free_adamw_update(const Update& u, const ScheduleFreeAdamWStep& s);

}  // namespace strata::kernels
