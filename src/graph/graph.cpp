#include "graph/graph.h"

#include <utility>

#include "graph/variable_ops.h"

namespace strata {

namespace {
thread_local std::shared_ptr<Graph> traced_graph;
thread_local std::string scope_name;
}  // namespace

Graph* current_graph() { return traced_graph.get(); }
TraceScope::TraceScope(std::shared_ptr<Graph> graph) : outer_(std::exchange(traced_graph, std::move(graph))) {}
TraceScope::~TraceScope() {
  if (traced_graph != nullptr) traced_graph->end_trace();
  traced_graph = std::move(outer_);
}

const std::string& current_scope_name() { return scope_name; }
void set_scope_name(std::string name) { scope_name = std::move(name); }

Tensor Graph::symbolic(int value) {
  auto data = std::make_shared<detail::TensorData>();
  data->shape = values[static_cast<std::size_t>(value)].shape;
  data->dtype = values[static_cast<std::size_t>(value)].dtype;
  data->graph = shared_from_this();
  data->value = value;
  return Tensor(std::move(data));
}

Tensor Graph::add_input(const Spec& spec) {
  values.push_back(spec);
  inputs.push_back(static_cast<int>(values.size()) - 1);
  return symbolic(inputs.back());
}

int Graph::value_of(const Tensor& tensor) {
  if (tensor.impl()->graph.get() == this) return tensor.impl()->value;
  auto [it, is_new] = constant_numbers_.try_emplace(tensor.impl().get(), static_cast<int>(values.size()));
  if (is_new) {
    values.push_back({tensor.shape(), tensor.dtype()});
    constants.emplace_back(it->second, tensor);
  }
  return it->second;
}

Tensors Graph::append(const OpPtr& op, const Tensors& arguments) {
  Node node{op, {}, {}, current_scope_name()};
  Specs specs;
  for (const Tensor& t : arguments) {
    node.in.push_back(value_of(t));
    specs.push_back({t.shape(), t.dtype()});
  }
  Tensors results;
  for (const Spec& s : op->infer(specs)) {
    values.push_back(s);
    node.out.push_back(static_cast<int>(values.size()) - 1);
    results.push_back(symbolic(node.out.back()));
  }
  // Any effect may assign variables: what was read before is the old value.
  if (op->has_effect() && dynamic_cast<const ReadVariable*>(op.get()) == nullptr)
    if (const auto* writer = dynamic_cast<const WritesVariables*>(op.get()))
      for (const detail::VariableState* v : writer->written()) reads_.erase(v);
  nodes.push_back(std::move(node));
  return results;
}

Tensor Graph::read(const std::shared_ptr<detail::VariableState>& variable) {
  if (auto it = reads_.find(variable.get()); it != reads_.end()) return it->second;
  Tensor value = append(std::make_shared<ReadVariable>(variable), {})[0];
  reads_[variable.get()] = value;
  return value;
}

std::string to_string(const Graph& graph) {
  auto name = [](int v) { return "%" + std::to_string(v); };
  auto spec = [&](int v) {
    const Spec& s = graph.values[at(v)];
    return to_string(s.dtype) + to_string(s.shape);
  };
  std::string out = graph.name + "(";
  for (std::size_t i = 0; i < graph.inputs.size(); ++i)
    out += (i ? ", " : "") + name(graph.inputs[i]) + ": " + spec(graph.inputs[i]);
  out += ")\n";
  for (const auto& [v, tensor] : graph.constants) out += "  " + name(v) + ": " + spec(v) + " = constant\n";
  for (const Node& node : graph.nodes) {
    out += "  ";
    for (std::size_t i = 0; i < node.out.size(); ++i)
      out += (i ? ", " : "") + name(node.out[i]) + ": " + spec(node.out[i]);
    out += (node.out.empty() ? "" : " = ") + std::string(node.op->name()) + "(";
    for (std::size_t i = 0; i < node.in.size(); ++i) out += (i ? ", " : "") + name(node.in[i]);
    out += ")";
    const Config config = node.op->config();
    for (const auto& [key, value] : config.entries()) out += " " + key + "=" + Config({{"v", value}}).to_json();
    if (!node.scope.empty()) out += "  # " + node.scope;
    out += "\n";
  }
  for (const ChannelSlice& s : graph.slices)
    out += "  " + name(s.part) + " lies in " + name(s.whole) + " from channel " + std::to_string(s.first) + " on\n";
  out += "  return";
  for (int v : graph.outputs) out += v >= 0 ? " " + name(v) : " undefined";
  return out + "\n";
}

void verify(const Graph& graph) {
  std::vector<bool> defined(graph.values.size(), false);
  auto define = [&](int v) {
    if (v < 0 || at(v) >= defined.size() || defined[at(v)])
      throw Error("graph '" + graph.name + "': value %" + std::to_string(v) + " is defined twice or out of range");
    defined[at(v)] = true;
  };
  auto use = [&](int v, const std::string& by) {
    if (v < 0 || at(v) >= defined.size() || !defined[at(v)])
      throw Error("graph '" + graph.name + "': " + by + " uses %" + std::to_string(v) + " before it is defined");
  };
  for (int v : graph.inputs) define(v);
  for (const auto& [v, tensor] : graph.constants) define(v);
  for (const Node& node : graph.nodes) {
    for (int v : node.in) use(v, std::string(node.op->name()));
    for (int v : node.out) define(v);
  }
  for (int v : graph.outputs)
    if (v >= 0) use(v, "return");
}

}  // namespace strata
