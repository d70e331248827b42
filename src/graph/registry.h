// The list of all ops: what tests walk, what files name, and what a debug apply() checks against.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph/op.h"

namespace strata {

struct OpRow {
  std::string name;
  // Makes the op again from the config() of another. Null for ops that hold a variable or a writer.
  OpPtr (*from_config)(const Config& config);
};

class STRATA_API Registry {
 public:
  // Adds T, which has a default constructor and fields.
  template <class T>
  void add() {
    rows_.push_back({std::string(T().name()), [](const Config& c) -> OpPtr {
                       auto op = std::make_shared<T>();
                       read_config(c, *op);
                       return op;
                     }});
  }
  // Adds an op that cannot be made from a config.
  void add_effect(std::string name) { rows_.push_back({std::move(name), nullptr}); }
  const OpRow* find(std::string_view name) const;
  const std::vector<OpRow>& rows() const { return rows_; }

 private:
  std::vector<OpRow> rows_;
};

// All families, registered at the first use.
STRATA_API const Registry& registry();

// One function a family, defined in src/ops/<family>*.cpp and called by registry().
void register_math(Registry& r);
void register_compare(Registry& r);
void register_reduce(Registry& r);
void register_order(Registry& r);   // arg, top-k, sort, cumulative
void register_array(Registry& r);   // creation and shape
void register_index(Registry& r);   // gather, scatter, slice, pad, ...
void register_linalg(Registry& r);  // matmul, einsum
void register_conv(Registry& r);
void register_pool(Registry& r);
void register_norm(Registry& r);
void register_activation(Registry& r);
void register_random(Registry& r);
void register_variable(Registry& r);
void register_optimizer(Registry& r);

}  // namespace strata
