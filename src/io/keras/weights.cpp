#include "io/keras/weights.h"

#include <fmt/format.h>

#include "models/layer_state.h"
#include "strata/array.h"

namespace strata::keras {

namespace {

constexpr const char* kBuildShape = "strata_build_input_shape";

std::string braces(const Shape& shape) {
  std::string out = "{";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i > 0 ? ", " : "") + (shape[i] == None ? std::string("None") : std::to_string(shape[i]));
  return out + "}";
}

struct Census {
  std::int64_t tensors = 0;
  std::int64_t channels = 0;  // of the first kernel
};

Census count(const hdf5::Object& root) {
  Census census;
  for (const hdf5::Object& object : root.datasets({"optimizer", "optimizer_weights"})) {
    ++census.tensors;
    const Shape shape = object.shape();
    if (census.channels == 0 && shape.size() >= 2) census.channels = shape[shape.size() - 2];
  }
  return census;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) out += (i > 0 ? ", '" : "'") + names[i] + "'";
  if (names.size() > 5) out += fmt::format(", and {} more", names.size() - 5);
  return out;
}

}  // namespace

void match(Matches& matches, const Variable& variable, const hdf5::Object& object) {
  const Shape shape = object.shape();
  if (shape != variable.shape()) {
    matches.report.mismatched.push_back({variable.path(), to_string(variable.shape()), to_string(shape)});
    return;
  }
  matches.found.emplace_back(variable, object);
  matches.report.matched.push_back(variable.path());
}

LoadReport assign(const Matches& matches, const std::string& file, const LoadWeightsOptions& options) {
  const LoadReport& r = matches.report;
  if (!options.skip_mismatch && !options.by_name) {
    if (!r.missing.empty())
      throw ValueError(
          fmt::format("'{}' has no weights for {}. It was saved from another model; {{.skip_mismatch = "
                      "true}} loads what fits.",
                      file, list_of(r.missing)));
    if (!r.unexpected.empty())
      throw ValueError(
          fmt::format("'{}' has weights that the model lacks: {}. It was saved from another model; "
                      "{{.skip_mismatch = true}} loads what fits.",
                      file, list_of(r.unexpected)));
  }
  if (!options.skip_mismatch && !r.mismatched.empty()) {
    const auto& m = r.mismatched[0];
    throw ShapeError(fmt::format(
        "'{}': weight '{}' has shape {}, but the file has {} ({} of {} weights do not fit). "
        "It was saved from another model; {{.skip_mismatch = true}} loads what fits.",
        file, m.weight, m.in_model, m.in_file, r.mismatched.size(), r.mismatched.size() + r.matched.size()));
  }
  for (const auto& [variable, object] : matches.found) variable.assign(cast(object.read(), variable.dtype()));
  return r;
}

void require_created(const Model& model, const hdf5::Object& root, const std::string& file) {
  if (!model.weights().empty() || model.built()) return;
  const Census census = count(root);
  std::string shape = root.attribute_text(kBuildShape);
  if (shape.empty()) shape = "{None, ..., " + std::to_string(census.channels) + "}";
  throw ValueError(fmt::format(
      "Unable to load weights saved in HDF5 format into a subclassed Model which has not created its variables yet. "
      "Call the Model first, then load the weights.\n'{}' holds {} tensors; call build({}) first.",
      file, census.tensors, shape));
}

void write_build_shape(hdf5::Writer& file, const Model& model) {
  const auto& shapes = model.state()->input_shapes;
  if (shapes.size() == 1) file.attribute("/", kBuildShape, braces(shapes[0]));
}

}  // namespace strata::keras
