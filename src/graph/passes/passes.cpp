#include "graph/passes/passes.h"

#include <algorithm>

#include "strata/error.h"

namespace strata {

namespace {

struct Pass {
  const char* name;
  bool (*run)(Graph&);
  Weights since = Weights::trained;  // for these programs and those that come after them in the enum
};
constexpr Pass kShapePasses[] = {{"fold_shapes", fold_shapes},
                                 {"identities", remove_identities},
                                 {"join_gradients", join_gradients},
                                 {"concat_in_place", place_slices},
                                 {"elementwise_chains", fuse_elementwise},
                                 {"gradients_in_updates", make_gradients_in_updates}};
constexpr Pass kPasses[] = {{"dead_code", remove_dead_code},
                            {"bias_before_norm", drop_bias_before_norm},
                            {"norm_relu", fuse_norm_relu},
                            {"pooled_gradients", move_before_pools},
                            {"join_updates", join_updates},
                            {"fold_batch_norm", fold_batch_norm, Weights::read},
                            {"fuse_bias_relu", fuse_bias_relu},
                            {"fold_constants", fold_constants, Weights::constant}};

void check_names(const std::vector<std::string>& disable) {
  for (const std::string& name : disable) {
    auto is_named = [&](const Pass& p) { return name == p.name; };
    if (name == "all" || std::any_of(std::begin(kPasses), std::end(kPasses), is_named) ||
        std::any_of(std::begin(kShapePasses), std::end(kShapePasses), is_named))
      continue;
    std::string all;
    for (const Pass& p : kPasses) all += std::string(" ") + p.name;
    for (const Pass& p : kShapePasses) all += std::string(" ") + p.name;
    throw ValueError("function: there is no pass '" + name + "' to disable. The passes are: all" + all + ".");
  }
}

bool is_off(const char* name, const std::vector<std::string>& disable) {
  return std::any_of(disable.begin(), disable.end(), [&](const std::string& d) { return d == "all" || d == name; });
}

}  // namespace

std::vector<std::string> run_passes(Graph& graph, const std::vector<std::string>& disable, Weights weights) {
  check_names(disable);
  std::vector<std::string> done;
  for (const Pass& pass : kPasses) {
    if (is_off(pass.name, disable) || weights < pass.since) continue;
    pass.run(graph);
    done.emplace_back(pass.name);
  }
  for (const Pass& pass : kShapePasses)
    if (!is_off(pass.name, disable)) done.emplace_back(pass.name);
  return done;
}

std::shared_ptr<const Graph> specialize(const std::shared_ptr<const Graph>& graph, const Specs& inputs,
                                        const std::vector<std::string>& disable) {
  auto known = std::make_shared<Graph>(*graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) known->values[static_cast<std::size_t>(graph->inputs[i])] = inputs[i];
  try {
    for (const Node& node : known->nodes) {
      Specs in;
      for (const int v : node.in) in.push_back(known->values[static_cast<std::size_t>(v)]);
      const Specs out = node.op->infer(in);
      for (std::size_t i = 0; i < out.size(); ++i) known->values[static_cast<std::size_t>(node.out[i])] = out[i];
    }
  } catch (const Error&) {
    return graph;
  }
  for (const Pass& pass : kShapePasses)
    if (!is_off(pass.name, disable)) pass.run(*known);
  return known;
}

}  // namespace strata
