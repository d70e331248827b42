// Graph: a traced program in static single assignment form. Integers, not pointers: values and nodes are rows.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/op.h"
#include "graph/variable.h"

namespace strata {

// Values and nodes are numbers, -1 for none: one as the place in a list.
inline std::size_t at(int number) { return static_cast<std::size_t>(number); }

struct Node {
  OpPtr op;
  std::vector<int> in, out;  // value numbers
  std::string scope;         // path of the layer that called it
};

// A value that may lie in channels `first` and on of another one: what is concatenated, or split off.
struct ChannelSlice {
  int part, whole;
  std::int64_t first;
};

class STRATA_API Graph : public std::enable_shared_from_this<Graph> {
 public:
  explicit Graph(std::string name = "graph") : name(std::move(name)) {}

  // A new input; symbolic.
  Tensor add_input(const Spec& spec);
  // A node on these tensors (symbolic ones of this graph, or eager ones, which become constants).
  Tensors append(const OpPtr& op, const Tensors& inputs);
  // The number of a tensor's value; eager tensors become constants.
  int value_of(const Tensor& tensor);
  // The value of a variable at this point of the program: one read between two assignments.
  Tensor read(const std::shared_ptr<detail::VariableState>& variable);
  // Ends the trace: symbolic tensors own their graph, so that a graph which kept them would never go.
  void end_trace() { reads_.clear(); }

  std::string name;
  std::vector<Spec> values;
  std::vector<Node> nodes;
  std::vector<int> inputs, outputs;  // an output of -1 is an undefined tensor
  std::vector<std::pair<int, Tensor>> constants;
  std::vector<ChannelSlice> slices;  // in the order of the nodes; a part belongs to one whole

 private:
  Tensor symbolic(int value);
  std::unordered_map<const detail::TensorData*, int> constant_numbers_;
  std::unordered_map<const detail::VariableState*, Tensor> reads_;
};

// A readable listing: one line a node.
STRATA_API std::string to_string(const Graph& graph);
// Throws Error unless every value is defined once, before its uses.
STRATA_API void verify(const Graph& graph);

// The graph that this thread is tracing into, or null.
STRATA_API Graph* current_graph();

// While it lives, this thread traces into `graph`; with null, ops run eagerly as outside of every trace.
class STRATA_API TraceScope {
 public:
  explicit TraceScope(std::shared_ptr<Graph> graph);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  std::shared_ptr<Graph> outer_;
};

// The layer path that new nodes are marked with; kept by the layers' call scope.
STRATA_API const std::string& current_scope_name();
STRATA_API void set_scope_name(std::string name);

}  // namespace strata
