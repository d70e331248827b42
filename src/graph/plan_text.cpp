// A plan in words, for explain().
#include <fmt/format.h>

#include "graph/plan.h"

namespace strata {

std::string Plan::describe() const {
  std::string shapes, kernels;
  for (const Spec& s : inputs_) shapes += (shapes.empty() ? "" : ", ") + to_string(s.shape);
  int prepared = 0;
  for (const Step& step : steps_) {
    if (!step.prepared) continue;
    ++prepared;
    const std::string kernel = step.prepared->kernel();
    if (!kernel.empty())
      kernels += fmt::format("    {} {}{}{}: {:.3f} GFLOP\n", step.node->op->name(), kernel,
                             step.node->scope.empty() ? "" : "  # ", step.node->scope, step.prepared->flops() * 1e-9);
  }
  int slices = 0;
  for (const PlanValue& value : layout_.values) slices += value.stride != 0;
  return fmt::format("  plan for {}: {} steps ({} prepared), arena of {:.1f} MB{}\n", shapes, steps_.size(), prepared,
                     static_cast<double>(arena_bytes_) * 1e-6,
                     slices > 0 ? fmt::format(", {} values lie in others", slices) : "") +
         kernels;
}

}  // namespace strata
