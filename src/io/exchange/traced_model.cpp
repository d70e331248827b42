#include "io/exchange/traced_model.h"

#include <set>

#include "graph/passes/passes.h"
#include "io/exchange/lower.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "strata/call.h"
#include "strata/tape.h"

namespace strata::exchange {

Specs input_specs(const Model& model, const char* what) {
  Specs out;
  for (const Tensor& t : model.inputs()) out.push_back({t.shape(), t.dtype()});
  if (!out.empty()) return out;
  const auto& state = *model.state();
  if (!state.built || state.input_shapes.empty())
    throw ValueError(std::string(what) + ": " + model.class_name() + " '" + model.path() + "'" +
                     " is not built, so the shape of its inputs is not known. Call it on a tensor, or "
                     "build({None, ...}) first.");
  for (std::size_t i = 0; i < state.input_shapes.size(); ++i) {
    const DType given = i < state.input_dtypes.size() ? state.input_dtypes[i] : DType::float32;
    // Data come as float32 to a mixed model, too: it casts them itself.
    out.push_back({state.input_shapes[i], is_floating(given) && size_of(given) == 2 ? DType::float32 : given});
  }
  return out;
}

namespace {

// Names of tensors are those of the layers where a functional model has them, else Keras's for sub-classed models.
std::vector<std::string> names_or_numbers(const std::vector<std::string>& names, const char* stem, std::size_t count) {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = i < names.size() && !names[i].empty() ? names[i] : std::string(stem) + std::to_string(i + 1);
    const std::string base = name;
    for (int n = 1; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    out.push_back(name);
  }
  return out;
}

}  // namespace

TracedModel trace_model(const Model& model, bool training, const char* what) {
  const Specs specs = input_specs(model, what);
  TracedModel out;
  out.graph = std::make_shared<Graph>(model.name());
  {
    TraceScope scope(out.graph);
    const detail::RecordingPause pause;
    Tensors symbolic;
    for (const Spec& s : specs) symbolic.push_back(out.graph->add_input(s));
    for (const Tensor& t : model.call_with(CallArguments(symbolic, training)))
      if (t.defined()) out.graph->outputs.push_back(out.graph->value_of(t));
  }
  remove_dead_code(*out.graph);  // first, so that what only a gradient needs is gone
  out.graph = lower(out.graph, what);
  out.input_names = names_or_numbers(model.input_names(), "input_", specs.size());
  out.output_names = names_or_numbers(model.output_names(), "output_", out.graph->outputs.size());
  return out;
}

std::string below(const Model& model, const std::string& path) {
  const std::string prefix = model.path() + "/";
  if (path == model.path()) return "";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

std::vector<std::string> variable_names(const Model& model, const std::vector<Variable>& variables) {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (const Variable& v : variables) {
    const std::string base = below(model, v.path());
    std::string name = base;
    for (int n = 1; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    out.push_back(name);
  }
  return out;
}

}  // namespace strata::exchange
