// A first program, as users write it: bench/run measures how long it takes to compile.
#include <strata/strata.h>

using namespace strata;
using namespace strata::layers;

int main() {
  Sequential model({Input({784}), Dense(128, {.activation = "relu"}), Dense(10)});
  model.summary();
  return 0;
}
