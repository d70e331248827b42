#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>
#include <utility>

#include "models/model_graph.h"
#include "strata/array.h"
#include "strata/understanding.h"
#include "strata/variable.h"

namespace strata::understanding {

namespace {

std::int64_t last_dimension(const Shape& shape) { return shape.empty() ? 1 : shape.back(); }

// Of convolutions and matrix products; a kernel's last dimension is the output's.
std::int64_t multiply_adds(const Node& node, const Graph& graph) {
  const auto shape = [&](int value) -> const Shape& { return graph.values[static_cast<std::size_t>(value)].shape; };
  const std::string_view name = node.op->name();
  if (node.in.size() < 2 || node.out.empty()) return 0;
  const Shape& out = shape(node.out[0]);
  if (name == "conv") {
    const Shape& kernel = shape(node.in[1]);
    return out.num_elements() * kernel.num_elements() / std::max<std::int64_t>(1, last_dimension(kernel));
  }
  if (name == "conv_backprop_input") {  // a transposed convolution
    const Shape &in = shape(node.in[0]), &kernel = shape(node.in[1]);
    return in.num_elements() * kernel.num_elements() / std::max<std::int64_t>(1, last_dimension(in));
  }
  if (name == "matmul") {
    const Shape &a = shape(node.in[0]), &b = shape(node.in[1]);
    // a, b and the result have m k, k n and m n elements each: k^2 is their quotient, transposed or not.
    const auto matrix = [](const Shape& s) { return s.at(-1) * s.at(-2); };
    if (out.rank() < 2 || a.rank() < 2 || b.rank() < 2) return 0;
    const std::int64_t m_n = matrix(out), m_k = matrix(a), k_n = matrix(b);
    std::int64_t k = 1;
    while (m_n > 0 && k * k < m_k * k_n / m_n) ++k;
    return out.num_elements() * k;
  }
  return 0;
}

// The least seconds of each node of a graph over some runs: what else the machine does only adds.
std::vector<double> time_nodes(const Graph& graph, int repetitions) {
  std::vector<double> seconds(graph.nodes.size(), 0.0);
  for (int r = 0; r <= repetitions; ++r) {
    Tensors values(graph.values.size());
    for (int v : graph.inputs) {
      const Spec& spec = graph.values[static_cast<std::size_t>(v)];
      const auto n = static_cast<std::size_t>(spec.shape.num_elements());
      values[static_cast<std::size_t>(v)] = cast(Tensor::adopt(std::vector<float>(n, 0.1f), spec.shape), spec.dtype);
    }
    for (const auto& [v, tensor] : graph.constants) values[static_cast<std::size_t>(v)] = tensor;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      Tensors in;
      for (int v : node.in) in.push_back(v < 0 ? Tensor() : values[static_cast<std::size_t>(v)]);
      const auto start = std::chrono::steady_clock::now();
      const Tensors out = run_eagerly(*node.op, in);
      const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      // The first run warms up: kernels are chosen and compiled there.
      if (r > 0) seconds[i] = r == 1 ? taken : std::min(seconds[i], taken);
      for (std::size_t k = 0; k < node.out.size(); ++k)
        if (node.out[k] >= 0) values[static_cast<std::size_t>(node.out[k])] = out[k];
    }
  }
  return seconds;
}

// With those of the layers inside.
std::int64_t count_weights(const LayerState& layer) {
  std::int64_t n = 0;
  for (const Variable& v : layer.weights)
    if (v.created()) n += v.size();
  for (const auto& child : layer.children) n += count_weights(*child.layer.state());
  return n;
}

std::string thousands(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

// The rows' calls: those right below the model, or the innermost ones.
std::vector<const TracedCall*> shown_calls(const TracedModel& traced, bool expand) {
  std::vector<const TracedCall*> out;
  for (std::size_t i = 1; i < traced.calls.size(); ++i)
    if (expand ? !traced.calls[i].has_children : traced.calls[i].parent == 0) out.push_back(&traced.calls[i]);
  return out;
}

std::string name_below(LayerState& layer, const TracedModel& traced) {
  const std::string path = layer.path(), prefix = traced.calls[0].layer->path() + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

}  // namespace

Cost cost(const Model& model, const CostOptions& options) {
  if (options.batch_size < 1 || options.repetitions < 1)
    throw ValueError("understanding::cost: batch_size and repetitions must be 1 or more.");
  const TracedModel traced = trace_model(model, options.batch_size);
  const Graph& graph = *traced.graph;
  const std::vector<double> seconds =
      options.measure ? time_nodes(graph, options.repetitions) : std::vector<double>(graph.nodes.size(), 0.0);
  Cost out;
  std::map<const LayerState*, bool> counted;
  std::vector<bool> is_in_row(graph.nodes.size(), false);
  const auto add_nodes = [&](Cost::Row& row, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      is_in_row[i] = true;
      row.multiply_adds += multiply_adds(graph.nodes[i], graph);
      row.milliseconds += seconds[i] * 1e3;
    }
  };
  for (const TracedCall* call : shown_calls(traced, options.expand_nested)) {
    Cost::Row row;
    row.name = options.expand_nested ? name_below(*call->layer, traced) : call->layer->ensure_name();
    row.class_name = call->layer->class_name;
    if (!call->outputs.empty()) row.output_shape = call->outputs[0].shape;
    for (const Spec& s : call->outputs)
      row.activation_bytes += s.shape.num_elements() * static_cast<std::int64_t>(size_of(s.dtype));
    // Weights that several calls share count once.
    if (!std::exchange(counted[call->layer.get()], true)) row.parameters = count_weights(*call->layer);
    add_nodes(row, call->first, call->last);
    out.rows.push_back(row);
  }
  Cost::Row other;
  other.name = "(outside of layers)";
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (!is_in_row[i]) add_nodes(other, i, i + 1);
  if (other.multiply_adds > 0 || other.milliseconds > 0) out.rows.push_back(other);
  out.total.name = "total";
  for (const Cost::Row& row : out.rows) {
    out.total.parameters += row.parameters;
    out.total.multiply_adds += row.multiply_adds;
    out.total.activation_bytes += row.activation_bytes;
    out.total.milliseconds += row.milliseconds;
  }
  for (Cost::Row& row : out.rows)
    row.share = out.total.milliseconds > 0 ? row.milliseconds / out.total.milliseconds : 0;
  out.total.share = out.total.milliseconds > 0 ? 1 : 0;
  return out;
}

std::string Cost::to_string() const {
  std::size_t width = 5;
  for (const Row& row : rows) width = std::max(width, row.name.size() + row.class_name.size() + 3);
  std::string out = fmt::format("{:<{}} {:>20} {:>12} {:>15} {:>14} {:>10} {:>7}\n", "layer", width, "output shape",
                                "parameters", "multiply-adds", "activations", "time", "share");
  const std::string rule(width + 84, '-');
  const auto line = [&](const Row& row) {
    const std::string name = row.class_name.empty() ? row.name : fmt::format("{} ({})", row.name, row.class_name);
    return fmt::format("{:<{}} {:>20} {:>12} {:>15} {:>11.1f} KB {:>7.2f} ms {:>6.1f}%\n", name, width,
                       row.output_shape.empty() ? "" : strata::to_string(row.output_shape), thousands(row.parameters),
                       thousands(row.multiply_adds), static_cast<double>(row.activation_bytes) / 1024, row.milliseconds,
                       row.share * 100);
  };
  out += rule + "\n";
  for (const Row& row : rows) out += line(row);
  return out + rule + "\n" + line(total);
}

std::ostream& operator<<(std::ostream& out, const Cost& cost) { return out << cost.to_string(); }

}  // namespace strata::understanding
