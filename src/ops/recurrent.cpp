// Recurrent layers over whole sequences, and their gradients. The gradient ops have no gradient of their own: for
// second derivatives a layer is unrolled.
#include "ops/recurrent.h"

#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/recurrent.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/reduce.h"

namespace strata {
namespace {

template <class Self>
struct RecurrentBase : OpBase<Self> {
  RecurrentBase() = default;
  explicit RecurrentBase(const recurrent::Options& o)
      : activation(o.activation), recurrent_activation(o.recurrent_activation), reset_after(o.reset_after) {}
  std::string activation = "tanh", recurrent_activation = "sigmoid";
  bool reset_after = true;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("activation", s.activation);
    v("recurrent_activation", s.recurrent_activation);
    v("reset_after", s.reset_after);
  }
  recurrent::Options options() const { return {activation, recurrent_activation, reset_after, {}}; }
  // `like` is (batch, steps, ...); the mask is the last input, where there are more than `others`.
  kernels::Recurrence recurrence(const RunContext& c, std::size_t like, std::int64_t units, std::size_t others) const {
    const Shape& s = c.in_shape(like);
    kernels::Recurrence r{c.in[like].dtype(), s[0], s[1], units};
    kernels::step_activation(activation, r.activation);
    kernels::step_activation(recurrent_activation, r.recurrent_activation);
    if (c.in.size() > others) r.mask = c.src<std::uint8_t>(others);
    return r;
  }
  // Checks (batch, steps, gates * units), a kernel (units, gates * units) and the mask; gives the units.
  std::int64_t check(const char* op, const Specs& in, std::size_t kernel, std::int64_t gates,
                     std::size_t others) const {
    const Shape &x = in[0].shape, &k = in[kernel].shape;
    const bool fits = x.size() == 3 && k.size() == 2 && k[1] != None && k[1] % gates == 0 &&
                      (k[0] == None || k[1] == gates * k[0]) && (x[2] == None || x[2] == k[1]);
    if (!fits)
      throw ShapeError(std::string(op) + ": inputs have shapes " + describe(in) + ". Expected (batch, steps, " +
                       std::to_string(gates) + " * units) and a kernel (units, " + std::to_string(gates) +
                       " * units).");
    if (in[0].dtype != DType::float32 && in[0].dtype != DType::float64)
      throw DTypeError(std::string(op) + ": the input is " + to_string(in[0].dtype) + ". Use float32 or float64.");
    if (in.size() > others && (in[others].dtype != DType::boolean || in[others].shape.size() != 2))
      throw ShapeError(std::string(op) + ": the mask is " + describe({in[others]}) +
                       ". Expected (batch, steps) of bool.");
    return k[1] / gates;
  }
};

Tensors with_mask(Tensors inputs, const Tensor& mask) {
  if (mask.defined()) inputs.push_back(mask);
  return inputs;
}
Tensor mask_of(const GradContext& c, std::size_t others) {
  return c.num_inputs() > others ? c.input(others) : Tensor();
}

// The states that each step started from.
Tensor states_before(const Tensor& start, const Tensor& states) {
  return concat({expand_dims(start, 1), states[{Slice(0, None), Slice(0, -1), Slice(0, None)}]}, 1);
}
// (batch, steps, a) and (batch, steps, b) to (a, b).
Tensor summed_product(const Tensor& a, const Tensor& b) {
  return matmul(reshape(a, {-1, a.shape()[2]}), reshape(b, {-1, b.shape()[2]}), {.transpose_a = true});
}

// SimpleRnnGrad(diff_states, kernel, states[, mask]) gives those of x and of the start.
struct SimpleRnnGrad final : RecurrentBase<SimpleRnnGrad> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "simple_rnn_grad"; }
  Specs infer(const Specs& in) const override {
    check("simple_rnn_grad", in, 1, 1, 3);
    return {in[2], {{in[2].shape[0], in[2].shape[2]}, in[2].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::simple_rnn_backward(recurrence(c, 2, c.in_shape(1)[0], 3), c.src<void>(0), c.src<void>(1), c.src<void>(2),
                                 c.dst<void>(0), c.dst<void>(1));
  }
};

// SimpleRnn(x, start, kernel[, mask]).
struct SimpleRnn final : RecurrentBase<SimpleRnn> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "simple_rnn"; }
  Specs infer(const Specs& in) const override {
    const std::int64_t units = check("simple_rnn", in, 2, 1, 3);
    return {{{in[0].shape[0], in[0].shape[1], units}, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::simple_rnn_forward(recurrence(c, 0, c.in_shape(2)[0], 3), c.src<void>(0), c.src<void>(1), c.src<void>(2),
                                c.dst<void>());
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensors d =
        strata::apply(make_op<SimpleRnnGrad>(options()), with_mask({c.grad(), c.input(2), c.output()}, mask_of(c, 3)));
    Tensors out = {d[0], d[1], c.needed(2) ? summed_product(states_before(c.input(1), c.output()), d[0]) : Tensor()};
    out.resize(c.num_inputs());
    return out;
  }
};

// LstmGrad(diff_states, diff_carries, start_carry, kernel, carries, gates[, mask]) gives those of x and of both starts.
struct LstmGrad final : RecurrentBase<LstmGrad> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "lstm_grad"; }
  Specs infer(const Specs& in) const override {
    const Spec start = {{in[4].shape[0], in[4].shape[2]}, in[4].dtype};
    return {in[5], start, start};
  }
  void run(RunContext& c) const override {
    kernels::lstm_backward(recurrence(c, 4, c.in_shape(3)[0], 6), c.src<void>(0), c.src<void>(1), c.src<void>(2),
                           c.src<void>(3), c.src<void>(4), c.src<void>(5), c.dst<void>(0), c.dst<void>(1),
                           c.dst<void>(2));
  }
};

// Lstm(x, start, start_carry, kernel[, mask]) gives states, carries and the gates.
struct Lstm final : RecurrentBase<Lstm> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "lstm"; }
  Specs infer(const Specs& in) const override {
    const std::int64_t units = check("lstm", in, 3, 4, 4);
    const Spec states = {{in[0].shape[0], in[0].shape[1], units}, in[0].dtype};
    return {states, states, in[0]};
  }
  void run(RunContext& c) const override {
    kernels::lstm_forward(recurrence(c, 0, c.in_shape(3)[0], 4), c.src<void>(0), c.src<void>(1), c.src<void>(2),
                          c.src<void>(3), c.dst<void>(0), c.dst<void>(1), c.dst<void>(2));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensors d = strata::apply(
        make_op<LstmGrad>(options()),
        with_mask({c.grad(0), c.grad(1), c.input(2), c.input(3), c.output(1), c.output(2)}, mask_of(c, 4)));
    Tensors out = {d[0], d[1], d[2],
                   c.needed(3) ? summed_product(states_before(c.input(1), c.output(0)), d[0]) : Tensor()};
    out.resize(c.num_inputs());
    return out;
  }
};

// GruGrad(diff_states, start, kernel, states, kept[, mask]) gives those of x, of the products with the state, and of
// the start.
struct GruGrad final : RecurrentBase<GruGrad> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "gru_grad"; }
  Specs infer(const Specs& in) const override {
    const Shape& s = in[3].shape;
    const Spec x = {{s[0], s[1], in[2].shape[1]}, in[3].dtype};
    return {x, x, {{s[0], s[2]}, in[3].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::gru_backward(recurrence(c, 3, c.in_shape(2)[0], 5), reset_after, c.src<void>(0), c.src<void>(1),
                          c.src<void>(2), c.src<void>(3), c.src<void>(4), c.dst<void>(0), c.dst<void>(1),
                          c.dst<void>(2));
  }
};

// Gru(x, start, kernel, bias[, mask]) gives the states, and what the gradient needs of each step.
struct Gru final : RecurrentBase<Gru> {
  using RecurrentBase::RecurrentBase;
  std::string_view name() const override { return "gru"; }
  Specs infer(const Specs& in) const override {
    const std::int64_t units = check("gru", in, 2, 3, 4);
    const Shape& s = in[0].shape;
    return {{{s[0], s[1], units}, in[0].dtype}, {{s[0], s[1], 4 * units}, in[0].dtype}};
  }
  void run(RunContext& c) const override {
    kernels::gru_forward(recurrence(c, 0, c.in_shape(2)[0], 4), reset_after, c.src<void>(0), c.src<void>(1),
                         c.src<void>(2), c.src<void>(3), c.dst<void>(0), c.dst<void>(1));
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor &start = c.input(1), &states = c.output(0);
    const Tensors d = strata::apply(make_op<GruGrad>(options()),
                                    with_mask({c.grad(0), start, c.input(2), states, c.output(1)}, mask_of(c, 4)));
    Tensor kernel;
    if (c.needed(2)) {
      const std::int64_t u = c.input(2).shape()[1] / 3;
      const Slice all(0, None);
      kernel = summed_product(states_before(start, states), d[1]);
      if (!reset_after)  // the candidate's part met the state behind the reset gate
        kernel = concat({kernel[{all, Slice(0, 2 * u)}], summed_product(c.output(1)[{all, all, Slice(3 * u, 4 * u)}],
                                                                        d[1][{all, all, Slice(2 * u, 3 * u)}])},
                        1);
    }
    Tensors out = {d[0], d[2], kernel, c.needed(3) ? reduce_sum(d[1], {0, 1}) : Tensor()};
    out.resize(c.num_inputs());
    return out;
  }
};

}  // namespace

namespace recurrent {

bool has_kernel(const std::string& activation, const std::string& recurrent_activation) {
  kernels::StepActivation ignored;
  return kernels::step_activation(activation, ignored) && kernels::step_activation(recurrent_activation, ignored);
}

Tensor simple_rnn(const Tensor& x, const Tensor& start, const Tensor& recurrent_kernel, const Options& options) {
  return strata::apply(make_op<SimpleRnn>(options), with_mask({x, start, recurrent_kernel}, options.mask))[0];
}

LstmStates lstm(const Tensor& x, const Tensor& start, const Tensor& start_carry, const Tensor& recurrent_kernel,
                const Options& options) {
  const Tensors out =
      strata::apply(make_op<Lstm>(options), with_mask({x, start, start_carry, recurrent_kernel}, options.mask));
  return {out[0], out[1]};
}

Tensor gru(const Tensor& x, const Tensor& start, const Tensor& recurrent_kernel, const Tensor& bias,
           const Options& options) {
  return strata::apply(make_op<Gru>(options), with_mask({x, start, recurrent_kernel, bias}, options.mask))[0];
}

}  // namespace recurrent

void register_recurrent(Registry& r) {
  r.add<SimpleRnn>();
  r.add<SimpleRnnGrad>();
  r.add<Lstm>();
  r.add<LstmGrad>();
  r.add<Gru>();
  r.add<GruGrad>();
}

}  // namespace strata
