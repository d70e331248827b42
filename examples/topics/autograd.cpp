// Gradients: what PyTorch's autograd and TensorFlow's GradientTape call by other names.
#include <strata/strata.h>

#include <iostream>

using namespace strata;

int main() {
  // A parameter, and a loss of it. The tape records while it lives; a variable is watched by itself.
  Variable w(Tensor{{1.f}, {2.f}});
  const Tensor x = {{1.f, 2.f}, {3.f, 4.f}}, y = {{1.f}, {0.f}};
  {
    GradientTape tape;
    const Tensor loss = reduce_mean(square(matmul(x, w) - y));
    const Tensor gradient = tape.gradient(loss, w);  // loss.backward(); w.grad
    w.assign_sub(0.01f * gradient);                  // with torch.no_grad(): w -= 0.01 * w.grad
    std::cout << "loss " << loss.item<float>() << ", gradient " << gradient.to_vector<float>()[0] << ' '
              << gradient.to_vector<float>()[1] << '\n';
  }

  // A tensor is watched on request: requires_grad_().
  const Tensor t = constant(3.f);
  {
    GradientTape outer;
    outer.watch(t);
    GradientTape inner;
    inner.watch(t);
    const Tensor first = inner.gradient(t * t * t, t);  // create_graph=True is a tape around a tape
    std::cout << "first " << first.item<float>() << ", second " << outer.gradient(first, t).item<float>() << '\n';
  }

  // More than one gradient of one recording: retain_graph=True.
  GradientTape tape({.persistent = true});
  tape.watch(t);
  const Tensor square_of = t * t, through = stop_gradient(square_of) * t;  // detach()
  std::cout << "square " << tape.gradient(square_of, t).item<float>() << ", with a part held fixed "
            << tape.gradient(through, t).item<float>() << '\n';

  // Gradients of several batches add up because you add them: nothing lies in the variables that zero_grad() must
  // clear.
  Tensor sum = zeros({2, 1});
  for (std::int64_t i = 0; i < 2; ++i) {
    GradientTape part;
    const Slice row(i, i + 1);
    sum = sum + part.gradient(reduce_mean(square(matmul(x[row], w) - y[row])), w);
  }
  optimizers::SGD(0.01).apply_gradients({sum / 2.f}, {w});
  std::cout << "w " << w.read()[0][0].item<float>() << ' ' << w.read()[1][0].item<float>() << '\n';
}
