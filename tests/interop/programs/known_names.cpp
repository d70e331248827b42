// Reads lines "kind name" and prints those whose name means nothing to strata.
#include <strata/strata.h>

#include <iostream>

using namespace strata;

bool is_known(const std::string& kind, const std::string& name) {
  try {
    if (kind == "losses") return losses::Loss(name).defined();
    if (kind == "metrics") return !metrics::Metric(name).name().empty();
    if (kind == "optimizers") return optimizers::Optimizer(name).defined();
    if (kind == "activations") return layers::Dense(1, {.activation = name}).class_name() == "Dense";
    if (kind == "initializers") return layers::Dense(1, {.kernel_initializer = name}).class_name() == "Dense";
    if (kind == "regularizers") return layers::Dense(1, {.kernel_regularizer = name}).class_name() == "Dense";
    if (kind == "constraints") return layers::Dense(1, {.kernel_constraint = name}).class_name() == "Dense";
  } catch (const ValueError&) {
    return false;
  }
  throw ValueError("no kind of names is called " + kind);
}

int main() {
  for (std::string kind, name; std::cin >> kind >> name;)
    if (!is_known(kind, name)) std::cout << kind << ' ' << name << '\n';
}
