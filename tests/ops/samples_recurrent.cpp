// Samples of the recurrent ops, and of the pictures' transformation, for the walk over the registry. Some of their
// outputs are there for the gradient alone and have none, so gradients are checked on layers, in recurrent_test.cpp.
#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

Tensor steps_mask() {
  return Tensor({{true, true, false, true}, {false, true, true, false}, {true, false, false, false}});
}

// Runs the op, and its gradient op on `gradient_inputs(outputs)`, with and without a mask.
template <class F>
void add_pair(std::vector<OpSample>& out, const char* name, const char* grad, const Config& config,
              const Tensors& inputs, F gradient_inputs) {
  for (const bool masked : {false, true}) {
    auto with = [&](Tensors t) {
      if (masked) t.push_back(steps_mask());
      return t;
    };
    const OpPtr op = make_registered_op(name, config);
    const Tensors in = with(inputs);
    out.push_back({op, in, false});
    out.push_back({make_registered_op(grad, config), with(gradient_inputs(run_eagerly(*op, in))), false});
  }
}

}  // namespace

void samples_recurrent(std::vector<OpSample>& out) {
  for (const char* mode : {"constant", "reflect", "wrap", "nearest"})
    out.push_back({make_registered_op("affine_transform",
                                      {{"interpolation", "bilinear"}, {"fill_mode", mode}, {"fill_value", 0.5}}),
                   {spread({3, 4, 5, 2}), spread({3, 8}, -0.4, 1.2)},
                   false});
  const Config usual = {{"activation", "tanh"}, {"recurrent_activation", "sigmoid"}, {"reset_after", true}};
  Config before = {{"activation", "elu"}, {"recurrent_activation", "hard_sigmoid"}, {"reset_after", false}};
  const Tensor start = spread({3, 5}), carry = spread({3, 5}, -2, 1);
  for (const Config& config : {usual, before}) {
    const Tensor r = spread({5, 5}, -0.5, 0.5), x = spread({3, 4, 5});
    add_pair(out, "simple_rnn", "simple_rnn_grad", config, {x, start, r}, [&](const Tensors& y) {
      return Tensors{spread({3, 4, 5}), r, y[0]};
    });
    const Tensor r4 = spread({5, 20}, -0.5, 0.5);
    add_pair(out, "lstm", "lstm_grad", config, {spread({3, 4, 20}), start, carry, r4}, [&](const Tensors& y) {
      return Tensors{spread({3, 4, 5}), spread({3, 4, 5}, -2, 2), carry, r4, y[1], y[2]};
    });
    const Tensor r3 = spread({5, 15}, -0.5, 0.5);
    add_pair(out, "gru", "gru_grad", config, {spread({3, 4, 15}), start, r3, spread({15})}, [&](const Tensors& y) {
      return Tensors{spread({3, 4, 5}), start, r3, y[0], y[1]};
    });
  }
}

}  // namespace strata::test
