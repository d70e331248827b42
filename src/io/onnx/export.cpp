#include "io/onnx/export.h"

#include <algorithm>

#include "core/tensor_data.h"
#include "graph/variable_ops.h"
#include "io/onnx/proto.h"
#include "strata/array.h"
#include "strata/error.h"

namespace strata::onnx {

Ints to_channels_first(std::size_t rank) {
  Ints perm = {0, static_cast<std::int64_t>(rank) - 1};
  for (std::size_t i = 1; i + 1 < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  return perm;
}

Ints to_channels_last(std::size_t rank) {
  Ints perm = {0};
  for (std::size_t i = 2; i < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  perm.push_back(1);
  return perm;
}

const ExportTable& export_table() {
  static const ExportTable table = [] {
    ExportTable t;
    for (auto* family : {&add_math_rows, &add_compare_rows, &add_nn_rows, &add_activation_rows, &add_reduce_rows,
                         &add_shape_rows, &add_index_rows, &add_quantization_rows})
      family(t);
    return t;
  }();
  return table;
}

void ExportTable::add_same(std::string_view op, const char* onnx) {
  add(
      op,
      [](NodeExport& c) {
        Layout layout;
        const Names in = c.together(layout);
        c.out(c.op(c.onnx, in), layout);
      },
      onnx);
}

void GraphExport::run(const Names& input_names, const Names& output_names,
                      const std::unordered_map<const void*, std::string>& variable_names) {
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    writer.input(input_names[i], spec(graph_.inputs[i]));
    value(graph_.inputs[i]).plain = input_names[i];
  }
  for (const auto& [v, tensor] : graph_.constants) value(v).constant = tensor;
  for (const Node& n : graph_.nodes) node(n, variable_names);
  writer.set_scope("");
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    const int v = graph_.outputs[i];
    writer.output(output_names[i], name_of(v, Layout::plain), spec(v));
  }
}

// What depends on constants alone is computed now: weights cast to 16 bits, folded scales, masks.
bool GraphExport::fold(const Node& node) {
  constexpr std::int64_t kLimit = 1 << 22;  // elements that may come from nothing, such as a large `ones`
  if (node.in.empty() || node.op->has_effect()) return false;
  Tensors inputs;
  std::int64_t given = kLimit, made = 0;
  for (const int v : node.in) {
    if (!value(v).constant) return false;
    inputs.push_back(*value(v).constant);
    given += inputs.back().size();
  }
  for (const int v : node.out) {
    if (!spec(v).shape.is_known()) return false;
    made += spec(v).shape.num_elements();
  }
  if (made > given) return false;
  const Tensors results = run_eagerly(*node.op, inputs);
  for (std::size_t i = 0; i < results.size(); ++i) {
    value(node.out[i]).constant = results[i];
    value(node.out[i]).stem = value(node.in[0]).stem;
  }
  note_grid(node);
  return true;
}

void GraphExport::node(const Node& node, const std::unordered_map<const void*, std::string>& variable_names) {
  const std::string prefix = base_ + "/";
  writer.set_scope(node.scope.starts_with(prefix) ? node.scope.substr(prefix.size())
                   : node.scope == base_          ? std::string()
                                                  : node.scope);
  NodeExport context(*this, node);
  if (const auto* read = dynamic_cast<const ReadVariable*>(node.op.get())) {
    value(node.out[0]).constant = read->variable->value;
    const auto it = variable_names.find(read->variable.get());
    value(node.out[0]).stem = it != variable_names.end() ? it->second : read->variable->name;
    return;
  }
  if (fold(node)) return;
  const ExportRow* row = export_table().find(node.op->name());
  if (row == nullptr) {
    const std::string_view reason = reason_without_row(node.op->name());
    context.fail(reason.empty() ? "there is no ONNX operator for it" : std::string(reason));
  }
  context.onnx = row->onnx;
  row->write(context);
}

const std::string& GraphExport::name_of(int v, Layout layout) {
  Value& known = value(v);
  const std::size_t rank = spec(v).shape.size();
  if (layout == Layout::channels_first && rank < 3) layout = Layout::plain;
  std::string &wanted = layout == Layout::plain ? known.plain : known.first,
              &other = layout == Layout::plain ? known.first : known.plain;
  if (!wanted.empty()) return wanted;
  const Ints perm = layout == Layout::plain ? to_channels_last(rank) : to_channels_first(rank);
  if (known.constant) {
    wanted = writer.tensor(layout == Layout::plain ? *known.constant : transpose(*known.constant, perm), known.stem);
  } else {
    if (other.empty()) throw Error("onnx::save: value %" + std::to_string(v) + " has no name");
    wanted = writer.node("Transpose", {other}, {{"perm", perm}});
  }
  return wanted;
}

std::int64_t NodeExport::moved(std::int64_t a, std::size_t rank, Layout layout) {
  if (layout == Layout::plain || rank < 3 || a == 0) return a;
  return a == static_cast<std::int64_t>(rank) - 1 ? 1 : a + 1;
}

Layout NodeExport::layout(std::size_t i) const {
  const auto& v = all_.values_[static_cast<std::size_t>(node_.in[i])];
  return v.plain.empty() && !v.first.empty() ? Layout::channels_first : Layout::plain;
}

std::size_t NodeExport::uses(std::size_t i) const {
  const int v = node_.in[i];
  auto count = std::count(all_.graph_.outputs.begin(), all_.graph_.outputs.end(), v);
  for (const Node& n : all_.graph_.nodes) count += std::count(n.in.begin(), n.in.end(), v);
  return static_cast<std::size_t>(count);
}

const Tensor* NodeExport::constant(std::size_t i) const {
  const auto& v = all_.values_[static_cast<std::size_t>(node_.in[i])];
  return v.constant ? &*v.constant : nullptr;
}

Names NodeExport::together(Layout& layout) {
  std::size_t rank_first = 0;
  for (std::size_t i = 0; i < num_inputs(); ++i)
    if (this->layout(i) == Layout::channels_first) rank_first = rank(i);
  layout = rank_first > 0 ? Layout::channels_first : Layout::plain;
  for (std::size_t i = 0; i < num_inputs(); ++i)
    if (rank(i) != rank_first && rank(i) > (constant(i) != nullptr ? 1u : 0u)) layout = Layout::plain;
  Names names;
  for (std::size_t i = 0; i < num_inputs(); ++i) {
    if (layout == Layout::channels_first && rank(i) == 1 && rank_first > 1 && constant(i)->size() > 1) {
      Shape spread = {constant(i)->size()};  // a vector over the channels
      while (spread.size() + 1 < rank_first) spread.push_back(1);
      names.push_back(w.tensor(reshape(*constant(i), spread), stem(i)));
    } else {
      names.push_back(in(i, layout));
    }
  }
  return names;
}

void NodeExport::out(std::size_t i, const std::string& name, Layout layout) {
  auto& v = all_.value(node_.out[i]);
  (layout == Layout::channels_first && out_spec(i).shape.size() >= 3 ? v.first : v.plain) = name;
}

std::string NodeExport::cast_to(const std::string& name, DType dtype) {
  return w.node("Cast", {name}, {{"to", std::int64_t{data_type(dtype)}}});
}

void NodeExport::fail(const std::string& why) const {
  throw ValueError("onnx::save: op '" + std::string(node_.op->name()) + "'" +
                   (node_.scope.empty() ? std::string() : " of layer '" + node_.scope + "'") +
                   " cannot be exported: " + why + ".");
}

}  // namespace strata::onnx
