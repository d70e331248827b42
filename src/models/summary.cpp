// summary(): the table of layers, in the form of Keras 2.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "core/tensor_data.h"
#include "models/layer_call.h"
#include "models/layer_state.h"
#include "models/model_state.h"

namespace strata {

namespace {

struct Row {
  std::string name, type, shape;
  std::int64_t params = 0;
  bool trainable = true;
  int level = 0;
  std::vector<std::string> connections;
};

std::string thousands(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

std::int64_t count(const std::vector<Variable>& weights) {
  std::int64_t n = 0;
  for (const Variable& v : weights) n += v.size();
  return n;
}

Shape batch_unknown(Shape shape) {
  if (!shape.empty()) shape[0] = None;
  return shape;
}

std::string shapes_text(const Specs& specs) {
  if (specs.empty()) return "()";
  if (specs.size() == 1) return to_string(batch_unknown(specs[0].shape));
  std::string out = "[";
  for (std::size_t i = 0; i < specs.size(); ++i) out += (i ? ", " : "") + to_string(batch_unknown(specs[i].shape));
  return out + "]";
}

class Table {
 public:
  Table(std::vector<int> ends) : ends_(std::move(ends)) {}

  std::string text;

  void rule(char c) { text += std::string(static_cast<std::size_t>(ends_.back()), c) + "\n"; }
  // Fields are cut at the ends of their columns.
  void row(const std::vector<std::string>& fields) {
    std::string line;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) line.back() = ' ';
      line += fields[i];
      line.resize(static_cast<std::size_t>(ends_[i]), ' ');
    }
    text += line + "\n";
  }

 private:
  std::vector<int> ends_;
};

// "relu" outside of layers is "tf.nn.relu (TFOpLambda)" to Keras 2.
std::string op_row_name(const std::string& op) {
  static const std::set<std::string> in_nn = {"relu",        "relu6",      "elu",        "selu",      "softmax",
                                              "log_softmax", "leaky_relu", "silu",       "gelu",      "softplus",
                                              "softsign",    "conv2d",     "max_pool2d", "avg_pool2d"};
  static const std::set<std::string> in_math = {
      "add", "subtract", "multiply", "divide", "reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "exp",
      "log", "sqrt",     "square",   "abs",    "sigmoid",    "tanh",        "pow",        "maximum",    "minimum"};
  if (in_nn.contains(op)) return "tf.nn." + op;
  if (in_math.contains(op)) return "tf.math." + op;
  return "tf." + op;
}

class Rows {
 public:
  Rows(const SummaryOptions& options) : depth_(options.expand_nested ? std::max(options.depth, 100) : options.depth) {
    if (options.expand_nested && options.depth > 1) depth_ = options.depth;
  }

  std::vector<Row> all;
  bool has_branches = false;

  void add_children(const LayerState& state, int level) {
    for (const auto& child : state.children) add_layer(child.layer, level);
  }

  // In the order of the graph, with an input row each and what each node takes.
  void add_functional(const ModelState& model) {
    std::map<std::string, int> op_counts;
    std::map<const LayerState*, int> calls;
    auto number = [&](const SymbolicNode& node) {
      int index = 0;
      std::string name = node.name;
      if (node.call) index = calls[node.call->layer.state().get()]++;
      if (node.op) {
        const std::string base = op_row_name(node.name);
        const int n = op_counts[base]++;
        name = n == 0 ? base : base + "_" + std::to_string(n);
      }
      names_[&node] = {name, index};
    };
    for (const Tensor& t : model.inputs) {
      const SymbolicNode& node = *t.impl()->node;
      number(node);
      all.push_back({node.name, "InputLayer", "[" + to_string(batch_unknown(t.shape())) + "]", 0, true, 0, {}});
    }
    if (model.inputs.size() > 1) has_branches = true;
    find_branches(model);
    for (const auto& node : model.nodes) {
      number(*node);
      const std::vector<std::string> from = connections(*node);
      if (node->op) {
        all.push_back({names_[node.get()].first, "TFOpLambda", shapes_text(node->outputs), 0, true, 0, from});
      } else if (names_[node.get()].second == 0) {
        add_layer(node->call->layer, 0, node->outputs, from);
      } else {
        has_branches = true;
        for (Row& row : all)
          if (row.level == 0 && row.name == node->call->layer.name())
            row.connections.insert(row.connections.end(), from.begin(), from.end());
      }
    }
  }

 private:
  void add_layer(const Layer& layer, int level, const Specs& outputs = {}, const std::vector<std::string>& from = {}) {
    LayerState& state = *layer.state();
    const Specs& specs = outputs.empty() ? state.output_specs : outputs;
    const auto weights = layer.weights();
    const bool trainable = weights.empty() || !layer.trainable_weights().empty();
    std::string type = state.class_name == "Model" ? "Functional" : state.class_name;
    all.push_back({layer.name(), type, shapes_text(specs), count(weights), trainable, level, from});
    if (level + 1 < depth_) add_children(state, level + 1);
  }

  // A tensor that several nodes take, or a node that takes several, makes branches.
  void find_branches(const ModelState& model) {
    std::map<std::pair<const SymbolicNode*, int>, int> uses;
    for (const auto& node : model.nodes) {
      int symbolic = 0;
      for (const Tensor& t : node->inputs)
        if (detail::is_recorded(t)) {
          ++symbolic;
          if (++uses[{t.impl()->node.get(), t.impl()->output}] > 1) has_branches = true;
        }
      if (symbolic > 1) has_branches = true;
    }
    if (model.outputs.size() > 1) has_branches = true;
  }

  std::vector<std::string> connections(const SymbolicNode& node) {
    std::vector<std::string> out;
    for (const Tensor& t : node.inputs)
      if (detail::is_recorded(t)) {
        const auto& [name, index] = names_[t.impl()->node.get()];
        out.push_back(fmt::format("{}[{}][{}]", name, index, t.impl()->output));
      }
    return out;
  }

  int depth_;
  std::map<const SymbolicNode*, std::pair<std::string, int>> names_;
};

std::vector<int> column_ends(const SummaryOptions& options, bool connected) {
  const int length = options.line_length.value_or(connected ? 98 : 65);
  std::vector<double> positions = options.positions;
  if (positions.empty())
    positions = connected ? std::vector<double>{.33, .55, .67, 1.} : std::vector<double>{.45, .85, 1.};
  if (positions.size() != (connected ? 4u : 3u))
    throw ValueError(
        fmt::format("summary: {} positions are given for {} columns.", positions.size(), connected ? 4 : 3));
  std::vector<int> ends;
  for (double p : positions) ends.push_back(p <= 1 ? static_cast<int>(length * p) : static_cast<int>(p));
  if (options.show_trainable) ends.push_back(ends.back() + 11);
  return ends;
}

// Runs the model on shapes alone, so that each layer knows what it returns.
void infer_shapes(const Model& model) {
  const auto& state = *model.state();
  if (!state.built || state.input_shapes.empty())
    throw ValueError(
        model.state()->describe() +
        " has not yet been built. Build it first by calling build({None, ...}) or by calling it on a tensor.");
  infer_outputs(model, state.input_shapes);
}

void print_rows(Table& table, const std::vector<Row>& rows, bool connected, bool show_trainable) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& r = rows[i];
    const std::string indent = r.level > 0 ? std::string(static_cast<std::size_t>(r.level), '|') + " " : "";
    std::vector<std::string> fields = {indent + r.name + " (" + r.type + ")", r.shape, std::to_string(r.params)};
    if (connected) fields.push_back(r.connections.empty() ? "" : r.connections[0]);
    if (show_trainable) fields.push_back(r.trainable ? "Y" : "N");
    table.row(fields);
    for (std::size_t c = 1; connected && c < r.connections.size(); ++c) table.row({"", "", "", r.connections[c]});
    table.rule(i + 1 == rows.size() ? '=' : '_');
  }
  if (rows.empty()) table.rule('=');
}

}  // namespace

std::string Model::summary_text(const SummaryOptions& options) const {
  const std::string title = "Model: \"" + name() + "\"\n";
  const ModelState& model = model_state(*this);
  Rows rows(options);
  const bool functional = !model.inputs.empty() && !model.is_sequential;
  if (!functional || options.expand_nested || options.depth > 1) infer_shapes(*this);
  if (functional)
    rows.add_functional(model);
  else
    rows.add_children(*state(), 0);
  Table table(column_ends(options, rows.has_branches));
  table.text = title;
  table.rule('_');
  std::vector<std::string> head = {"Layer (type)", "Output Shape", "Param #"};
  if (rows.has_branches) head.push_back("Connected to");
  if (options.show_trainable) head.push_back("Trainable");
  table.row(head);
  table.rule('=');
  print_rows(table, rows.all, rows.has_branches, options.show_trainable);
  const std::int64_t trainable = count(trainable_weights()), other = count(non_trainable_weights());
  table.text += "Total params: " + thousands(trainable + other) + "\nTrainable params: " + thousands(trainable) +
                "\nNon-trainable params: " + thousands(other) + "\n";
  table.rule('_');
  return table.text;
}

void Model::summary(std::ostream& out, const SummaryOptions& options) const {
  out << summary_text(options) << std::flush;
}
void Model::summary(const SummaryOptions& options) const { summary(std::cout, options); }

}  // namespace strata
