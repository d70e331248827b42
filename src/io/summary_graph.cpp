// Graphs for TensorBoard: of the ops of a program, and of the layers of a model.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "io/protobuf.h"
#include "io/summary_values.h"

namespace strata::summary {

namespace {

// Field numbers of tensorflow.GraphDef, NodeDef, AttrValue and its list.
constexpr int kNode = 1, kVersions = 4, kProducer = 1;
enum NodeField { kName = 1, kOp = 2, kInput = 3, kAttr = 5 };
enum AttrField { kList = 1, kType = 6 };
constexpr int kMapKey = 1, kMapValue = 2, kListShape = 7, kDimension = 2, kSize = 1, kUnknownRank = 3;

// tensorflow.DataType
int type_number(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 1;
    case DType::float64:
      return 2;
    case DType::int32:
      return 3;
    case DType::uint8:
      return 4;
    case DType::int64:
      return 9;
    case DType::boolean:
      return 10;
    case DType::bfloat16:
      return 14;
    case DType::float16:
      return 19;
  }
  return 0;
}

void add_attribute(protozero::pbf_writer& node, const char* key, const std::string& value) {
  std::string entry;
  {
    protozero::pbf_writer out(entry);
    out.add_string(kMapKey, key);
    out.add_message(kMapValue, value);
  }
  node.add_message(kAttr, entry);
}

std::string output_shapes(const Specs& specs) {
  std::string list, value;
  for (const Spec& spec : specs) {
    std::string shape;
    for (std::int64_t n : spec.shape) {
      std::string dimension;
      protozero::pbf_writer(dimension).add_int64(kSize, n == None ? -1 : n);
      protozero::pbf_writer(shape).add_message(kDimension, dimension);
    }
    protozero::pbf_writer(list).add_message(kListShape, shape);
  }
  protozero::pbf_writer(value).add_message(kList, list);
  return value;
}

class GraphWriter {
 public:
  explicit GraphWriter(const Graph& graph) : graph_(graph) {}

  std::string write() {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) add_source(graph_.inputs[i], "input", "Placeholder");
    for (const auto& [value, tensor] : graph_.constants) add_source(value, "constants/constant", "Const");
    for (const Node& node : graph_.nodes) {
      const std::string name = unique((node.scope.empty() ? "" : node.scope + "/") + std::string(node.op->name()));
      Specs outputs;
      for (std::size_t k = 0; k < node.out.size(); ++k) {
        names_[node.out[k]] = k == 0 ? name : name + ":" + std::to_string(k);
        outputs.push_back(graph_.values[static_cast<std::size_t>(node.out[k])]);
      }
      add(name, std::string(node.op->name()), node.in, outputs);
    }
    std::string versions;
    protozero::pbf_writer(versions).add_int32(kProducer, 22);
    protozero::pbf_writer(bytes_).add_message(kVersions, versions);
    return std::move(bytes_);
  }

 private:
  std::string unique(const std::string& name) {
    const int n = used_[name]++;
    return n == 0 ? name : name + "_" + std::to_string(n);
  }

  void add_source(int value, const std::string& name, const std::string& op) {
    names_[value] = unique(name);
    add(names_[value], op, {}, {graph_.values[static_cast<std::size_t>(value)]});
  }

  void add(const std::string& name, const std::string& op, const std::vector<int>& in, const Specs& outputs) {
    std::string node;
    {
      protozero::pbf_writer out(node);
      out.add_string(kName, name);
      out.add_string(kOp, op);
      for (int v : in)
        if (v >= 0) out.add_string(kInput, names_[v]);
      if (!outputs.empty()) {
        std::string type;
        protozero::pbf_writer(type).add_enum(kType, type_number(outputs[0].dtype));
        add_attribute(out, "T", type);
        add_attribute(out, "_output_shapes", output_shapes(outputs));
      }
    }
    protozero::pbf_writer(bytes_).add_message(kNode, node);
  }

  const Graph& graph_;
  std::string bytes_;
  std::map<int, std::string> names_;
  std::map<std::string, int> used_;
};

}  // namespace

std::string graph_def(const Graph& graph) { return GraphWriter(graph).write(); }

std::string keras_graph_value(const std::string& tag, const ModelGraph& graph) {
  using Json = nlohmann::json;
  // Keras 3's form, the one whose edges TensorBoard draws.
  const auto reference = [&](int node) {
    const Json history = {graph.nodes[static_cast<std::size_t>(node)].name, 0, 0};
    return Json{{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", history}}}};
  };
  Json layers = Json::array(), inputs = Json::array(), outputs = Json::array();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const ModelNode& node = graph.nodes[i];
    Json from = Json::array();
    for (int n : node.from) from.push_back(reference(n));
    const std::string dtype = node.outputs.empty() ? "float32" : to_string(node.outputs[0].dtype);
    layers.push_back({{"class_name", node.class_name},
                      {"name", node.name},
                      {"config", {{"name", node.name}, {"dtype", dtype}}},
                      {"inbound_nodes", Json::array({{{"args", from}, {"kwargs", Json::object()}}})}});
    if (node.kind == ModelNode::Kind::input) inputs.push_back({node.name, 0, 0});
  }
  for (int n : graph.outputs) outputs.push_back({graph.nodes[static_cast<std::size_t>(n)].name, 0, 0});
  const Json model = {
      {"class_name", "Functional"},
      {"config", {{"name", graph.name}, {"layers", layers}, {"input_layers", inputs}, {"output_layers", outputs}}}};
  return summary_value(tag, string_tensor({model.dump()}, {}), {"graph_keras_model", "1"});
}

}  // namespace strata::summary
