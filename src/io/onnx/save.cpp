#include <algorithm>

#include "core/file.h"
#include "io/exchange/traced_model.h"
#include "io/onnx/export.h"
#include "strata/onnx.h"
#include "strata/version.h"

namespace strata::onnx {

void save(const Model& model, const std::string& path, const SaveOptions& options) {
  const exchange::TracedModel traced = exchange::trace_model(model, false, "onnx::save");
  const std::vector<Variable> weights = model.weights();
  const std::vector<std::string> names = exchange::variable_names(model, weights);
  std::unordered_map<const void*, std::string> variable_names;
  for (std::size_t i = 0; i < weights.size(); ++i) variable_names[weights[i].state().get()] = names[i];

  GraphExport graph(*traced.graph, model.path());
  graph.run(traced.input_names, traced.output_names, variable_names);

  GraphWriter::Header header;
  header.graph_name = model.name();
  header.producer_version = version();
  header.doc_string = options.doc_string;
  header.metadata = {{"class_name", model.class_name()}};
  const auto& values = traced.graph->values;
  // Convolutions and pools of bfloat16 came with operator set 22.
  if (std::any_of(values.begin(), values.end(), [](const Spec& s) { return s.dtype == DType::bfloat16; })) {
    header.opset = 22;
    header.ir_version = 10;
  }
  constexpr std::uint64_t kMost = (std::uint64_t{2} << 30) - (std::uint64_t{1} << 26);  // a message ends at 2 GiB
  ExternalWriter outside(path, options.external_data || graph.writer.bytes_of_initializers() > kMost);
  const std::string bytes = graph.writer.serialize(header, outside);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  outside.commit();
  file.commit();
  outside.remove_old();
}

}  // namespace strata::onnx
