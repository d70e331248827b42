#include "models/model_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/call_observer.h"
#include "models/model_state.h"
#include "strata/call.h"
#include "strata/tape.h"

namespace strata {

namespace {

Specs specs_of(const Tensors& tensors) {
  Specs out;
  for (const Tensor& t : tensors)
    if (t.defined()) out.push_back({t.shape(), t.dtype()});
  return out;
}

class Recorder final : public CallObserver {
 public:
  explicit Recorder(Graph& graph) : graph_(graph) {}
  std::vector<TracedCall> calls;

  void on_enter(LayerState& layer, const Tensors& inputs) override {
    TracedCall call;
    call.layer = layer.shared_from_this();
    call.parent = open_.empty() ? -1 : open_.back();
    if (call.parent >= 0) calls[static_cast<std::size_t>(call.parent)].has_children = true;
    call.inputs = specs_of(inputs);
    for (const Tensor& t : inputs)
      if (t.defined()) call.in.push_back(graph_.value_of(t));
    call.first = graph_.nodes.size();
    open_.push_back(static_cast<int>(calls.size()));
    calls.push_back(std::move(call));
  }
  void on_leave(LayerState&, const Tensors& results) override {
    TracedCall& call = calls[static_cast<std::size_t>(open_.back())];
    open_.pop_back();
    call.outputs = specs_of(results);
    for (const Tensor& t : results)
      if (t.defined()) call.out.push_back(graph_.value_of(t));
    call.last = graph_.nodes.size();
  }

 private:
  Graph& graph_;
  std::vector<int> open_;
};

Specs input_specs(const Model& model, std::int64_t batch) {
  Specs out;
  const ModelState& state = model_state(model);
  if (!state.inputs.empty()) {
    out = specs_of(state.inputs);
  } else {
    if (!model.built() || model.state()->input_shapes.empty())
      throw ValueError(model.state()->describe() +
                       " has not yet been built, so its layers have no shapes. Call build({None, ...}) first.");
    for (const Shape& s : model.state()->input_shapes) out.push_back({s, model.compute_dtype()});
  }
  for (Spec& s : out)
    if (!s.shape.empty()) s.shape[0] = batch;
  return out;
}

}  // namespace

TracedModel trace_model(const Model& model, std::int64_t batch) {
  const Specs specs = input_specs(model, batch);
  TracedModel out;
  out.graph = std::make_shared<Graph>(model.name());
  out.input_names = model_state(model).input_names;
  Recorder recorder(*out.graph);
  {
    const TraceScope scope(out.graph);
    const detail::RecordingPause pause;
    const ObserverScope observed(recorder);
    Tensors inputs;
    for (const Spec& s : specs) inputs.push_back(out.graph->add_input(s));
    for (const Tensor& t : model.call_with(CallArguments(inputs, false)))
      out.graph->outputs.push_back(t.defined() ? out.graph->value_of(t) : -1);
  }
  for (std::size_t i = out.input_names.size(); i < specs.size(); ++i)
    out.input_names.push_back(specs.size() == 1 ? "input" : "input_" + std::to_string(i + 1));
  out.calls = std::move(recorder.calls);
  return out;
}

namespace {

// Ops that a drawing passes over: they change nothing that one would look for.
bool is_hidden(const Node& node) {
  static const std::set<std::string_view> hidden = {"cast", "read_variable", "identity", "stop_gradient"};
  return hidden.contains(node.op->name()) || node.in.empty() || node.out.empty();
}

class Builder {
 public:
  Builder(const Model& model, bool expand) : traced_(trace_model(model)), expand_(expand) {
    out_.name = model.name();
    const Graph& graph = *traced_.graph;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      const Spec& spec = graph.values[static_cast<std::size_t>(graph.inputs[i])];
      ModelNode node{ModelNode::Kind::input, traced_.input_names[i], "InputLayer", nullptr, -1, {spec}, {spec}, {}};
      made_[graph.inputs[i]] = static_cast<int>(out_.nodes.size());
      out_.nodes.push_back(std::move(node));
    }
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (int v : graph.nodes[n].out) producer_[v] = static_cast<int>(n);
  }

  ModelGraph build() {
    const std::size_t count = traced_.graph->nodes.size();
    std::size_t next_call = 1;
    for (std::size_t n = 0; n <= count; ++n) {
      // Calls that begin here; one that is shown takes its ops with it.
      while (next_call < traced_.calls.size() && traced_.calls[next_call].first <= n) {
        const std::size_t call = next_call++;
        if (!is_shown(call)) continue;
        add_call(call);
        covered_ = std::max(covered_, traced_.calls[call].last);
        while (next_call < traced_.calls.size() && is_inside(next_call, call)) ++next_call;
      }
      if (n < count && n >= covered_ && !is_hidden(traced_.graph->nodes[n])) add_op(n);
    }
    for (int v : traced_.graph->outputs)
      if (v >= 0) add_sources(v, out_.outputs);
    return std::move(out_);
  }

 private:
  bool is_shown(std::size_t call) const { return !expand_ || !traced_.calls[call].has_children; }

  bool is_inside(std::size_t call, std::size_t outer) const {
    for (int p = traced_.calls[call].parent; p >= 0; p = traced_.calls[static_cast<std::size_t>(p)].parent)
      if (p == static_cast<int>(outer)) return true;
    return false;
  }

  // The cluster of the calls around, made where there is none yet. The model itself is none.
  int cluster_of(int call) {
    if (!expand_ || call <= 0) return -1;
    const auto it = clusters_.find(call);
    if (it != clusters_.end()) return it->second;
    const TracedCall& c = traced_.calls[static_cast<std::size_t>(call)];
    const int parent = cluster_of(c.parent);
    const std::string prefix = parent >= 0 ? out_.clusters[static_cast<std::size_t>(parent)].name + "/" : "";
    out_.clusters.push_back({prefix + c.layer->ensure_name(), c.layer->class_name, parent});
    return clusters_[call] = static_cast<int>(out_.clusters.size()) - 1;
  }

  std::string unique(const std::string& name) {
    const int n = used_[name]++;
    return n == 0 ? name : name + "_" + std::to_string(n);
  }

  void add_call(std::size_t index) {
    const TracedCall& call = traced_.calls[index];
    ModelNode node;
    node.cluster = cluster_of(call.parent);
    node.layer = call.layer;
    node.name = unique(prefix_of(node.cluster) + call.layer->ensure_name());
    node.class_name = call.layer->class_name == "Model" ? "Functional" : call.layer->class_name;
    node.inputs = call.inputs;
    node.outputs = call.outputs;
    for (int v : call.in) add_sources(v, node.from);
    for (int v : call.out) made_[v] = static_cast<int>(out_.nodes.size());
    out_.nodes.push_back(std::move(node));
  }

  void add_op(std::size_t n) {
    const Node& op = traced_.graph->nodes[n];
    ModelNode node;
    node.kind = ModelNode::Kind::op;
    node.cluster = cluster_of(call_around(n));
    node.name = unique(prefix_of(node.cluster) + std::string(op.op->name()));
    node.class_name = std::string(op.op->name());
    for (int v : op.in) {
      add_sources(v, node.from);
      node.inputs.push_back(traced_.graph->values[static_cast<std::size_t>(v)]);
    }
    if (node.from.empty()) return;  // weights alone
    for (int v : op.out) {
      node.outputs.push_back(traced_.graph->values[static_cast<std::size_t>(v)]);
      made_[v] = static_cast<int>(out_.nodes.size());
    }
    out_.nodes.push_back(std::move(node));
  }

  std::string prefix_of(int cluster) const {
    return cluster >= 0 ? out_.clusters[static_cast<std::size_t>(cluster)].name + "/" : "";
  }

  int call_around(std::size_t n) const {
    int best = 0;
    for (std::size_t c = 1; c < traced_.calls.size(); ++c)
      if (traced_.calls[c].first <= n && n < traced_.calls[c].last) best = static_cast<int>(c);
    return best;
  }

  // The node that gave a value last, or through hidden ops those that it was made of.
  void add_sources(int value, std::vector<int>& from) {
    const auto it = made_.find(value);
    if (it != made_.end()) {
      if (std::find(from.begin(), from.end(), it->second) == from.end()) from.push_back(it->second);
      return;
    }
    const auto producer = producer_.find(value);
    if (producer == producer_.end()) return;
    for (int v : traced_.graph->nodes[static_cast<std::size_t>(producer->second)].in) add_sources(v, from);
  }

  TracedModel traced_;
  bool expand_;
  ModelGraph out_;
  std::map<int, int> made_;  // by value: the node that gave it last
  std::map<int, int> producer_, clusters_;
  std::map<std::string, int> used_;
  std::size_t covered_ = 0;
};

}  // namespace

ModelGraph model_graph(const Model& model, bool expand_nested) { return Builder(model, expand_nested).build(); }

}  // namespace strata
