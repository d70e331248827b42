// From strata's ops to ONNX operators: one row for each op, in the files export_<family>.cpp.
//
// strata's images are channels last, ONNX's channels first. Each value keeps the names of both forms; a form is made,
// by a Transpose, only where a node asks for one that does not exist yet. Nodes that do not care work on the form that
// is there, so that a chain of convolutions has one Transpose at its beginning and one at its end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "io/onnx/writer.h"

namespace strata::onnx {

enum class Layout { plain, channels_first };

// The axes of the channels-first form, in the order of ONNX: (0, last, 1, 2, ...).
Ints to_channels_first(std::size_t rank);
Ints to_channels_last(std::size_t rank);

class GraphExport {
 public:
  // `base` is the path of the model, which names of nodes leave out.
  GraphExport(const Graph& graph, const std::string& base) : graph_(graph), base_(base), values_(graph.values.size()) {}
  // Walks the graph. Throws ValueError that names the op and its layer where ONNX has nothing for it.
  void run(const Names& input_names, const Names& output_names,
           const std::unordered_map<const void*, std::string>& variable_names);

  GraphWriter writer;

 private:
  friend class NodeExport;
  struct Value {
    std::string plain, first;  // names, empty where this form does not exist yet
    std::optional<Tensor> constant;
    std::string stem;  // what an initializer of this constant is called
    Tensor steps;      // of constants on a grid of 8 bits around zero: the grid's, one or one for each last channel
  };
  bool fold(const Node& node);
  void note_grid(const Node& node);
  void node(const Node& node, const std::unordered_map<const void*, std::string>& variable_names);
  const Spec& spec(int value) const { return graph_.values[static_cast<std::size_t>(value)]; }
  Value& value(int v) { return values_[static_cast<std::size_t>(v)]; }
  const std::string& name_of(int v, Layout layout);

  const Graph& graph_;
  std::string base_;
  std::vector<Value> values_;
};

// One node of the graph while it is exported: what a row sees.
class NodeExport {
 public:
  NodeExport(GraphExport& all, const Node& node) : w(all.writer), config(node.op->config()), all_(all), node_(node) {}

  GraphWriter& w;
  const Config config;
  const char* onnx = "";  // of the row

  std::size_t num_inputs() const { return node_.in.size(); }
  const Spec& in_spec(std::size_t i) const { return all_.spec(node_.in[i]); }
  const Spec& out_spec(std::size_t i = 0) const { return all_.spec(node_.out[i]); }
  std::size_t rank(std::size_t i = 0) const { return in_spec(i).shape.size(); }
  DType dtype(std::size_t i = 0) const { return in_spec(i).dtype; }
  std::size_t num_outputs() const { return node_.out.size(); }
  // An axis of input i, not negative.
  std::int64_t axis(std::int64_t a, std::size_t i = 0) const {
    return a < 0 ? a + static_cast<std::int64_t>(rank(i)) : a;
  }
  // Where axis `a` of the channels-last form lies in the other.
  static std::int64_t moved(std::int64_t a, std::size_t rank, Layout layout);

  // The name of an input in a form.
  std::string in(std::size_t i, Layout layout = Layout::plain) { return all_.name_of(node_.in[i], layout); }
  // The form in which input i is there already.
  Layout layout(std::size_t i = 0) const;
  // How many nodes and results of the graph read input i.
  std::size_t uses(std::size_t i) const;
  // Null where input i is computed.
  const Tensor* constant(std::size_t i) const;
  // What an initializer made of input i is called: the path of the variable.
  const std::string& stem(std::size_t i) const { return all_.values_[static_cast<std::size_t>(node_.in[i])].stem; }
  // The constant input i with these axes, as an initializer: of 8 bits and made real by DequantizeLinear where it is on
  // a grid of such.
  std::string weights(std::size_t i, const Ints& perm);
  // The inputs in one form that lets them be broadcast together.
  Names together(Layout& layout);

  void out(const std::string& name, Layout layout = Layout::plain) { out(0, name, layout); }
  void out(std::size_t i, const std::string& name, Layout layout = Layout::plain);

  // Shorthands for nodes.
  std::string op(const char* name, const Names& inputs, const Attributes& attributes = {}) {
    return w.node(name, inputs, attributes);
  }
  std::string number(double v) { return w.scalar(v, dtype()); }
  std::string cast_to(const std::string& name, DType dtype);

  [[noreturn]] void fail(const std::string& why) const;

 private:
  GraphExport& all_;
  const Node& node_;
};

struct ExportRow {
  void (*write)(NodeExport&) = nullptr;
  const char* onnx = "";  // the operator, where one of ONNX means the same
};

class ExportTable {
 public:
  void add(std::string_view op, void (*write)(NodeExport&), const char* onnx = "") {
    rows_.emplace(op, ExportRow{write, onnx});
  }
  // An operator of ONNX that does the same, element by element, to inputs that are broadcast together.
  void add_same(std::string_view op, const char* onnx);
  // Null where the op has no row.
  const ExportRow* find(std::string_view op) const {
    const auto it = rows_.find(std::string(op));
    return it == rows_.end() ? nullptr : &it->second;
  }

 private:
  std::unordered_map<std::string, ExportRow> rows_;
};

void add_math_rows(ExportTable& t);
void add_compare_rows(ExportTable& t);
void add_nn_rows(ExportTable& t);
void add_activation_rows(ExportTable& t);
void add_reduce_rows(ExportTable& t);
void add_shape_rows(ExportTable& t);
void add_index_rows(ExportTable& t);
void add_quantization_rows(ExportTable& t);

STRATA_API const ExportTable& export_table();
// Why an op has no row; empty where it has one or is not known.
STRATA_API std::string_view reason_without_row(std::string_view op);

}  // namespace strata::onnx
