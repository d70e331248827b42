#include "strata/tap.h"

#include <algorithm>

#include "models/call_observer.h"
#include "models/model_state.h"
#include "strata/call.h"

namespace strata {

namespace {

struct Found {
  std::string path;
  std::shared_ptr<LayerState> layer;
};

// Every layer below, with its path from there.
void collect(LayerState& state, const std::string& prefix, std::vector<Found>& out) {
  for (const auto& child : state.children) {
    const std::string path = prefix + child.layer.name();
    out.push_back({path, child.layer.state()});
    collect(*child.layer.state(), path + "/", out);
  }
}

// The exact path, else the only one that ends with it.
Found find_layer(LayerState& model, const std::string& name) {
  std::vector<Found> all, matching;
  collect(model, "", all);
  for (const Found& f : all)
    if (f.path == name) return f;
  for (const Found& f : all)
    if (f.path.ends_with("/" + name)) matching.push_back(f);
  if (matching.size() == 1) return matching[0];
  std::string names;
  const auto& listed = matching.empty() ? all : matching;
  for (std::size_t i = 0; i < std::min<std::size_t>(listed.size(), 12); ++i)
    names += (i > 0 ? ", " : "") + listed[i].path;
  if (listed.size() > 12) names += ", ...";
  throw ValueError(model.describe() + ": tap '" + name + "' " +
                   (matching.empty() ? "is none of its layers: " : "is the name of several layers; give the path: ") +
                   names + ".");
}

// Keeps the first result of each layer.
class Keeper final : public CallObserver {
 public:
  Keeper(const std::vector<std::shared_ptr<LayerState>>& layers) : layers_(layers), kept(layers.size()) {}
  void on_enter(LayerState&, const Tensors&) override {}
  void on_leave(LayerState& layer, const Tensors& results) override {
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (layers_[i].get() == &layer && !kept[i].defined() && !results.empty()) kept[i] = results[0];
  }

 private:
  const std::vector<std::shared_ptr<LayerState>>& layers_;

 public:
  Tensors kept;
};

}  // namespace

Tap::Tap(const Model& model, const std::vector<std::string>& layers) : model_(model) {
  if (layers.empty()) throw ValueError(model.state()->describe() + ": tap needs the name of a layer.");
  for (const std::string& name : layers) {
    const Found found = find_layer(*model.state(), name);
    names_.push_back(found.path);
    layers_.push_back(found.layer);
  }
}

Tap::Result Tap::run(const Inputs& inputs, bool training) const {
  Keeper keeper(layers_);
  const ObserverScope scope(keeper);
  const Tensors results = model_.call_with(CallArguments(ordered_inputs(model_, inputs), training));
  for (std::size_t i = 0; i < layers_.size(); ++i)
    if (!keeper.kept[i].defined())
      throw ValueError(model_.state()->describe() + ": layer '" + names_[i] +
                       "' was not called while the model ran, so there is nothing to tap.");
  return {Outputs(results, model_state(model_).output_names), keeper.kept};
}

Tap Model::tap(const std::string& layer) const { return Tap(*this, {layer}); }
Tap Model::taps(const std::vector<std::string>& layers) const { return Tap(*this, layers); }

}  // namespace strata
