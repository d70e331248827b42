#include "graph/plan_layout.h"

#include <algorithm>

#include "graph/prepare.h"
#include "graph/variable_ops.h"
#include "strata/error.h"

namespace strata {

namespace {

bool is_known(const Specs& specs) {
  return std::all_of(specs.begin(), specs.end(), [](const Spec& s) { return s.shape.is_known(); });
}

template <class E>
[[noreturn]] void throw_with_place(const E& error, const Node& node) {
  const std::string message = error.what(), op(node.op->name());
  if (!node.scope.empty() && message.find(node.scope) != std::string::npos) throw E(message);
  throw E(message + " (op " + op + (node.scope.empty() ? "" : " of layer '" + node.scope + "'") + ")");
}

}  // namespace

void rethrow_with_place(const Node& node) {
  try {
    throw;
  } catch (const ShapeError& e) {
    throw_with_place(e, node);
  } catch (const DTypeError& e) {
    throw_with_place(e, node);
  } catch (const IndexError& e) {
    throw_with_place(e, node);
  } catch (const FileError& e) {
    throw_with_place(e, node);
  } catch (const ValueError& e) {
    throw_with_place(e, node);
  } catch (const Error& e) {
    throw_with_place(e, node);
  }
}

std::size_t bytes_of(const Spec& spec) {
  return static_cast<std::size_t>(spec.shape.num_elements()) * size_of(spec.dtype);
}

PlanLayout::PlanLayout(const Graph& graph, const Specs& inputs) : values(graph.values.size()) {
  for (std::size_t v = 0; v < values.size(); ++v) {
    values[v].spec = graph.values[v];
    values[v].root = static_cast<int>(v);
  }
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    PlanValue& value = values[static_cast<std::size_t>(graph.inputs[i])];
    value.spec = inputs[i];
    value.home = Home::input;
  }
  for (const auto& [v, tensor] : graph.constants) values[strata::at(v)].home = Home::constant;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    with_place(graph.nodes[n], [&] { place_node(graph.nodes[n], static_cast<int>(n)); });
  place_slices(graph);
  find_lifetimes(graph);
  join_in_place(graph);
}

void PlanLayout::place_node(const Node& node, int position) {
  Specs in;
  bool dynamic = false;
  for (const int v : node.in) {
    in.push_back(at(v).spec);
    dynamic = dynamic || root_of(v).home == Home::dynamic;
  }
  const Specs out = node.op->infer(in);
  const bool reads = dynamic_cast<const ReadVariable*>(node.op.get()) != nullptr;
  dynamic = dynamic || (node.op->is_dynamic() && !reads) || !is_known(out);
  for (std::size_t i = 0; i < node.out.size(); ++i) {
    PlanValue& value = values[static_cast<std::size_t>(node.out[i])];
    value.spec = out[i];
    value.first = value.last = position;
    value.home = dynamic ? Home::dynamic : reads ? Home::variable : Home::arena;
    if (!dynamic && node.op->is_view()) {
      value.root = at(node.in[0]).root;
      value.home = root_of(node.in[0]).home;
    }
  }
}

// A part that is split off shares the memory of the whole from then on; one that is concatenated is written there at
// once, so that the whole begins to live with its first part.
void PlanLayout::place_slices(const Graph& graph) {
  std::vector<bool> movable(values.size(), true);
  for (const Node& node : graph.nodes) {
    auto is_dynamic = [&](int v) { return root_of(v).home == Home::dynamic; };
    if (std::none_of(node.in.begin(), node.in.end(), is_dynamic) &&
        std::none_of(node.out.begin(), node.out.end(), is_dynamic))
      continue;
    for (const int v : node.in) movable[strata::at(v)] = false;
    for (const int v : node.out) movable[strata::at(v)] = false;
  }
  // The whole is placed before its parts: it is made after those that are concatenated, and before those split off.
  std::vector<const ChannelSlice*> order, split_off;
  for (const ChannelSlice& s : graph.slices) (at(s.whole).first > at(s.part).first ? order : split_off).push_back(&s);
  std::reverse(order.begin(), order.end());
  order.insert(order.end(), split_off.begin(), split_off.end());
  for (const ChannelSlice* slice : order) {
    const ChannelSlice& s = *slice;
    PlanValue& part = values[static_cast<std::size_t>(s.part)];
    const PlanValue& whole = at(s.whole);
    if (!movable[static_cast<std::size_t>(s.part)] || part.home != Home::arena || part.root != s.part) continue;
    part.root = whole.root;
    part.home = root_of(s.whole).home;
    part.offset = whole.offset + static_cast<std::size_t>(s.first) * size_of(whole.spec.dtype);
    part.stride = whole.stride != 0 ? whole.stride : whole.spec.shape.back();
    root_of(s.whole).first = std::min(root_of(s.whole).first, part.first);
  }
}

void PlanLayout::find_lifetimes(const Graph& graph) {
  const int end = static_cast<int>(graph.nodes.size());
  for (int n = 0; n < end; ++n)
    for (const int v : graph.nodes[static_cast<std::size_t>(n)].in) root_of(v).last = n;
  for (const int v : graph.outputs) {
    if (v < 0) continue;
    PlanValue& root = root_of(v);
    root.last = end;
    if (root.home == Home::arena) root.home = Home::output;
  }
}

// A result takes the memory of an input that is not needed afterwards.
void PlanLayout::join_in_place(const Graph& graph) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto* op = dynamic_cast<const Preparable*>(node.op.get());
    if (op == nullptr || node.out.size() != 1 || node.op->is_view()) continue;
    PlanValue& result = values[static_cast<std::size_t>(node.out[0])];
    if (result.home != Home::arena || result.root != node.out[0]) continue;
    for (std::size_t i = 0; i < node.in.size(); ++i) {
      PlanValue& root = root_of(node.in[i]);
      const PlanValue& input = at(node.in[i]);
      const auto shares =
          std::count_if(node.in.begin(), node.in.end(), [&](int v) { return at(v).root == input.root; });
      if (root.home != Home::arena || root.last != static_cast<int>(n) || shares != 1 || !op->runs_in_place(i) ||
          bytes_of(input.spec) != bytes_of(result.spec) || bytes_of(root.spec) != bytes_of(result.spec))
        continue;
      const int joined = input.root, own = node.out[0];
      root.last = result.last;
      for (PlanValue& value : values)
        if (value.root == own) value.root = joined;
      break;
    }
  }
}

}  // namespace strata
