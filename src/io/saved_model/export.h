// From strata's ops to TensorFlow's: one row for each op, in the files export_<family>.cpp. TensorFlow has gradients
// for all that is written, so that it can train what it loads.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "io/saved_model/node_writer.h"

namespace strata::saved_model {

// A function made of a graph. Variables come in behind the inputs.
struct ExportedFunction {
  std::string name, bytes;                             // a FunctionDef
  std::vector<const detail::VariableState*> captured;  // in the order of the resource arguments
};

struct FunctionNames {
  std::string function;
  Names inputs, outputs;
};

// Throws ValueError that names the op and its layer where TensorFlow has nothing for it.
ExportedFunction export_function(const Graph& graph, const std::string& base, const FunctionNames& names);

class GraphExport;

// One node of the graph while it is exported: what a row sees. Values are references: "Conv2D_1:output:0".
class NodeExport {
 public:
  NodeExport(GraphExport& all, const Node& node);
  const Config config;
  NodeWriter& w;
  const char* tf = "";      // of the row
  const char* result = "";  // of the row: the name of TensorFlow's output

  std::size_t num_inputs() const { return node_.in.size(); }
  std::size_t num_outputs() const { return node_.out.size(); }
  const Spec& in_spec(std::size_t i) const;
  const Spec& out_spec(std::size_t i = 0) const;
  std::size_t rank(std::size_t i = 0) const { return in_spec(i).shape.size(); }
  DType dtype(std::size_t i = 0) const { return in_spec(i).dtype; }
  std::int64_t axis(std::int64_t a, std::size_t i = 0) const {
    return a < 0 ? a + static_cast<std::int64_t>(rank(i)) : a;
  }
  std::string in(std::size_t i) const;
  Names all_in() const;
  void out(const std::string& reference) { out(0, reference); }
  void out(std::size_t i, const std::string& reference);

  // A node; gives the reference of its first output, called `output`.
  std::string op(const std::string& tf_op, const Names& inputs, const char* output, const Attributes& attributes);
  // With T, the dtype of input 0, as its only attribute.
  std::string op(const std::string& tf_op, const Names& inputs, const char* output) {
    return op(tf_op, inputs, output, {T()});
  }
  std::pair<std::string, std::string> T() const { return {"T", attr::type(dtype())}; }
  std::string number(double v) const { return scalar(v, dtype()); }
  std::string scalar(double v, DType dtype) const;
  std::string ints(const Ints& v) const;      // int32
  std::string integer(std::int64_t v) const;  // int32 scalar
  std::string cast_to(const std::string& x, DType from, DType to);
  std::string shape_of(const std::string& x, DType dtype);  // int32
  // Shorthands of common nodes on values of input 0's dtype.
  std::string binary(const char* tf_op, const std::string& a, const std::string& b) { return op(tf_op, {a, b}, "z"); }
  std::string reshape(const std::string& x, DType dtype, const std::string& shape);
  std::string transpose(const std::string& x, DType dtype, const Ints& perm);

  [[noreturn]] void fail(const std::string& why) const;

 private:
  GraphExport& all_;
  const Node& node_;
};

struct ExportRow {
  void (*write)(NodeExport&) = nullptr;
  const char *tf = "", *result = "";
};

class ExportTable {
 public:
  void add(std::string_view op, void (*write)(NodeExport&), const char* tf = "", const char* result = "") {
    rows_.emplace(op, ExportRow{write, tf, result});
  }
  // An op of TensorFlow that does the same to the same inputs, with T as its only attribute.
  void add_same(std::string_view op, const char* tf, const char* result);
  const ExportRow* find(std::string_view op) const {
    const auto it = rows_.find(std::string(op));
    return it == rows_.end() ? nullptr : &it->second;
  }

 private:
  std::unordered_map<std::string, ExportRow> rows_;
};

void add_math_rows(ExportTable& t);
void add_nn_rows(ExportTable& t);
void add_shape_rows(ExportTable& t);
void add_index_rows(ExportTable& t);

STRATA_API const ExportTable& export_table();
// Why an op has no row; empty where it has one or is not known.
STRATA_API std::string_view reason_without_row(std::string_view op);

}  // namespace strata::saved_model
