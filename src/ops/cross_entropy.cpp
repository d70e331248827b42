// Cross-entropies of logits, each in one stable step.
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/softmax.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
namespace {

void check_floating(const char* op, const Spec& logits) {
  if (!is_floating(logits.dtype))
    throw DTypeError(std::string(op) + ": logits are " + to_string(logits.dtype) +
                     ". Use a floating type: cast(logits, float32).");
}

// The known one of two equal dimensions; fails where they certainly differ.
Shape merge(const char* op, const Shape& labels, const Shape& logits) {
  Shape out = logits;
  bool fit = labels.size() == logits.size();
  for (std::size_t i = 0; fit && i < out.size(); ++i) {
    if (out[i] == None) out[i] = labels[i];
    fit = labels[i] == None || labels[i] == out[i];
  }
  if (!fit)
    throw ShapeError(std::string(op) + ": labels have shape " + to_string(labels) + ", logits " + to_string(logits) +
                     ". Both must be equal.");
  return out;
}

Shape check_alike(const char* op, const Spec& labels, const Spec& logits) {
  check_floating(op, logits);
  if (labels.dtype != logits.dtype)
    throw DTypeError(std::string(op) + ": labels are " + to_string(labels.dtype) + ", logits " +
                     to_string(logits.dtype) + ". Cast one of them with cast().");
  return merge(op, labels.shape, logits.shape);
}

// The gradient of logits from (labels, logits, the gradient of the loss).
struct SoftmaxCrossEntropyGrad final : OpBase<SoftmaxCrossEntropyGrad> {
  std::string_view name() const override { return "softmax_cross_entropy_with_logits_grad"; }
  Specs infer(const Specs& in) const override { return {{merge("softmax", in[0].shape, in[1].shape), in[1].dtype}}; }
  void run(RunContext& c) const override {
    kernels::softmax_cross_entropy_grad(c.in[1].dtype(), c.in[2].size(), c.in_shape(1).back(), c.src<void>(0),
                                        c.src<void>(1), c.src<void>(2), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  // Of w . (p * sum(labels) - labels), with p = softmax(logits) and w the gradient times that of the loss.
  Tensors grad(const GradContext& c) const override {
    const Tensor &labels = c.input(0), p = nn::softmax(c.input(1)), dy = c.grad();
    const Tensor sum = reduce_sum(labels, -1, {.keepdims = true}), w = dy * expand_dims(c.input(2), -1);
    const Tensor mean = reduce_sum(p * w, -1, {.keepdims = true});
    Tensors out(3);
    if (c.needed(0)) out[0] = mean - w;
    if (c.needed(1)) out[1] = sum * p * (w - mean);
    if (c.needed(2)) out[2] = reduce_sum(dy * (p * sum - labels), -1);
    return out;
  }
};

struct SoftmaxCrossEntropy final : OpBase<SoftmaxCrossEntropy> {
  std::string_view name() const override { return "softmax_cross_entropy_with_logits"; }
  Specs infer(const Specs& in) const override {
    const Shape all = check_alike("softmax_cross_entropy_with_logits", in[0], in[1]);
    if (all.empty())
      throw ShapeError("softmax_cross_entropy_with_logits: logits are a scalar. Expected (batch, ..., classes).");
    return {{all.sub(0, all.size() - 1), in[1].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::softmax_cross_entropy(c.in[1].dtype(), c.out[0].size(), c.in_shape(1).back(), c.src<void>(0),
                                   c.src<void>(1), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor &labels = c.input(0), &logits = c.input(1), dy = c.grad();
    Tensors out(2);
    if (c.needed(0)) out[0] = negative(nn::log_softmax(logits)) * expand_dims(dy, -1);
    if (c.needed(1)) out[1] = apply1(make_op<SoftmaxCrossEntropyGrad>(), {labels, logits, dy});
    return out;
  }
};

struct SparseSoftmaxCrossEntropy final : OpBase<SparseSoftmaxCrossEntropy> {
  static constexpr const char* kName = "sparse_softmax_cross_entropy_with_logits";
  std::string_view name() const override { return kName; }
  Specs infer(const Specs& in) const override {
    check_floating(kName, in[1]);
    if (!is_integer(in[0].dtype))
      throw DTypeError(std::string(kName) + ": labels are " + to_string(in[0].dtype) +
                       ". Expected class numbers of an integer type: cast(labels, int32).");
    if (in[1].shape.size() != in[0].shape.size() + 1)
      throw ShapeError(std::string(kName) + ": labels have shape " + to_string(in[0].shape) + ", logits " +
                       to_string(in[1].shape) + ". Logits need one axis more, the classes.");
    return {{merge(kName, in[0].shape, in[1].shape.sub(0, in[1].shape.size() - 1)), in[1].dtype}};
  }
  void run(RunContext& c) const override {
    const std::int64_t classes = c.in_shape(1).back();
    const std::int64_t wrong = kernels::sparse_softmax_cross_entropy(
        c.in[1].dtype(), c.in[0].dtype(), c.out[0].size(), classes, c.src<void>(0), c.src<void>(1), c.dst<void>());
    if (wrong >= 0)
      throw ValueError(std::string(kName) + ": label " +
                       std::to_string(c.in[0].to_vector<std::int64_t>()[static_cast<std::size_t>(wrong)]) +
                       " at position " + std::to_string(wrong) + " is no class: logits have " +
                       std::to_string(classes) + " classes, so labels are 0 to " + std::to_string(classes - 1) +
                       ". Check the labels, or give the last layer more units.");
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor& logits = c.input(1);
    const std::int64_t classes = logits.shape().back();
    if (classes == None)
      throw ShapeError(std::string(kName) + ": the number of classes is not known (logits shape " +
                       to_string(logits.shape()) + "). Give the last axis of the logits a fixed size.");
    const Tensor target = one_hot(c.input(0), classes, {.dtype = logits.dtype()});
    return {Tensor(), (nn::softmax(logits) - target) * expand_dims(c.grad(), -1)};
  }
};

struct SigmoidCrossEntropy final : OpBase<SigmoidCrossEntropy> {
  std::string_view name() const override { return "sigmoid_cross_entropy_with_logits"; }
  Specs infer(const Specs& in) const override {
    return {{check_alike("sigmoid_cross_entropy_with_logits", in[0], in[1]), in[1].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::sigmoid_cross_entropy(c.in[1].dtype(), c.out[0].size(), c.src<void>(0), c.src<void>(1), c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor &labels = c.input(0), &logits = c.input(1), dy = c.grad();
    return {c.needed(0) ? negative(logits * dy) : Tensor(), c.needed(1) ? (sigmoid(logits) - labels) * dy : Tensor()};
  }
};

}  // namespace

namespace nn {

Tensor softmax_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits) {
  return apply1(make_op<SoftmaxCrossEntropy>(), {labels, logits});
}
Tensor sparse_softmax_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits) {
  return apply1(make_op<SparseSoftmaxCrossEntropy>(), {labels, logits});
}
Tensor sigmoid_cross_entropy_with_logits(const Tensor& labels, const Tensor& logits) {
  return apply1(make_op<SigmoidCrossEntropy>(), {labels, logits});
}

}  // namespace nn

void register_cross_entropy(Registry& r) {
  r.add<SoftmaxCrossEntropy>();
  r.add<SoftmaxCrossEntropyGrad>();
  r.add<SparseSoftmaxCrossEntropy>();
  r.add<SigmoidCrossEntropy>();
}

}  // namespace strata
