// Op: all that is known about one operation. One file an op (or family of alike ops) under src/ops.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/fields.h"
#include "core/tensor_data.h"
#include "strata/tensor.h"

namespace strata {

// Shape and dtype of a value; dimensions may be None while tracing.
struct Spec {
  Shape shape;
  DType dtype = DType::float32;
  friend bool operator==(const Spec&, const Spec&) = default;
};
using Specs = std::vector<Spec>;

// The inputs and outputs of one execution. Outputs are allocated by the caller as `infer` says, except those of an op
// whose `is_dynamic()` is true: such an op sets them itself.
struct RunContext {
  std::span<const Tensor> in;
  std::span<Tensor> out;

  const Shape& in_shape(std::size_t i) const { return in[i].shape(); }
  const Shape& out_shape(std::size_t i = 0) const { return out[i].shape(); }
  template <class T>
  const T* src(std::size_t i) const {
    return detail::elements<T>(in[i]);
  }
  template <class T>
  T* dst(std::size_t i = 0) const {
    return detail::mutable_elements<T>(out[i]);
  }
};

// What a gradient function sees. It answers with one tensor for each input; undefined where there is none.
class GradContext {
 public:
  GradContext(std::span<const Tensor> inputs, std::span<const Tensor> outputs, std::span<const Tensor> grads,
              const std::vector<bool>& needed)
      : inputs_(inputs), outputs_(outputs), grads_(grads), needed_(needed) {}

  std::size_t num_inputs() const { return inputs_.size(); }
  const Tensor& input(std::size_t i) const { return inputs_[i]; }
  const Tensor& output(std::size_t i = 0) const { return outputs_[i]; }
  // The gradient that flows into output i; zeros where none does.
  Tensor grad(std::size_t i = 0) const;
  bool has_grad(std::size_t i) const { return grads_[i].defined(); }
  // Whether the gradient of input i is wanted at all.
  bool needed(std::size_t i) const { return needed_[i]; }

 private:
  std::span<const Tensor> inputs_, outputs_, grads_;
  const std::vector<bool>& needed_;
};

class STRATA_API Op {
 public:
  virtual ~Op();
  // TensorFlow's name where there is one, in snake_case ("reduce_sum").
  virtual std::string_view name() const = 0;
  // Shapes and dtypes of the outputs. Validates; throws ShapeError or DTypeError. None dimensions are "not known yet".
  virtual Specs infer(const Specs& in) const = 0;
  // Must be const and thread-safe.
  virtual void run(RunContext& c) const = 0;
  // Written with public ops. The default says that the op has no gradient.
  virtual Tensors grad(const GradContext& c) const;
  virtual bool is_differentiable() const { return false; }
  virtual Config config() const { return {}; }

  // Output 0 has the elements of input 0 in the same order: run() is not called, the buffer is shared.
  virtual bool is_view() const { return false; }
  // The shapes of the outputs depend on values: run() sets c.out itself (infer gives None for such dimensions).
  virtual bool is_dynamic() const { return false; }
  // It reads or changes something besides its inputs (a variable, the random state, a file): kept, and kept in order.
  virtual bool has_effect() const { return false; }
};

// class Softmax final : public OpBase<Softmax>: config() from the fields.
template <class Self, class Base = Op>
class OpBase : public Base {
 public:
  using Base::Base;
  Config config() const override { return config_of(static_cast<const Self&>(*this)); }
};

using OpPtr = std::shared_ptr<const Op>;

// The one door: runs the op now, records it on the open tapes, or appends it to the graph that is being traced.
STRATA_API Tensors apply(const OpPtr& op, const Tensors& inputs);
// The same for ops with one output.
STRATA_API Tensor apply1(const OpPtr& op, const Tensors& inputs);

// make_op<Softmax>(axis): ops have a constructor that takes their fields, and a default one.
template <class T, class... A>
OpPtr make_op(A&&... a) {
  return std::make_shared<T>(std::forward<A>(a)...);
}

// Runs an op without tapes and graphs.
STRATA_API Tensors run_eagerly(const Op& op, std::span<const Tensor> inputs);

// Throws an error that names the argument unless every tensor is defined.
STRATA_API void check_defined(const char* op, std::span<const Tensor> inputs);

// "(None, 3), (3, 4)" for messages.
STRATA_API std::string describe(const Specs& specs);

}  // namespace strata
