#include "io/exchange/lower.h"

#include <algorithm>

#include "strata/activations.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/tape.h"

namespace strata::exchange {

namespace {

// The recurrences of ops/recurrent.h. x holds the products with the inputs for all steps: (batch, steps, gates *
// units).
class Recurrence {
 public:
  Recurrence(const Node& node, const Tensors& in, const char* what)
      : name_(node.op->name()),
        config_(node.op->config()),
        in_(in),
        activation_(config_.get<std::string>("activation")),
        gate_(config_.get<std::string>("recurrent_activation")) {
    steps_ = in[0].shape()[1];
    if (steps_ == None)
      throw ValueError(std::string(what) + ": op '" + name_ + "' of layer '" + node.scope +
                       "' runs over a number of steps that is not known. Give the Input a fixed number of steps.");
  }

  static bool is_one(std::string_view name) { return name == "simple_rnn" || name == "lstm" || name == "gru"; }

  Tensors unroll() {
    h_ = in_[1];
    const std::size_t others = name_ == "simple_rnn" ? 3 : 4;
    if (name_ == "lstm") carry_ = in_[2];
    Tensors states, carries;
    const Tensors xs = unstack_steps(in_[0]);
    for (std::int64_t t = 0; t < steps_; ++t) {
      const Tensor before = h_, carry_before = carry_;
      step(xs[static_cast<std::size_t>(t)]);
      if (in_.size() > others) {  // a step that the mask leaves out keeps the state
        const Tensor counts = expand_dims(in_[others][{Slice(0, None), t}], -1);
        h_ = where(counts, h_, before);
        if (carry_.defined()) carry_ = where(counts, carry_, carry_before);
      }
      states.push_back(h_);
      carries.push_back(carry_);
    }
    Tensors out = {stack(states, 1)};
    if (name_ == "lstm") out.push_back(stack(carries, 1));
    return out;
  }

 private:
  Tensors unstack_steps(const Tensor& x) const {
    Tensors out;
    for (std::int64_t t = 0; t < steps_; ++t) out.push_back(x[{Slice(0, None), t}]);
    return out;
  }

  void step(const Tensor& x) {
    if (name_ == "simple_rnn") {
      h_ = activation_(x + matmul(h_, in_[2]));
    } else if (name_ == "lstm") {
      const Tensors g = split(x + matmul(h_, in_[3]), 4, 1);  // input, forget, candidate, output
      carry_ = gate_(g[1]) * carry_ + gate_(g[0]) * activation_(g[2]);
      h_ = gate_(g[3]) * activation_(carry_);
    } else {
      gru_step(split(x, 3, 1));
    }
  }

  void gru_step(const Tensors& x) {  // update, reset, candidate
    const Tensors kernel = split(in_[2], 3, 1), bias = split(in_[3], 3, 0);
    const Tensor z = gate_(x[0] + matmul(h_, kernel[0]) + bias[0]), r = gate_(x[1] + matmul(h_, kernel[1]) + bias[1]);
    const Tensor inner =
        config_.get<bool>("reset_after") ? r * (matmul(h_, kernel[2]) + bias[2]) : matmul(r * h_, kernel[2]) + bias[2];
    h_ = z * h_ + (Tensor(1.0) - z) * activation_(x[2] + inner);
  }

  std::string name_;
  Config config_;
  const Tensors& in_;
  ActivationFunction activation_, gate_;
  std::int64_t steps_ = 0;
  Tensor h_, carry_;
};

}  // namespace

std::shared_ptr<Graph> lower(const std::shared_ptr<Graph>& graph, const char* what) {
  if (std::none_of(graph->nodes.begin(), graph->nodes.end(),
                   [](const Node& n) { return Recurrence::is_one(n.op->name()); }))
    return graph;
  auto out = std::make_shared<Graph>(graph->name);
  const TraceScope scope(out);
  const detail::RecordingPause pause;
  const std::string outer = current_scope_name();
  Tensors values(graph->values.size());
  auto value = [&](int v) -> Tensor& { return values[static_cast<std::size_t>(v)]; };
  for (const int v : graph->inputs) value(v) = out->add_input(graph->values[static_cast<std::size_t>(v)]);
  for (const auto& [v, tensor] : graph->constants) value(v) = tensor;
  for (const Node& n : graph->nodes) {
    set_scope_name(n.scope);
    Tensors in;
    for (const int v : n.in) in.push_back(value(v));
    const Tensors results = Recurrence::is_one(n.op->name()) ? Recurrence(n, in, what).unroll() : out->append(n.op, in);
    for (std::size_t i = 0; i < results.size(); ++i) value(n.out[i]) = results[i];
  }
  set_scope_name(outer);
  for (const int v : graph->outputs) out->outputs.push_back(out->value_of(value(v)));
  return out;
}

}  // namespace strata::exchange
