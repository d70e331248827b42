#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "io/onnx/import.h"
#include "strata/array.h"
#include "strata/onnx.h"

namespace strata::onnx {

using exchange::Value;
using exchange::Values;

const ReadAttribute* ImportCall::attribute(const char* name) const {
  const auto it = node_.attributes.find(name);
  return it == node_.attributes.end() ? nullptr : &it->second;
}
std::int64_t ImportCall::integer_attribute(const char* name, std::int64_t otherwise) const {
  const ReadAttribute* a = attribute(name);
  return a != nullptr ? a->i : otherwise;
}
double ImportCall::real(const char* name, double otherwise) const {
  const ReadAttribute* a = attribute(name);
  return a != nullptr ? a->f : otherwise;
}
std::string ImportCall::text(const char* name, const std::string& otherwise) const {
  const ReadAttribute* a = attribute(name);
  return a != nullptr ? a->s : otherwise;
}
Ints ImportCall::ints_attribute(const char* name) const {
  const ReadAttribute* a = attribute(name);
  return a != nullptr ? a->ints : Ints();
}
Ints ImportCall::ints_or(std::size_t i, const char* name) const { return has(i) ? ints(i) : ints_attribute(name); }

const ImportTable& import_table() {
  static const ImportTable table = [] {
    ImportTable t;
    for (auto* family : {&add_math_rows, &add_nn_rows, &add_quantization_rows, &add_shape_rows}) family(t);
    return t;
  }();
  return table;
}

namespace {

class OnnxProgram final : public exchange::ImportedProgram {
 public:
  OnnxProgram(const std::string& path, ReadGraph graph) : path_(path), graph_(std::move(graph)) {
    for (const ReadInitializer& i : graph_.initializers) number(i.name);
    for (const ReadValue& v : graph_.inputs) number(v.name);
    for (const ReadNode& n : graph_.nodes) prepare(n);
    for (const ReadValue& v : graph_.outputs) results_.push_back(known(v.name, "the results"));
    take_interface();
  }

  Tensors run(const Tensors& arguments, bool, const std::vector<Variable>& variables) const override {
    Values values(numbers_.size());
    for (const auto& [at, tensor] : constants_) values[at].tensor = tensor;
    for (std::size_t i = 0; i < variables.size(); ++i) values[weights_at_[i]].tensor = variables[i].read();
    for (std::size_t i = 0; i < arguments.size(); ++i) values[inputs_at_[i]].tensor = arguments[i];
    for (const Step& s : steps_) {
      Values in;
      for (const std::size_t at : s.in) in.push_back(at == kNothing ? Value() : values[at]);
      const Values out = run_step(s, in);
      for (std::size_t i = 0; i < s.out.size() && i < out.size(); ++i)
        if (s.out[i] != kNothing) values[s.out[i]] = out[i];
    }
    Tensors out;
    for (const std::size_t at : results_) {
      if (!values[at].tensor.defined()) throw ValueError(path_ + ": a result is given by no node.");
      out.push_back(values[at].tensor);
    }
    return out;
  }

 private:
  static constexpr std::size_t kNothing = static_cast<std::size_t>(-1);
  struct Step {
    const ReadNode* node = nullptr;
    ImportRow row = nullptr;  // null: Shape
    std::string where;
    std::vector<std::size_t> in, out;
  };

  std::size_t number(const std::string& name) { return numbers_.try_emplace(name, numbers_.size()).first->second; }
  std::size_t known(const std::string& name, const std::string& by) const {
    const auto it = numbers_.find(name);
    if (it == numbers_.end())
      throw ValueError(path_ + ": '" + name + "', which " + by + " takes, is given by no node.");
    return it->second;
  }

  void prepare(const ReadNode& n) {
    Step s;
    s.node = &n;
    s.where = path_ + ", node '" + n.name + "' (" + n.op + ")";
    const bool is_standard = n.domain.empty() || n.domain == "ai.onnx";
    if (n.row != nullptr) {
      s.row = n.row;
    } else if (n.op != "Shape" || !is_standard) {
      const auto row = import_table().find(n.op);
      if (row == import_table().end() || !is_standard)
        throw ValueError(path_ + ", node '" + n.name + "': the operator '" + n.op + "'" +
                         (is_standard ? "" : " of domain '" + n.domain + "'") +
                         " is none that strata reads; docs/exchange.md lists those it does.");
      s.row = row->second;
    }
    for (const std::string& i : n.inputs) s.in.push_back(i.empty() ? kNothing : known(i, "node '" + n.name + "'"));
    for (const std::string& o : n.outputs) s.out.push_back(o.empty() ? kNothing : number(o));
    steps_.push_back(std::move(s));
  }

  Values run_step(const Step& s, const Values& in) const {
    if (s.row != nullptr)
      return exchange::run_row([&](const Values& v) { return s.row(ImportCall(s.where, v, *s.node)); }, in);
    const ImportCall c(s.where, in, *s.node);
    const std::int64_t rank = c.in(0).rank();
    auto bound = [&](const char* name, std::int64_t otherwise) {
      const std::int64_t v = c.integer_attribute(name, otherwise);
      return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank);
    };
    return {exchange::shape_value(c.in(0), int64, bound("start", 0), bound("end", rank))};
  }

  // Floating initializers are weights; the moving statistics of batch normalization are not trained.
  void take_interface() {
    std::unordered_set<std::string> statistics, settings, stored;
    for (const ReadNode& n : graph_.nodes) {
      if (n.op == "BatchNormalization" && n.inputs.size() == 5) statistics.insert({n.inputs[3], n.inputs[4]});
      // Scales, sizes and values for filling are no weights.
      if (n.op == "Resize" || n.op == "Pad" || n.op == "OneHot" || n.op == "Clip")
        for (std::size_t i = 1; i < n.inputs.size(); ++i) settings.insert(n.inputs[i]);
    }
    for (const auto& [name, value, type] : graph_.initializers) {
      const std::size_t at = known(name, "");
      stored.insert(name);
      if (!is_floating(value.dtype()) || value.rank() == 0 || settings.contains(name)) {
        constants_.emplace_back(at, value);
        continue;
      }
      weights.push_back({name, value, !statistics.contains(name)});
      weights_at_.push_back(at);
    }
    for (const ReadValue& v : graph_.inputs) {
      if (stored.contains(v.name)) continue;  // older files list initializers among the inputs
      if (!v.spec) throw ValueError(path_ + ": the shape of input '" + v.name + "' is not known.");
      inputs.push_back(*v.spec);
      input_names.push_back(v.name);
      inputs_at_.push_back(known(v.name, ""));
    }
    for (const ReadValue& v : graph_.outputs) output_names.push_back(v.name);
    graph_.initializers.clear();
  }

  std::string path_;
  ReadGraph graph_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<Step> steps_;
  std::vector<std::pair<std::size_t, Tensor>> constants_;
  std::vector<std::size_t> weights_at_, inputs_at_, results_;
};

}  // namespace

Model load(const std::string& path, const LoadOptions& options) {
  ReadGraph graph = read_graph(path, static_cast<std::uint64_t>(std::max<std::int64_t>(options.memory_limit, 0)));
  if (graph.opset < 9)
    throw ValueError(path + ": it is of operator set " + std::to_string(graph.opset) +
                     "; strata reads 9 and later. Convert it with onnx.version_converter.");
  join_quantization(path, graph);
  const std::string stem = std::filesystem::path(path).stem().string();
  const std::string name = graph.name.empty() ? stem : graph.name;
  auto program = std::make_shared<OnnxProgram>(path, std::move(graph));
  program->name = name;
  program->class_name = "OnnxModel";
  return exchange::make_model(program);
}

}  // namespace strata::onnx
