// Lets a float32 program compute in a 16-bit type, as automatic mixed precision does: convolutions and products always,
// what is indifferent to precision where its data is 16-bit already, all else in float32.
#include <algorithm>
#include <string_view>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "strata/config.h"

namespace strata {

namespace {

constexpr std::string_view kAlways[] = {"conv", "conv_backprop_input", "matmul"};
constexpr std::string_view kIndifferent[] = {"bias_add",
                                             "batch_normalization",
                                             "relu",
                                             "elu",
                                             "selu",
                                             "celu",
                                             "gelu",
                                             "gelu_tanh",
                                             "silu",
                                             "softplus",
                                             "log_sigmoid",
                                             "softsign",
                                             "mish",
                                             "sigmoid",
                                             "tanh",
                                             "add",
                                             "subtract",
                                             "multiply",
                                             "maximum",
                                             "minimum",
                                             "negative",
                                             "abs",
                                             "max_pool",
                                             "avg_pool",
                                             "concat",
                                             "stack",
                                             "unstack",
                                             "split",
                                             "pad",
                                             "mirror_pad",
                                             "reshape",
                                             "expand_dims",
                                             "squeeze",
                                             "identity",
                                             "stop_gradient",
                                             "transpose",
                                             "slice",
                                             "strided_slice",
                                             "reverse",
                                             "roll",
                                             "tile",
                                             "repeat",
                                             "where",
                                             "gather",
                                             "resize",
                                             "broadcast_to",
                                             "space_to_depth",
                                             "depth_to_space",
                                             "dropout",
                                             "reduce_mean",
                                             "reduce_sum",
                                             "reduce_max",
                                             "reduce_min"};

template <std::size_t N>
bool is_in(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

class Narrow {
 public:
  Narrow(Graph& graph, DType dtype)
      : graph_(graph),
        dtype_(dtype),
        narrow_(graph.values.size(), -1),
        wide_(graph.values.size(), -1),
        constant_(graph.values.size(), false) {
    for (const auto& [v, tensor] : graph.constants) constant_[at(v)] = true;
    for (std::size_t v = 0; v < wide_.size(); ++v) wide_[v] = static_cast<int>(v);
  }

  void run() {
    const std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (const Node& node : old) rewrite(node);
    for (int& v : graph_.outputs)
      if (v >= 0) v = version(v, false, "");
  }

 private:
  bool is_float(int v) const { return graph_.values[at(v)].dtype == DType::float32; }

  bool computes_narrow(const Node& node) const {
    if (node.in.empty() || !is_float(node.in[0]) || node.out.empty() || !is_float(node.out[0]))
      return is(node, "where") && is_float(node.out[0]) && any_narrow(node);
    if (is_in(kAlways, node.op->name())) return true;
    return is_in(kIndifferent, node.op->name()) && any_narrow(node);
  }
  bool any_narrow(const Node& node) const {
    const std::size_t data = is(node, "batch_normalization") ? 1 : node.in.size();
    return std::any_of(node.in.begin(), node.in.begin() + static_cast<std::ptrdiff_t>(data),
                       [&](int v) { return narrow_[at(v)] >= 0 && !constant_[at(v)]; });
  }

  // A float32 value in the type that is wanted, cast where it is not there yet.
  int version(int v, bool narrow, const std::string& scope) {
    if (!is_float(v)) return wide_[at(v)];
    int& wanted = narrow ? narrow_[at(v)] : wide_[at(v)];
    const int other = narrow ? wide_[at(v)] : narrow_[at(v)];
    if (wanted < 0)
      wanted = add_node(graph_, graph_.nodes,
                        op_named("cast", {{"dtype", to_string(narrow ? dtype_ : DType::float32)}}), {other}, scope);
    return wanted;
  }

  void rewrite(const Node& node) {
    const bool narrow = computes_narrow(node);
    const bool statistics = is(node, "batch_normalization");
    Node copy{node.op, {}, {}, node.scope};
    Specs specs;
    for (std::size_t i = 0; i < node.in.size(); ++i) {
      copy.in.push_back(version(node.in[i], narrow && !(statistics && i > 0), node.scope));
      specs.push_back(graph_.values[at(copy.in.back())]);
    }
    if (!narrow) {
      copy.out = node.out;
      graph_.nodes.push_back(std::move(copy));
      return;
    }
    const Specs results = node.op->infer(specs);
    for (std::size_t i = 0; i < node.out.size(); ++i) {
      copy.out.push_back(static_cast<int>(graph_.values.size()));
      graph_.values.push_back(results[i]);
      const bool is_narrow = results[i].dtype == dtype_;
      (is_narrow ? narrow_ : wide_)[at(node.out[i])] = copy.out.back();
      if (is_narrow) wide_[at(node.out[i])] = -1;
    }
    graph_.nodes.push_back(std::move(copy));
  }

  Graph& graph_;
  DType dtype_;
  std::vector<int> narrow_, wide_;  // by value of the old graph: what holds it now in each type, -1 where nothing does
  std::vector<bool> constant_;
};

}  // namespace

void narrow_to(Graph& graph, DType dtype) { Narrow(graph, dtype).run(); }

}  // namespace strata
