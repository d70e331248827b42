// A convolution or a product with a matrix, the bias that is added to it and the ReLU of the sum become one op.
#include <algorithm>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "kernels/norm.h"
#include "strata/config.h"

namespace strata {

namespace {

// Positions of nodes, -1 where there is none. `reshape` gives a product with a matrix the dimensions that its rows had,
// and leaves the last one as it is.
struct Chain {
  int product = -1, reshape = -1, bias = -1, relu = -1;
  int last() const { return relu >= 0 ? relu : bias >= 0 ? bias : product; }
};

bool is_plain_relu(const Node& node) {
  if (!is(node, "relu")) return false;
  const Config c = node.op->config();
  return c.get<double>("negative_slope") == 0 && c.get<double>("threshold") == 0 && !c.get<bool>("has_max");
}

class Fuse {
 public:
  explicit Fuse(Graph& graph) : graph_(graph), uses_(graph) {}

  bool run() {
    std::vector<Chain> ends(graph_.nodes.size());         // by the last node of the chain
    std::vector<bool> moved(graph_.nodes.size(), false);  // products that are made at the end of their chain
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n)
      if (is_product(graph_.nodes[n])) {
        const Chain chain = chain_of(static_cast<int>(n));
        if (chain.last() == chain.product) continue;
        ends[at(chain.last())] = chain;
        moved[n] = chain.reshape >= 0;
      }
    std::vector<Node> nodes;
    bool changed = false;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (ends[n].product >= 0) {
        fuse(nodes, ends[n]);
        changed = true;
      } else if (!moved[n]) {
        nodes.push_back(graph_.nodes[n]);
      }
    }
    graph_.nodes = std::move(nodes);
    return changed;
  }

 private:
  const Spec& spec(int v) const { return graph_.values[at(v)]; }

  bool is_product(const Node& node) const {
    if (is(node, "conv")) return true;
    if (has_bias(node)) return !node.op->config().get<bool>("relu");
    if (!is(node, "matmul") || !is_floating(spec(node.in[0]).dtype) || spec(node.in[1]).shape.size() != 2) return false;
    const Config c = node.op->config();
    return !c.get<bool>("transpose_a") && !c.get<bool>("transpose_b");
  }

  bool keeps_columns(const Node& node) const {
    if (!is(node, "reshape") && !is(node, "reshape_to_value")) return false;
    const Shape &from = spec(node.in[0]).shape, &to = spec(node.out[0]).shape;
    return !to.empty() && from.back() != None && from.back() == to.back();
  }

  // Ops that passes made before.
  static bool has_bias(const Node& node) {
    return is(node, "fused_conv") || is(node, "fused_matmul") || is(node, "scale_shift");
  }

  Chain chain_of(int product) const {
    Chain chain{product};
    int sum = graph_.nodes[at(product)].out[0], next = uses_.only_user(sum);
    if (const int reshape = is(graph_.nodes[at(product)], "matmul") ? only_reader(sum) : -1;
        reshape >= 0 && keeps_columns(graph_.nodes[at(reshape)])) {
      chain.reshape = reshape;
      sum = graph_.nodes[at(reshape)].out[0];
      next = uses_.only_user(sum);
    }
    if (next >= 0 && is(graph_.nodes[at(next)], "bias_add") && !has_bias(graph_.nodes[at(product)]) &&
        graph_.nodes[at(next)].in[0] == sum) {
      chain.bias = next;
      next = uses_.only_user(graph_.nodes[at(next)].out[0]);
    }
    if (next >= 0 && is_plain_relu(graph_.nodes[at(next)])) chain.relu = next;
    if (chain.reshape < 0) return chain;
    const auto users = uses_.users(graph_.nodes[at(product)].out[0]);
    const bool in_order = std::all_of(users.begin(), users.end(), [&](const Uses::Use& u) {
      return u.node == chain.reshape || u.node > chain.last();
    });
    return in_order ? chain : Chain{product};
  }

  // The only node that takes the numbers of a value. Gradients may take its shape.
  int only_reader(int v) const {
    int reader = -1;
    for (const Uses::Use& u : uses_.users(v)) {
      if (u.input == 1 && is(graph_.nodes[at(u.node)], "reshape_like")) continue;
      if (reader >= 0) return -1;
      reader = u.node;
    }
    return uses_.is_returned(v) ? -1 : reader;
  }

  void fuse(std::vector<Node>& nodes, const Chain& chain) {
    const Node &product = graph_.nodes[at(chain.product)], &last = graph_.nodes[at(chain.last())];
    const bool conv = is(product, "conv") || is(product, "fused_conv");
    Config config = product.op->config();
    Node fused{nullptr, product.in, chain.reshape < 0 ? last.out : product.out, product.scope};
    if (!has_bias(product)) {
      config = conv ? config : Config();
      config.set("bias", chain.bias >= 0);
      if (chain.bias >= 0) fused.in.push_back(wide_bias(nodes, graph_.nodes[at(chain.bias)]));
    }
    config.set("relu", chain.relu >= 0);
    fused.op = op_named(has_bias(product) ? product.op->name() : conv ? "fused_conv" : "fused_matmul", config);
    nodes.push_back(std::move(fused));
    if (chain.reshape < 0) return;
    Node reshape = graph_.nodes[at(chain.reshape)];
    reshape.out = last.out;
    nodes.push_back(std::move(reshape));
  }

  // The bias in the type that fused ops want: before it was made narrower, where it was.
  int wide_bias(std::vector<Node>& nodes, const Node& bias_add) {
    const int bias = bias_add.in[1];
    const DType wanted = kernels::statistics_dtype(spec(bias).dtype);
    if (spec(bias).dtype == wanted) return bias;
    const int maker = uses_.maker(bias);
    if (maker >= 0 && is(graph_.nodes[at(maker)], "cast") && spec(graph_.nodes[at(maker)].in[0]).dtype == wanted)
      return graph_.nodes[at(maker)].in[0];
    return add_node(graph_, nodes, op_named("cast", {{"dtype", to_string(wanted)}}), {bias}, bias_add.scope);
  }

  Graph& graph_;
  Uses uses_;
};

}  // namespace

bool fuse_bias_relu(Graph& graph) {
  if (!Fuse(graph).run()) return false;
  remove_dead_code(graph);
  return true;
}

}  // namespace strata
