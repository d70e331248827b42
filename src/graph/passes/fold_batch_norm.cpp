// A batch normalization with given statistics is a scale and a shift of each channel: right behind a convolution or a
// product with a matrix it goes into the weights and the bias, which are computed once where they are constant.
#include <optional>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "kernels/norm.h"
#include "strata/config.h"

namespace strata {

namespace {

class Fold {
 public:
  explicit Fold(Graph& graph) : graph_(graph), uses_(graph) {}

  bool run() {
    std::vector<Node> nodes;
    bool changed = false;
    // Copied: new values are added while old nodes are read.
    const std::vector<Node> old = graph_.nodes;
    for (const Node& node : old) {
      const bool norm = is(node, "batch_normalization");
      const auto chain = norm ? chain_before(node) : std::nullopt;
      const bool scales = norm && !chain && has_kernel(spec(node.in[0]).dtype);
      if (chain)
        fold(nodes, node, *chain);
      else if (scales)
        scale(nodes, node);
      else
        nodes.push_back(node);
      changed = changed || chain || scales;
    }
    graph_.nodes = std::move(nodes);
    return changed;
  }

 private:
  struct Chain {
    const Node* product;
    const Node* bias_add;  // null where there is none
  };

  const Node* maker(int v) const {
    const int n = uses_.maker(v);
    return n < 0 ? nullptr : &graph_.nodes[at(n)];
  }
  const Spec& spec(int v) const { return graph_.values[at(v)]; }

  bool is_product(const Node& node) const {
    if (is(node, "conv")) return true;
    if (!is(node, "matmul") || spec(node.in[1]).shape.size() != 2) return false;
    const Config c = node.op->config();
    return !c.get<bool>("transpose_a") && !c.get<bool>("transpose_b");
  }

  // What lies before the normalization, where nobody else takes it. Its input comes first: x, mean, variance, ...
  std::optional<Chain> chain_before(const Node& norm) const {
    if (uses_.only_user(norm.in[0]) < 0) return {};
    Chain chain{maker(norm.in[0]), nullptr};
    if (chain.product != nullptr && is(*chain.product, "bias_add")) {
      chain.bias_add = chain.product;
      if (uses_.only_user(chain.bias_add->in[0]) < 0) return {};
      chain.product = maker(chain.bias_add->in[0]);
    }
    if (chain.product == nullptr || !is_product(*chain.product)) return {};
    return chain;
  }

  // A value before it was made narrower, through reshapes. Added to `nodes` again where need be.
  int widened(std::vector<Node>& nodes, int v, DType dtype) {
    if (spec(v).dtype == dtype) return v;
    const Node* made = maker(v);
    if (made != nullptr && is(*made, "cast") && spec(made->in[0]).dtype == dtype) return made->in[0];
    if (made != nullptr && made->op->is_view() && made->in.size() == 1) {
      const int wide = widened(nodes, made->in[0], dtype);
      return add_node(graph_, nodes, made->op, {wide}, made->scope);
    }
    return add_node(graph_, nodes, op_named("cast", {{"dtype", to_string(dtype)}}), {v}, "");
  }

  static bool has_kernel(DType dtype) { return dtype == DType::float32 || dtype == DType::bfloat16; }

  // y = x * factor + shift, with one value for each channel.
  struct Affine {
    int factor, shift;
  };
  int add(std::vector<Node>& nodes, const char* op, const std::vector<int>& in, const Node& norm) {
    return add_node(graph_, nodes, op_named(op), in, norm.scope);
  }
  // Of the normalization and of a bias before it; -1 where there is none.
  Affine affine_of(std::vector<Node>& nodes, const Node& norm, int bias) {
    const int mean = norm.in[1], variance = norm.in[2], offset = norm.in[3], scale = norm.in[4];
    const int inverse =
        add(nodes, "rsqrt", {add(nodes, "add", {variance, epsilon(norm, spec(variance).dtype)}, norm)}, norm);
    const int factor = add(nodes, "multiply", {scale, inverse}, norm);
    const int middle = bias < 0 ? mean : add(nodes, "subtract", {mean, bias}, norm);
    return {factor, add(nodes, "subtract", {offset, add(nodes, "multiply", {middle, factor}, norm)}, norm)};
  }

  // Where nothing takes it over, at least one pass over the data does.
  void scale(std::vector<Node>& nodes, const Node& norm) {
    const Affine a = affine_of(nodes, norm, -1);
    nodes.push_back(
        {op_named("scale_shift", {{"relu", false}}), {norm.in[0], a.factor, a.shift}, norm.out, norm.scope});
  }

  void fold(std::vector<Node>& nodes, const Node& norm, const Chain& chain) {
    const DType wide = kernels::statistics_dtype(spec(norm.in[0]).dtype);
    const int before = chain.bias_add == nullptr ? -1 : widened(nodes, chain.bias_add->in[1], wide);
    const Affine a = affine_of(nodes, norm, before);
    const int weights = add(nodes, "multiply", {widened(nodes, chain.product->in[1], wide), a.factor}, norm);
    const bool conv = is(*chain.product, "conv");
    Config config = conv ? chain.product->op->config() : Config();
    config.update(Config({{"bias", true}, {"relu", false}}));
    nodes.push_back({op_named(conv ? "fused_conv" : "fused_matmul", config),
                     {chain.product->in[0], weights, a.shift},
                     norm.out,
                     chain.product->scope});
  }

  int epsilon(const Node& norm, DType dtype) {
    const double value = norm.op->config().get<double>("epsilon");
    graph_.values.push_back({{}, dtype});
    const int v = static_cast<int>(graph_.values.size()) - 1;
    graph_.constants.emplace_back(v, dtype == DType::float64 ? Tensor(value) : Tensor(static_cast<float>(value)));
    return v;
  }

  Graph& graph_;
  Uses uses_;
};

}  // namespace

bool fold_batch_norm(Graph& graph) {
  if (!Fold(graph).run()) return false;
  remove_dead_code(graph);
  return true;
}

}  // namespace strata
