#include "optimizers/update_ops.h"

#include <algorithm>

#include "graph/registry.h"
#include "kernels/matmul.h"
#include "strata/variable.h"

namespace strata {

void register_optimizer(Registry& r) {
  for (const char* name :
       {"sgd_update", "adam_update", "rmsprop_update", "adamax_update", "nadam_update", "adagrad_update",
        "adadelta_update", "ftrl_update", "lion_update", "schedule_free_adamw_update"})
    r.add_effect(name);
}

namespace optimizers {

namespace {

// Whether the step is due: the input behind the shared ones, where gradients are accumulated over several steps.
bool is_due(const Tensor& due) { return due.item<bool>(); }

// Inputs: learning rate, steps taken before, where gradients are accumulated `due`, and the gradients, or the two
// factors of those that are products.
class JointUpdate final : public Op, public WritesVariables, public MakesGradients {
 public:
  explicit JointUpdate(std::vector<OpPtr> updates, std::vector<std::optional<MatrixProduct>> products = {})
      : updates_(std::move(updates)),
        products_(std::move(products)),
        name_(std::string(updates_.front()->name()) + "s") {
    products_.resize(updates_.size());
  }
  std::string_view name() const override { return name_; }
  Specs infer(const Specs&) const override { return {}; }
  bool has_effect() const override { return true; }
  Config config() const override {
    Config c{{"variables", static_cast<std::int64_t>(updates_.size())}};
    if (num_products() > 0) c.set("products", static_cast<std::int64_t>(num_products()));
    return c;
  }
  std::vector<const strata::detail::VariableState*> written() const override {
    std::vector<const strata::detail::VariableState*> all;
    for (const OpPtr& op : updates_)
      for (const auto* v : update(op).written()) all.push_back(v);
    return all;
  }
  std::size_t first_gradient(std::size_t inputs) const override { return inputs - updates_.size() - num_products(); }
  OpPtr with_products(std::vector<std::optional<MatrixProduct>> products) const override {
    return make_op<JointUpdate>(updates_, std::move(products));
  }
  double product_flops(std::span<const Spec> in) const override {
    double flops = 0;
    std::size_t i = first_gradient(in.size());
    for (const auto& p : products_) {
      if (p)
        flops += 2.0 * static_cast<double>(in[i].shape.num_elements()) *
                 static_cast<double>(in[i + 1].shape[p->transpose_b ? 0 : 1]);
      i += p ? 2 : 1;
    }
    return flops;
  }
  void run(RunContext& c) const override {
    std::size_t in = first_gradient(c.in.size());
    if (in > 2 && !is_due(c.in[2])) return;
    std::vector<kernels::Update> all;
    std::vector<kernels::GradientProduct> made;
    all.reserve(updates_.size()), made.reserve(num_products());
    const auto learning_rate = c.in[0].item<double>();
    for (std::size_t i = 0; i < updates_.size(); ++i) {
      if (products_[i]) {
        made.push_back(UpdateOp::product_of(c.in[in], c.in[in + 1], *products_[i]));
        all.push_back(update(updates_[i]).memory(made.back(), learning_rate));
        in += 2;
      } else {
        all.push_back(update(updates_[i]).memory(c.in[in++], learning_rate));
      }
    }
    update(updates_.front()).update(all, c.in[1].item<std::int64_t>());
  }

 private:
  static const UpdateOp& update(const OpPtr& op) { return static_cast<const UpdateOp&>(*op); }
  std::size_t num_products() const {
    return static_cast<std::size_t>(
        std::count_if(products_.begin(), products_.end(), [](const auto& p) { return p.has_value(); }));
  }
  std::vector<OpPtr> updates_;
  std::vector<std::optional<MatrixProduct>> products_;  // by update
  std::string name_;
};

}  // namespace

Specs UpdateOp::infer(const Specs&) const { return {}; }

void UpdateOp::check_gradient(const Shape& shape, DType dtype) const {
  if (shape == weight_->shape && dtype == weight_->dtype) return;
  throw ShapeError(std::string(name()) + ": variable '" + Variable(weight_).path() + "' has shape " +
                   to_string(weight_->shape) + ", but its gradient has shape " + to_string(shape) + ".");
}

kernels::Update UpdateOp::memory(const Tensor& gradient, double learning_rate, const Tensor& magnitudes) const {
  check_gradient(gradient.shape(), gradient.dtype());
  kernels::Update u = memory(learning_rate);
  u.gradient = gradient.impl()->raw();
  if (magnitudes.defined()) u.magnitudes = magnitudes.impl()->raw();
  return u;
}

kernels::Update UpdateOp::memory(const kernels::GradientProduct& gradient, double learning_rate) const {
  check_gradient({gradient.gemm.m, gradient.gemm.n}, DType::float32);
  kernels::Update u = memory(learning_rate);
  u.product = &gradient;
  return u;
}

kernels::Update UpdateOp::memory(double learning_rate) const {
  kernels::Update u{};
  u.dtype = weight_->dtype;
  u.n = weight_->shape.num_elements();
  if (weight_->shape.rank() == 2) u.row = weight_->shape[1];
  u.learning_rate = learning_rate;
  u.decay = weight_decay_;
  // One after the other: each may move to a buffer of its own first.
  u.weight = strata::detail::exclusive_value(*weight_).impl()->raw();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i]) u.slots[i] = strata::detail::exclusive_value(*slots_[i]).impl()->raw();
  return u;
}

kernels::GradientProduct UpdateOp::product_of(const Tensor& a, const Tensor& b, const MatrixProduct& p) {
  const kernels::MatmulSize size{a.shape()[p.transpose_a ? 1 : 0], b.shape()[p.transpose_b ? 0 : 1],
                                 a.shape()[p.transpose_a ? 0 : 1], p.transpose_a, p.transpose_b};
  return {kernels::as_split(size), strata::detail::elements<float>(a), strata::detail::elements<float>(b)};
}

void UpdateOp::run(RunContext& c) const {
  Tensor magnitudes;
  for (std::size_t i = 3; i < c.in.size(); ++i) {
    if (c.in[i].dtype() != DType::boolean)
      magnitudes = c.in[i];
    else if (!is_due(c.in[i]))
      return;
  }
  const kernels::Update u = memory(c.in[0], c.in[1].item<double>(), magnitudes);
  update({&u, 1}, c.in[2].item<std::int64_t>());
}

OpPtr UpdateOp::joined(std::vector<OpPtr> updates) const { return make_op<JointUpdate>(std::move(updates)); }

Config UpdateOp::config() const { return {{"variable", Variable(weight_).path()}}; }

std::vector<const strata::detail::VariableState*> UpdateOp::written() const {
  std::vector<const strata::detail::VariableState*> all = {weight_.get()};
  for (const StatePtr& s : slots_)
    if (s) all.push_back(s.get());
  return all;
}

}  // namespace optimizers
}  // namespace strata
