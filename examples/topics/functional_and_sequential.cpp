// One network as a list of layers and as a graph, and from one to the other.
#include <strata/strata.h>

#include <iostream>

using namespace strata;
using namespace strata::layers;

int main() {
  utils::set_random_seed(1);
  Sequential stack({Input({4}), Dense(8, {.activation = "relu", .name = "hidden"}), Dense(2, {.name = "out"})});

  // A Sequential is a graph, too: its ends are there to go on from. The layers are shared.
  Model graph(stack.inputs(), stack.outputs());
  const Tensor hidden = stack.get_layer("hidden")(stack.inputs()[0]);
  Model features(stack.inputs(), hidden);
  Model two_heads(stack.inputs(), {stack.outputs()[0], Dense(3, {.name = "more"})(hidden)});

  // A chain of layers is a Sequential again; a model is a layer in another.
  Sequential again(graph.layers());
  Sequential longer({Input({4}), graph, Dense(1)});

  const Tensor x = random::normal({5, 4});
  std::cout << "equal " << (reduce_max(abs(stack(x) - graph(x))).item<float>() == 0) << ' '
            << (reduce_max(abs(stack(x) - again(x))).item<float>() == 0) << '\n'
            << "features " << Tensor(features(x)).shape() << ", heads " << two_heads(x).size() << ", longer "
            << Tensor(longer(x)).shape() << '\n';

  // What a list cannot say: branches, and a layer that is used twice.
  const Tensor a = Input({4}), b = Input({4});
  Dense shared(3, {.activation = "tanh"});
  Model twins({a, b}, Add()({shared(a), shared(b)}) + 1.f);
  std::cout << "twins " << twins.count_params() << " parameters, " << Tensor(twins({x, x})).shape() << '\n';
}
