#include "kernels/conv_plan.h"

#include <algorithm>
#include <cstring>

#include "core/tensor_data.h"
#include "kernels/cast.h"
#include "kernels/conv_choice.h"
#include "kernels/parallel.h"
#include "kernels/round.h"
#include "kernels/rows.h"
#include "strata/error.h"

namespace strata::kernels {
namespace {

bool is_empty(const Convolution& c) { return c.src_size() == 0 || c.weights_size() == 0 || c.dst_size() == 0; }

// Plain loops over dense arrays of float or double.
template <class T>
class LoopsPlan final : public ConvPlan {
 public:
  explicit LoopsPlan(const ConvTask& t) : ConvPlan(t) {}

  std::string implementation() const override { return "loops"; }
  std::size_t packed_size() const override {
    return task().kind == ConvKind::backward_weights ? 0 : task().geometry.weights_size() * sizeof(T);
  }
  std::size_t scratch_size() const override {
    const bool copy = task().kind == ConvKind::backward_weights && task().weights_dtype != task().dtype;
    return copy ? task().geometry.weights_size() * sizeof(T) : 0;
  }
  void pack(const void* weights, void* packed) const override {
    cast(task().weights_dtype, weights, task().dtype, packed, task().geometry.weights_size());
  }
  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const Convolution& c = task().geometry;
    const T *x = static_cast<const T*>(src), *w = static_cast<const T*>(weights), *y = static_cast<const T*>(dst);
    if (is_empty(c)) {
      clear(src, weights, dst);
    } else if (task().kind == ConvKind::backward_data) {
      conv_backward_data_loops(c, y, w, const_cast<T*>(x));
    } else if (task().kind == ConvKind::forward) {
      conv_forward_loops(c, x, w, const_cast<T*>(y));
    } else {
      const bool copy = scratch_size() > 0;
      void* to = const_cast<void*>(weights);
      conv_backward_weights_loops(c, x, y, static_cast<T*>(copy ? scratch : to));
      if (copy) cast(task().dtype, scratch, task().weights_dtype, to, c.weights_size());
    }
    if (task().bias || task().relu) finish(const_cast<T*>(y), static_cast<const T*>(bias));
  }

 private:
  void clear(const void* src, const void* weights, const void* dst) const {
    const Convolution& c = task().geometry;
    if (task().kind == ConvKind::forward)
      std::memset(const_cast<void*>(dst), 0, c.dst_size() * sizeof(T));
    else if (task().kind == ConvKind::backward_data)
      std::memset(const_cast<void*>(src), 0, c.src_size() * sizeof(T));
    else
      std::memset(const_cast<void*>(weights), 0, c.weights_size() * size_of(task().weights_dtype));
  }
  void finish(T* dst, const T* bias) const {
    const std::int64_t channels = task().geometry.out_channels, size = task().geometry.dst_size();
    for (std::int64_t i = 0; i < size; ++i) {
      if (task().bias) dst[i] += bias[i % channels];
      if (task().relu && dst[i] < 0) dst[i] = 0;
    }
  }
};

// Brings src and dst into dense rows of the type in which another plan computes, and the result back.
class StagedPlan final : public ConvPlan {
 public:
  StagedPlan(const ConvTask& t, const ConvTask& inner) : ConvPlan(t), inner_(prepare_conv(inner)) {
    const bool convert = t.dtype != inner.dtype;
    stage_src_ = convert || t.src_step() != t.geometry.in_channels;
    stage_dst_ = convert || t.dst_step() != t.geometry.out_channels;
    stage_weights_ = t.weights_dtype != inner.weights_dtype;
    size_ = rounded(inner_->scratch_size(), 64);
    src_at_ = reserve(stage_src_, t.geometry.src_size(), inner.dtype);
    dst_at_ = reserve(stage_dst_, t.geometry.dst_size(), inner.dtype);
    weights_at_ =
        reserve(stage_weights_ && t.kind == ConvKind::backward_weights, t.geometry.weights_size(), inner.weights_dtype);
  }

  std::string implementation() const override { return inner_->implementation() + " on copies"; }
  int reorders() const override { return inner_->reorders() + int{stage_src_} + int{stage_dst_}; }
  std::size_t packed_size() const override { return inner_->packed_size(); }
  std::size_t scratch_size() const override { return size_; }

  void pack(const void* weights, void* packed) const override {
    if (!stage_weights_) return inner_->pack(weights, packed);
    const std::int64_t size = task().geometry.weights_size();
    const DType inner_dtype = inner_->task().weights_dtype;
    const detail::Buffer wide(size * size_of(inner_dtype));
    cast(task().weights_dtype, weights, inner_dtype, wide.data(), size);
    inner_->pack(wide.data(), packed);
  }

  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const Convolution& c = task().geometry;
    const DType outer = task().dtype, inner = inner_->task().dtype;
    char* own = static_cast<char*>(scratch);
    const Rows src_rows{c.batch * c.in[0] * c.in[1] * c.in[2], c.in_channels};
    const Rows dst_rows{c.batch * c.out[0] * c.out[1] * c.out[2], c.out_channels};
    if (stage_src_ && task().kind != ConvKind::backward_data)
      copy_slice(src_rows, outer, src, task().src_step(), inner, own + src_at_, c.in_channels);
    if (stage_dst_ && task().kind != ConvKind::forward)
      copy_slice(dst_rows, outer, dst, task().dst_step(), inner, own + dst_at_, c.out_channels);
    const bool gradient = task().kind == ConvKind::backward_weights;
    inner_->run(stage_src_ ? own + src_at_ : src, stage_weights_ && gradient ? own + weights_at_ : weights,
                stage_dst_ ? own + dst_at_ : dst, scratch, bias);
    if (stage_src_ && task().kind == ConvKind::backward_data)
      copy_slice(src_rows, inner, own + src_at_, c.in_channels, outer, const_cast<void*>(src), task().src_step());
    if (stage_dst_ && task().kind == ConvKind::forward)
      copy_slice(dst_rows, inner, own + dst_at_, c.out_channels, outer, const_cast<void*>(dst), task().dst_step());
    if (stage_weights_ && gradient)
      cast(inner_->task().weights_dtype, own + weights_at_, task().weights_dtype, const_cast<void*>(weights),
           c.weights_size());
  }

 private:
  std::size_t reserve(bool wanted, std::int64_t size, DType dtype) {
    const std::size_t at = size_;
    if (wanted) size_ += rounded(static_cast<std::size_t>(size) * size_of(dtype), 64);
    return at;
  }

  ConvPlanPtr inner_;
  bool stage_src_, stage_dst_, stage_weights_;
  std::size_t size_ = 0, src_at_ = 0, dst_at_ = 0, weights_at_ = 0;
};

}  // namespace

double ConvPlan::flops() const {
  const Convolution& c = task_.geometry;
  if (c.groups == 0) return 0;
  return 2.0 * static_cast<double>(c.dst_size()) * static_cast<double>(c.taps() * (c.in_channels / c.groups));
}

ConvPlanPtr make_loops_plan(const ConvTask& task) {
  if (!task.is_dense()) return nullptr;
  if (task.dtype == DType::float32) return std::make_shared<LoopsPlan<float>>(task);
  if (task.dtype == DType::float64) return std::make_shared<LoopsPlan<double>>(task);
  return nullptr;
}

ConvPlanPtr make_staged_plan(const ConvTask& task, DType inner_dtype) {
  ConvTask inner = task;
  inner.dtype = inner_dtype;
  inner.src_stride = inner.dst_stride = 0;
  if (inner_dtype == DType::float64)
    inner.weights_dtype = DType::float64;
  else if (task.weights_dtype != DType::bfloat16)
    inner.weights_dtype = DType::float32;
  return std::make_shared<StagedPlan>(task, inner);
}

ConvPlanPtr prepare_conv(const ConvTask& task) {
  const auto is_common = [](DType t) { return t == DType::float32 || t == DType::bfloat16; };
  if (!is_floating(task.dtype)) throw Error("internal error: convolution of " + to_string(task.dtype));
  if (task.dtype == DType::float64 || is_empty(task.geometry)) {
    const DType inner = task.dtype == DType::float64 ? DType::float64 : DType::float32;
    const bool direct = task.is_dense() && task.dtype == inner;
    return direct ? make_loops_plan(task) : make_staged_plan(task, inner);
  }
  if (!is_common(task.dtype)) return make_staged_plan(task, DType::float32);
  if (!is_common(task.weights_dtype)) return make_staged_plan(task, task.dtype);
  return chosen_plan(task);
}

}  // namespace strata::kernels
