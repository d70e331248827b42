// What a FrozenModel shares: an optimized graph without variables, and a plan for each number of threads.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/plan.h"
#include "strata/model.h"

namespace strata::detail {

class FrozenProgram {
 public:
  FrozenProgram(std::shared_ptr<const Graph> graph, std::vector<std::string> passes,
                std::vector<std::string> output_names, int threads);

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, int threads) const;
  std::string explain() const;
  Profile profile() const;  // of the default number of threads

  Specs inputs, outputs;
  std::vector<std::string> output_names;

 private:
  const Plan& plan_for(int threads) const;

  std::shared_ptr<const Graph> graph_;
  std::vector<std::string> passes_;
  int threads_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<int, std::unique_ptr<const Plan>>> plans_;  // by number of threads
};

// Model::freeze(); `bytes`: what has ranges of 8 bits computes with bytes (use_bytes() of graph/passes/passes.h).
FrozenModel freeze_model(const Model& model, const std::vector<Shape>& input_shapes, const FreezeOptions& options,
                         bool bytes);

}  // namespace strata::detail
