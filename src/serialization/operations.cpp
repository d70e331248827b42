#include "serialization/operations.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/tensor_data.h"
#include "models/layer_call.h"
#include "models/layer_state.h"

namespace strata {

namespace {

using NodePtr = std::shared_ptr<const SymbolicNode>;

// A layer is one operation however often it is called; an op or an input is one by itself.
const void* key_of(const SymbolicNode& node) {
  return node.call ? static_cast<const void*>(node.call->layer.state().get()) : &node;
}

class GraphMap {
 public:
  explicit GraphMap(const ModelState& model) {
    for (const Tensor& t : model.inputs) inputs_.insert(t.impl()->node.get());
    for (const Tensor& t : model.outputs) visit(t.impl()->node);
    measure();
    for (std::size_t i = 0; i < model.inputs.size(); ++i) {
      const void* key = input_key(*model.inputs[i].impl()->node);
      if (depths_.try_emplace(key, 0).second) indices_[key] = -1;  // an input that no output needs
      input_numbers_[key] = i;
    }
  }

  std::vector<const void*> ordered() const {
    std::vector<const void*> keys;
    for (const auto& [key, depth] : depths_) keys.push_back(key);
    std::sort(keys.begin(), keys.end(), [&](const void* a, const void* b) {
      const int da = depths_.at(a), db = depths_.at(b);
      if (da != db) return da > db;
      const int ia = indices_.at(a), ib = indices_.at(b);
      return ia != ib ? ia < ib : input_number(a) < input_number(b);
    });
    return keys;
  }
  std::size_t input_number(const void* key) const {
    const auto it = input_numbers_.find(key);
    return it == input_numbers_.end() ? 0 : it->second;
  }
  bool is_input(const void* key) const { return input_numbers_.contains(key); }

 private:
  // A tensor inside another graph may be an input here: then its node, not the layer that made it, is the operation.
  const void* input_key(const SymbolicNode& node) const { return &node; }
  const void* key(const SymbolicNode& node) const {
    return inputs_.contains(&node) ? static_cast<const void*>(&node) : key_of(node);
  }

  void visit(const NodePtr& root) {
    struct Step {
      NodePtr node;
      std::size_t next = 0;
    };
    std::vector<Step> stack;
    auto push = [&](const NodePtr& node) {
      if (!started_.insert(node.get()).second) return;
      indices_.try_emplace(key(*node), static_cast<int>(indices_.size()));
      stack.push_back({node});
    };
    push(root);
    while (!stack.empty()) {
      Step& top = stack.back();
      const bool stops = inputs_.contains(top.node.get());
      if (stops || top.next == top.node->inputs.size()) {
        order_.push_back(top.node);
        stack.pop_back();
        continue;
      }
      const Tensor& t = top.node->inputs[top.next++];
      if (detail::is_recorded(t)) push(t.impl()->node);
    }
  }

  void measure() {
    std::unordered_map<const SymbolicNode*, int> of_node;
    for (std::size_t i = order_.size(); i-- > 0;) {
      const SymbolicNode& node = *order_[i];
      int& of_operation = depths_[key(node)];
      const int depth = std::max(of_node[&node], of_operation);
      of_operation = of_node[&node] = depth;
      if (inputs_.contains(&node)) continue;
      for (const Tensor& t : node.inputs)
        if (detail::is_recorded(t)) {
          int& before = of_node[t.impl()->node.get()];
          before = std::max(before, depth + 1);
        }
    }
  }

  std::unordered_set<const SymbolicNode*> inputs_, started_;
  std::vector<NodePtr> order_;
  std::unordered_map<const void*, int> indices_, depths_;
  std::unordered_map<const void*, std::size_t> input_numbers_;
};

std::string unique_in(std::unordered_set<std::string>& taken, const std::string& name) {
  std::string out = name;
  for (int n = 1; !taken.insert(out).second; ++n) out = name + "_" + std::to_string(n);
  return out;
}

}  // namespace

std::vector<Operation> operations_in_order(const ModelState& model) {
  const GraphMap map(model);
  std::unordered_map<const void*, std::vector<NodePtr>> nodes;
  for (const NodePtr& node : model.nodes) nodes[key_of(*node)].push_back(node);
  std::vector<Operation> out;
  std::unordered_set<std::string> taken;
  for (const void* key : map.ordered()) {
    Operation o;
    if (map.is_input(key)) {
      o.kind = Operation::Kind::input;
      o.input = map.input_number(key);
      o.name = model.input_names[o.input];
      taken.insert(o.name);
    } else {
      o.nodes = nodes.at(key);
      if (o.nodes[0]->call) {
        o.layer = o.nodes[0]->call->layer;
        o.name = o.layer.name();
        taken.insert(o.name);
      } else {
        o.kind = Operation::Kind::op;
      }
    }
    out.push_back(o);
  }
  // Ops are named last, since layers keep the names that they were given.
  for (Operation& o : out)
    if (o.kind == Operation::Kind::op) o.name = unique_in(taken, std::string(o.nodes[0]->op->name()));
  return out;
}

bool is_input_layer(const Layer& layer) { return dynamic_cast<const layers::InputLayer*>(&layer.object()) != nullptr; }

bool is_sequential(const Layer& layer) {
  const auto& model = layer.state()->model;
  return model && model->is_sequential;
}

bool has_graph(const Layer& layer) {
  const auto& model = layer.state()->model;
  return model && !model->inputs.empty();
}

}  // namespace strata
