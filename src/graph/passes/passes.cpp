#include "graph/passes/passes.h"

#include <algorithm>

#include "strata/error.h"

namespace strata {

namespace {

struct Pass {
  const char* name;
  bool (*run)(Graph&);
};
constexpr Pass kPasses[] = {
    {"dead_code", remove_dead_code}, {"bias_before_norm", drop_bias_before_norm}, {"norm_relu", fuse_norm_relu}};

void check_names(const std::vector<std::string>& disable) {
  for (const std::string& name : disable) {
    const bool known = name == "all" || std::any_of(std::begin(kPasses), std::end(kPasses),
                                                    [&](const Pass& p) { return name == p.name; });
    if (known) continue;
    std::string all;
    for (const Pass& p : kPasses) all += std::string(" ") + p.name;
    throw ValueError("function: there is no pass '" + name + "' to disable. The passes are: all" + all + ".");
  }
}

}  // namespace

std::vector<std::string> run_passes(Graph& graph, const std::vector<std::string>& disable) {
  check_names(disable);
  auto off = [&](const char* name) {
    return std::any_of(disable.begin(), disable.end(), [&](const std::string& d) { return d == "all" || d == name; });
  };
  std::vector<std::string> done;
  for (const Pass& pass : kPasses) {
    if (off(pass.name)) continue;
    pass.run(graph);
    done.emplace_back(pass.name);
  }
  return done;
}

}  // namespace strata
