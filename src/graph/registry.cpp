#include "graph/registry.h"

namespace strata {

const OpRow* Registry::find(std::string_view name) const {
  for (const OpRow& row : rows_)
    if (row.name == name) return &row;
  return nullptr;
}

const Registry& registry() {
  static const Registry all = [] {
    Registry r;
    register_math(r);
    register_compare(r);
    register_reduce(r);
    register_order(r);
    register_array(r);
    register_index(r);
    register_linalg(r);
    register_conv(r);
    register_pool(r);
    register_norm(r);
    register_activation(r);
    register_random(r);
    register_variable(r);
    register_optimizer(r);
    return r;
  }();
  return all;
}

}  // namespace strata
