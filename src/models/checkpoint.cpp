#include <fmt/format.h>

#include <algorithm>

#include "models/checkpoint_state.h"
#include "models/trackable.h"
#include "strata/array.h"
#include "strata/kernels.h"

namespace strata {

Checkpoint::Checkpoint(std::initializer_list<std::pair<const char*, Trackable>> parts)
    : state_(std::make_shared<State>()) {
  for (const auto& [name, part] : parts) add(name, part);
}

void Checkpoint::add(const std::string& name, const Trackable& part) {
  if (name.empty() || name.find('/') != std::string::npos)
    throw ValueError("Checkpoint: a part has the name '" + name + "'. Use a name without '/' that is not empty.");
  for (const auto& [other, impl] : state_->parts)
    if (other == name) throw ValueError("Checkpoint: two parts have the name '" + name + "'. Give each its own.");
  state_->parts.emplace_back(name, part.impl());
}

CheckpointContents Checkpoint::State::snapshot() const {
  CheckpointContents out;
  for (const auto& [name, part] : parts) out.parts.push_back({name, part->values()});
  out.kernel_choices = kernels::export_choices();
  return out;
}

void Checkpoint::save(const std::string& path, const CheckpointSaveOptions& options) const {
  write_checkpoint(path, state_->snapshot(), options.shard_bytes);
}

namespace {

// The values of `from`, if they fit what `part` has now.
Tensors fitting(const std::string& path, const CheckpointPart& from, const Trackable::Base& part) {
  Tensors values;
  for (const auto& [name, value] : from.values) values.push_back(value);
  if (part.is_flexible()) return values;
  const NamedTensors now = part.values();
  if (now.size() != values.size())
    throw ValueError(
        fmt::format("'{}': part '{}' has {} tensors, but {} are there to be restored. It was saved from "
                    "another model or optimizer, or one that is not built.",
                    path, from.name, values.size(), now.size()));
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].second.shape() != values[i].shape())
      throw ShapeError(fmt::format("'{}': part '{}' has '{}' of shape {}, but '{}' has shape {}.", path, from.name,
                                   from.values[i].first, to_string(values[i].shape()), now[i].first,
                                   to_string(now[i].second.shape())));
    if (now[i].second.dtype() != values[i].dtype())
      throw DTypeError(fmt::format("'{}': part '{}' has '{}' of dtype {}, but '{}' has dtype {}.", path, from.name,
                                   from.values[i].first, to_string(values[i].dtype()), now[i].first,
                                   to_string(now[i].second.dtype())));
  }
  return values;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "'" : ", '") + n + "'";
  return out;
}

}  // namespace

CheckpointReport Checkpoint::restore(const std::string& path, const CheckpointRestoreOptions& options) const {
  const CheckpointContents contents = read_checkpoint(path);
  CheckpointReport report;
  std::vector<std::pair<const CheckpointPart*, std::shared_ptr<const Trackable::Base>>> pairs;
  Variables trainable;
  for (const auto& [name, part] : state_->parts) {
    for (const Variable& v : part->trainable_weights()) trainable.push_back(v);
    const auto found = std::find_if(contents.parts.begin(), contents.parts.end(),
                                    [&, wanted = name](const CheckpointPart& p) { return p.name == wanted; });
    if (found == contents.parts.end()) {
      report.missing.push_back(name);
    } else {
      report.restored.push_back(name);
      pairs.emplace_back(&*found, part);
    }
  }
  for (const CheckpointPart& p : contents.parts)
    if (std::find(report.restored.begin(), report.restored.end(), p.name) == report.restored.end())
      report.unexpected.push_back(p.name);
  if (!options.partial && !(report.missing.empty() && report.unexpected.empty()))
    throw ValueError("'" + path + "': the parts differ. The file lacks: " + joined(report.missing) +
                     "; the Checkpoint lacks: " + joined(report.unexpected) +
                     ". Restore what both have with restore(path, {.partial = true}).");
  std::vector<Tensors> values;
  for (const auto& [from, part] : pairs) {
    part->prepare(from->values.size(), trainable);
    values.push_back(fitting(path, *from, *part));
  }
  kernels::import_choices(contents.kernel_choices);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].second->assign(values[i]);
  return report;
}

}  // namespace strata
