// Inference with 8 bits: convolutions and products whose inputs have a known range (fake quantization in front of them)
// compute with bytes, and so does what lies between them and only moves or compares values.
#include <algorithm>
#include <numeric>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/uses.h"
#include "kernels/bytes.h"
#include "strata/config.h"

namespace strata {

namespace {

struct Range {
  float min = 0, max = 0;
  void join(const Range& other) { min = std::min(min, other.min), max = std::max(max, other.max); }
};

class UseBytes {
 public:
  explicit UseBytes(Graph& graph)
      : graph_(graph),
        old_(graph.nodes),
        uses_(graph),
        constants_(graph.values.size()),
        source_(graph.values.size()),
        class_(graph.values.size()),
        range_(graph.values.size()),
        bytes_(graph.values.size(), -1),
        role_(graph.nodes.size(), Role::other) {
    for (const auto& [v, tensor] : graph.constants) constants_[at(v)] = tensor;
    std::iota(source_.begin(), source_.end(), 0);
    std::iota(class_.begin(), class_.end(), 0);
  }

  bool run() {
    find_fakes();
    find_products();
    find_carriers();
    if (std::none_of(role_.begin(), role_.end(), [](Role r) { return r == Role::product; })) return false;
    rewrite();
    return true;
  }

 private:
  // What a node of the old graph becomes: nothing (its fake quantization is that of the bytes), a product of bytes, the
  // same op on bytes, or itself.
  enum class Role { other, fake, product, carrier };

  const Spec& spec(int v) const { return graph_.values[at(v)]; }
  const Node& node(std::size_t n) const { return old_[n]; }

  // Whether the node can be a product of bytes: float32 data, weights and bias that are constants.
  bool may_be_product(const Node& n) const {
    const bool fused = is(n, "fused_conv") || is(n, "fused_matmul");
    if (!fused && !is(n, "conv") && !is(n, "matmul")) return false;
    for (std::size_t i = 0; i < n.in.size(); ++i)
      if (spec(n.in[i]).dtype != DType::float32 || (i > 0 && !constants_[at(n.in[i])].defined())) return false;
    if (!is(n, "matmul")) return true;
    const Config c = n.op->config();
    return spec(n.in[1]).shape.size() == 2 && !c.get<bool>("transpose_a") && !c.get<bool>("transpose_b");
  }

  // A fake quantization with one constant range of 8 bits, whose result only products take.
  bool is_replaceable(const Node& n) const {
    if (!is(n, "fake_quant") || uses_.is_returned(n.out[0])) return false;
    const Config c = n.op->config();
    const Tensor &min = constants_[at(n.in[1])], &max = constants_[at(n.in[2])];
    if (c.get<std::int64_t>("num_bits") != 8 || c.get<bool>("narrow_range") || !min.defined() || !max.defined() ||
        min.rank() != 0 || max.rank() != 0)
      return false;
    const auto users = uses_.users(n.out[0]);
    return min.item<float>() < max.item<float>() && !users.empty() &&
           std::all_of(users.begin(), users.end(),
                       [&](const Uses::Use& u) { return u.input == 0 && may_be_product(old_[at(u.node)]); });
  }

  void find_fakes() {
    for (std::size_t n = 0; n < old_.size(); ++n) {
      if (!is_replaceable(node(n))) continue;
      const int x = node(n).in[0], rounded = node(n).out[0];
      role_[n] = Role::fake;
      source_[at(rounded)] = x;
      range_[at(x)].join({constants_[at(node(n).in[1])].item<float>(), constants_[at(node(n).in[2])].item<float>()});
    }
  }

  void find_products() {
    for (std::size_t n = 0; n < old_.size(); ++n)
      if (may_be_product(node(n)) && source_[at(node(n).in[0])] != node(n).in[0]) role_[n] = Role::product;
  }

  // Whether all that take a value take its bytes.
  bool only_bytes(int v) const {
    const auto users = uses_.users(v);
    if (uses_.is_returned(v) || users.empty()) return false;
    return std::all_of(users.begin(), users.end(), [&](const Uses::Use& u) {
      const Role role = role_[at(u.node)];
      return role == Role::fake || (role == Role::carrier && (u.input == 0 || is(old_[at(u.node)], "concat")));
    });
  }

  // From the end: whether an op that moves or compares values works on bytes depends on those that follow.
  void find_carriers() {
    for (std::size_t n = old_.size(); n-- > 0;) {
      const Node& carrier = node(n);
      const bool view = carrier.op->is_view() && carrier.in.size() == 1 && carrier.out.size() == 1;
      if (!view && !is(carrier, "concat") && !is(carrier, "max_pool")) continue;
      const int out = carrier.out[0];
      if (spec(out).dtype != DType::float32 || !only_bytes(out)) continue;
      role_[n] = Role::carrier;
      for (const int v : carrier.in) unite(v, out);
    }
  }

  // Values that share a grid.
  int class_of(int v) const {
    while (class_[at(v)] != v) v = class_[at(v)];
    return v;
  }
  void unite(int a, int b) {
    const int from = class_of(a), to = class_of(b);
    if (from == to) return;
    class_[at(from)] = to;
    range_[at(to)].join(range_[at(from)]);
  }
  kernels::Grid grid_of(int v) const {
    const Range& r = range_[at(class_of(v))];
    return kernels::GridBits().between(r.min, r.max);
  }

  // The value as bytes.
  int bytes_of(int v, const std::string& scope) {
    if (bytes_[at(v)] < 0) {
      const kernels::Grid g = grid_of(v);
      bytes_[at(v)] = add(op_named("quantize", {{"step", double{g.step}}, {"zero", std::int64_t{g.zero}}}), {v}, scope);
    }
    return bytes_[at(v)];
  }
  int add(const OpPtr& op, const std::vector<int>& in, const std::string& scope) {
    return add_node(graph_, graph_.nodes, op, in, scope);
  }

  void rewrite() {
    graph_.nodes.clear();
    for (std::size_t n = 0; n < old_.size(); ++n) {
      if (role_[n] == Role::product)
        add_product(old_[n]);
      else if (role_[n] == Role::carrier)
        add_carrier(old_[n]);
      else if (role_[n] != Role::fake)
        graph_.nodes.push_back(old_[n]);
    }
  }

  void add_carrier(const Node& n) {
    std::vector<int> in;
    for (const int v : n.in) in.push_back(bytes_of(v, n.scope));
    bytes_[at(n.out[0])] = add(n.op, in, n.scope);
  }

  void add_product(const Node& n) {
    const bool conv = is(n, "conv") || is(n, "fused_conv"), fused = is(n, "fused_conv") || is(n, "fused_matmul");
    const Config given = n.op->config();
    const int x = source_[at(n.in[0])], out = n.out[0];
    const bool to_bytes = only_bytes(out);
    const kernels::Grid src = grid_of(x), dst = to_bytes ? grid_of(out) : kernels::Grid();
    Config config = conv ? given : Config();
    config.update(Config({{"src_step", double{src.step}},
                          {"src_zero", std::int64_t{src.zero}},
                          {"to_bytes", to_bytes},
                          {"dst_step", double{dst.step}},
                          {"dst_zero", std::int64_t{dst.zero}},
                          {"bias", fused && given.get<bool>("bias")},
                          {"relu", fused && given.get<bool>("relu")}}));
    std::vector<int> in = n.in;
    in[0] = bytes_of(x, n.scope);
    const OpPtr op = op_named(conv ? "byte_conv" : "byte_matmul", config);
    if (to_bytes)
      bytes_[at(out)] = add(op, in, n.scope);
    else
      graph_.nodes.push_back({op, in, n.out, n.scope});
  }

  Graph& graph_;
  const std::vector<Node> old_;
  const Uses uses_;
  std::vector<Tensor> constants_;  // by value, as all that follow; undefined where it is none
  std::vector<int> source_;        // what a fake quantization rounds, of its result
  std::vector<int> class_;
  std::vector<Range> range_;
  std::vector<int> bytes_;  // the value that holds its bytes; -1
  std::vector<Role> role_;  // by node
};

}  // namespace

bool use_bytes(Graph& graph) {
  if (!UseBytes(graph).run()) return false;
  remove_dead_code(graph);
  return true;
}

}  // namespace strata
