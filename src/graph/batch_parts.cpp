#include "graph/batch_parts.h"

#include <algorithm>
#include <string_view>

#include "graph/plan_layout.h"
#include "graph/registry.h"
#include "strata/error.h"

namespace strata {

namespace {

// What an op may read and write for the samples of a part: about a second-level cache.
constexpr std::int64_t kCache = std::int64_t{2} << 20;

// Ops that compute each row of their result from the same row of their inputs, as long as the first dimension of both
// is the batch (which is_apart() sees to).
constexpr std::string_view kByRow[] = {"abs",         "add",           "avg_pool",    "batch_normalization",
                                       "bias_add",    "byte_conv",     "byte_matmul", "cast",
                                       "concat",      "conv",          "dequantize",  "divide",
                                       "elementwise", "exp",           "expand_dims", "fake_quant",
                                       "fused_conv",  "fused_matmul",  "identity",    "log",
                                       "matmul",      "max_pool",      "maximum",     "minimum",
                                       "multiply",    "negative",      "pad",         "quantize",
                                       "reduce_max",  "reduce_mean",   "reduce_min",  "reduce_sum",
                                       "relu",        "reshape",       "rsqrt",       "scale_shift",
                                       "sigmoid",     "split",         "sqrt",        "square",
                                       "squeeze",     "stop_gradient", "subtract",    "tanh"};

bool is_by_row(const Node& node, const PlanLayout& layout) {
  const std::string_view name = node.op->name();
  if (name == "softmax" || name == "log_softmax") {
    const std::int64_t axis = node.op->config().at("axis").as_integer();
    return axis != 0 && axis != -layout.at(node.in[0]).spec.shape.rank();
  }
  return std::find(std::begin(kByRow), std::end(kByRow), name) != std::end(kByRow);
}

bool is_batch_of(const Shape& shape, std::int64_t samples) { return !shape.empty() && shape[0] == samples; }

// Whether samples are computed apart: every value that depends on an input keeps the batch as its first dimension and
// has it nowhere else, which two different batches show.
bool is_apart(const Graph& graph, const PlanLayout& whole, const PlanLayout& part, std::int64_t batch,
              std::int64_t samples) {
  std::vector<bool> depends(graph.values.size(), false);
  for (const int v : graph.inputs) depends[at(v)] = true;
  for (const Node& node : graph.nodes) {
    if (!is_by_row(node, whole) || node.op->has_effect()) return false;
    const bool any = std::any_of(node.in.begin(), node.in.end(), [&](int v) { return depends[at(v)]; });
    for (const int v : node.out) depends[at(v)] = any;
  }
  for (std::size_t i = 0; i < depends.size(); ++i) {
    const int v = static_cast<int>(i);
    if (!depends[i] || whole.root_of(v).last < 0) continue;
    const Shape &all = whole.at(v).spec.shape, &some = part.at(v).spec.shape;
    if (!is_batch_of(all, batch) || !is_batch_of(some, samples) || all.sub(1) != some.sub(1)) return false;
  }
  return std::all_of(graph.outputs.begin(), graph.outputs.end(), [&](int v) { return v >= 0 && depends[at(v)]; });
}

// Bytes for the whole batch: of the op that touches most, of all ops, and of the weights.
struct Traffic {
  std::int64_t largest = 0, all = 0, weights = 0;

  Traffic(const Graph& graph, const PlanLayout& layout) {
    const auto bytes = [&](int v) {
      return layout.root_of(v).home == Home::constant ? 0 : static_cast<std::int64_t>(bytes_of(layout.at(v).spec));
    };
    for (const Node& node : graph.nodes) {
      if (node.op->is_view()) continue;
      std::int64_t touched = 0;
      for (const int v : node.in) touched += bytes(v);
      for (const int v : node.out) touched += bytes(v);
      largest = std::max(largest, touched), all += touched;
    }
    for (const auto& [v, tensor] : graph.constants) weights += static_cast<std::int64_t>(bytes_of(layout.at(v).spec));
  }
};

// The graph for fewer samples: reshapes name their whole result, the batch included.
std::shared_ptr<const Graph> with_reshapes(const Graph& graph, std::int64_t batch, std::int64_t samples) {
  auto part = std::make_shared<Graph>(graph);
  for (Node& node : part->nodes) {
    if (node.op->name() != "reshape") continue;
    Shape shape = node.op->config().get<Shape>("shape");
    if (!is_batch_of(shape, batch)) continue;
    shape[0] = samples;
    node.op = registry().find("reshape")->from_config({{"shape", shape}});
  }
  return part;
}

std::int64_t common_batch(const Specs& inputs) {
  std::int64_t batch = 0;
  for (const Spec& s : inputs) {
    if (s.shape.empty() || (batch != 0 && s.shape[0] != batch)) return 0;
    batch = s.shape[0];
  }
  return batch;
}

}  // namespace

Specs with_batch(Specs specs, std::int64_t samples) {
  for (Spec& s : specs) s.shape[0] = samples;
  return specs;
}

BatchParts parts_of_batch(const Graph& graph, const Specs& inputs, int threads) {
  const std::int64_t batch = common_batch(inputs);
  if (batch < 2 * threads) return {};
  const PlanLayout whole(graph, inputs);
  const Traffic traffic(graph, whole);
  if (traffic.largest < kCache * threads) return {};
  std::int64_t samples = std::min(kCache * batch / traffic.largest, batch / threads);
  while (samples >= 2 && (batch % samples != 0 || batch / samples % threads != 0)) --samples;
  if (samples < 2 || samples == batch || traffic.weights * (batch / samples) > traffic.all) return {};
  try {
    const std::shared_ptr<const Graph> some = with_reshapes(graph, batch, samples);
    const PlanLayout part(*some, with_batch(inputs, samples));
    return is_apart(graph, whole, part, batch, samples) ? BatchParts{samples, some} : BatchParts{};
  } catch (const Error&) {  // its shapes are those of the whole batch
    return {};
  }
}

}  // namespace strata
