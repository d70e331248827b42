#include "io/saved_model/export.h"

#include <algorithm>

#include "graph/variable_ops.h"
#include "io/protobuf.h"
#include "strata/array.h"
#include "strata/error.h"

namespace strata::saved_model {

const ExportTable& export_table() {
  static const ExportTable table = [] {
    ExportTable t;
    for (auto* family : {&add_math_rows, &add_nn_rows, &add_shape_rows, &add_index_rows}) family(t);
    return t;
  }();
  return table;
}

void ExportTable::add_same(std::string_view op, const char* tf, const char* result) {
  add(
      op, [](NodeExport& c) { c.out(c.op(c.tf, c.all_in(), c.result)); }, tf, result);
}

class GraphExport {
 public:
  GraphExport(const Graph& graph, const std::string& base)
      : graph(graph), base_(base), references_(graph.values.size()) {}

  ExportedFunction run(const FunctionNames& names);

  const Graph& graph;
  NodeWriter writer;
  const std::string& reference(int v);
  void set(int v, const std::string& name) { references_[static_cast<std::size_t>(v)] = name; }

 private:
  void node(const Node& n);
  bool variable_node(const Node& n);
  // The argument of the function that is this variable.
  std::string argument_of(const std::shared_ptr<detail::VariableState>& variable);
  std::string function_bytes(const FunctionNames& names);

  std::string base_;
  Names references_;
  std::vector<std::shared_ptr<detail::VariableState>> captured_;
  Names captured_arguments_;
  std::unordered_map<const void*, std::size_t> captured_index_;
  // Reads and writes of one variable keep their order.
  struct Accesses {
    Names reads;
    std::string write;
  };
  std::unordered_map<const void*, Accesses> accesses_;
  Names effects_;  // nodes that must run
};

const std::string& GraphExport::reference(int v) {
  std::string& known = references_[static_cast<std::size_t>(v)];
  if (known.empty())
    for (const auto& [number, tensor] : graph.constants)
      if (number == v) known = writer.constant(tensor);
  if (known.empty()) throw Error("SavedModel: value %" + std::to_string(v) + " has no name");
  return known;
}

std::string GraphExport::argument_of(const std::shared_ptr<detail::VariableState>& variable) {
  const auto [it, is_new] = captured_index_.try_emplace(variable.get(), captured_.size());
  if (is_new) {
    captured_.push_back(variable);
    captured_arguments_.push_back("variable_" + std::to_string(captured_.size()));
    writer.reserve(captured_arguments_.back());
  }
  return captured_arguments_[it->second];
}

bool GraphExport::variable_node(const Node& n) {
  if (const auto* read = dynamic_cast<const ReadVariable*>(n.op.get())) {
    Accesses& a = accesses_[read->variable.get()];
    Names inputs = {argument_of(read->variable)};
    if (!a.write.empty()) inputs.push_back("^" + a.write);
    const std::string name = writer.add("ReadVariableOp", inputs, {{"dtype", attr::type(read->variable->dtype)}});
    a.reads.push_back(name);
    set(n.out[0], name + ":value:0");
    return true;
  }
  if (const auto* assign = dynamic_cast<const AssignVariable*>(n.op.get())) {
    Accesses& a = accesses_[assign->variable.get()];
    Names inputs = {argument_of(assign->variable), reference(n.in[0])};
    for (const std::string& r : a.reads) inputs.push_back("^" + r);
    if (!a.write.empty()) inputs.push_back("^" + a.write);
    constexpr const char* kOps[] = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"};
    a.write =
        writer.add(kOps[static_cast<int>(assign->kind)], inputs, {{"dtype", attr::type(assign->variable->dtype)}});
    a.reads.clear();
    effects_.push_back(a.write);
    return true;
  }
  return false;
}

void GraphExport::node(const Node& n) {
  const std::string prefix = base_ + "/";
  writer.set_scope(n.scope.starts_with(prefix) ? n.scope.substr(prefix.size()) : n.scope == base_ ? "" : n.scope);
  if (variable_node(n)) return;
  NodeExport context(*this, n);
  const ExportRow* row = export_table().find(n.op->name());
  if (row == nullptr) {
    const std::string_view reason = reason_without_row(n.op->name());
    context.fail(reason.empty() ? "there is no TensorFlow op for it" : std::string(reason));
  }
  context.tf = row->tf;
  context.result = row->result;
  row->write(context);
}

ExportedFunction GraphExport::run(const FunctionNames& names) {
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    writer.reserve(names.inputs[i]);
    set(graph.inputs[i], names.inputs[i]);
  }
  for (const Node& n : graph.nodes) node(n);
  ExportedFunction out;
  out.name = names.function;
  out.bytes = function_bytes(names);
  for (const auto& v : captured_) out.captured.push_back(v.get());
  return out;
}

// The results leave through Identity nodes, which also wait for the effects.
std::string GraphExport::function_bytes(const FunctionNames& names) {
  writer.set_scope("");
  Names results;
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const int v = graph.outputs[i];
    Names inputs = {reference(v)};
    for (const std::string& e : effects_) inputs.push_back("^" + e);
    const DType dtype = graph.values[static_cast<std::size_t>(v)].dtype;
    results.push_back(writer.add("Identity", inputs, {{"T", attr::type(dtype)}}) + ":output:0");
  }
  std::string bytes;
  protozero::pbf_writer out(bytes);
  {
    protozero::pbf_writer op(out, FunctionField::signature);
    op.add_string(OpField::name, names.function);
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      put_argument(op, OpField::input_arg, names.inputs[i],
                   data_type(graph.values[static_cast<std::size_t>(graph.inputs[i])].dtype));
    for (const std::string& a : captured_arguments_) put_argument(op, OpField::input_arg, a, kResource);
    for (std::size_t i = 0; i < graph.outputs.size(); ++i)
      put_argument(op, OpField::output_arg, names.outputs[i],
                   data_type(graph.values[static_cast<std::size_t>(graph.outputs[i])].dtype));
    op.add_bool(OpField::is_stateful, true);
    for (const std::string& e : effects_) op.add_string(OpField::control_output, e);
  }
  for (const std::string& n : writer.nodes()) out.add_message(FunctionField::node_def, n);
  for (std::size_t i = 0; i < results.size(); ++i)
    put_text_entry(out, FunctionField::ret, names.outputs[i], results[i]);
  for (const std::string& e : effects_) put_text_entry(out, FunctionField::control_ret, e, e);
  std::vector<Shape> shapes;
  for (const int v : graph.inputs) shapes.push_back(graph.values[static_cast<std::size_t>(v)].shape);
  shapes.resize(shapes.size() + captured_.size());
  put_attribute(out, FunctionField::attr, "_input_shapes", attr::shapes(shapes));
  return bytes;
}

ExportedFunction export_function(const Graph& graph, const std::string& base, const FunctionNames& names) {
  return GraphExport(graph, base).run(names);
}

NodeExport::NodeExport(GraphExport& all, const Node& node)
    : config(node.op->config()), w(all.writer), all_(all), node_(node) {}

const Spec& NodeExport::in_spec(std::size_t i) const {
  return all_.graph.values[static_cast<std::size_t>(node_.in[i])];
}
const Spec& NodeExport::out_spec(std::size_t i) const {
  return all_.graph.values[static_cast<std::size_t>(node_.out[i])];
}
std::string NodeExport::in(std::size_t i) const { return all_.reference(node_.in[i]); }
Names NodeExport::all_in() const {
  Names out;
  for (const int v : node_.in) out.push_back(all_.reference(v));
  return out;
}
void NodeExport::out(std::size_t i, const std::string& reference) { all_.set(node_.out[i], reference); }

std::string NodeExport::op(const std::string& tf_op, const Names& inputs, const char* output,
                           const Attributes& attributes) {
  return w.add(tf_op, inputs, attributes) + ":" + output + ":0";
}
std::string NodeExport::scalar(double v, DType dtype) const { return w.constant(cast(Tensor(v), dtype)); }
std::string NodeExport::ints(const Ints& v) const {
  return w.constant(cast(Tensor::from(v, {static_cast<std::int64_t>(v.size())}), DType::int32));
}
std::string NodeExport::integer(std::int64_t v) const { return w.constant(cast(Tensor(v), DType::int32)); }
std::string NodeExport::cast_to(const std::string& x, DType from, DType to) {
  if (from == to) return x;
  return op("Cast", {x}, "y",
            {{"SrcT", attr::type(from)}, {"DstT", attr::type(to)}, {"Truncate", attr::boolean(false)}});
}
std::string NodeExport::shape_of(const std::string& x, DType dtype) {
  return op("Shape", {x}, "output", {{"T", attr::type(dtype)}, {"out_type", attr::type(DType::int32)}});
}
std::string NodeExport::reshape(const std::string& x, DType dtype, const std::string& shape) {
  return op("Reshape", {x, shape}, "output", {{"T", attr::type(dtype)}, {"Tshape", attr::type(DType::int32)}});
}
std::string NodeExport::transpose(const std::string& x, DType dtype, const Ints& perm) {
  return op("Transpose", {x, ints(perm)}, "y", {{"T", attr::type(dtype)}, {"Tperm", attr::type(DType::int32)}});
}

void NodeExport::fail(const std::string& why) const {
  throw ValueError("save: op '" + std::string(node_.op->name()) + "'" +
                   (node_.scope.empty() ? std::string() : " of layer '" + node_.scope + "'") +
                   " cannot be written to a SavedModel: " + why + ".");
}

}  // namespace strata::saved_model
