// What a FrozenModel shares: an optimized graph without variables, and a plan for each number of threads, for the whole
// batch or for a few samples of it at a time (graph/batch_parts.h).
#pragma once

#include <deque>
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
  struct Prepared {
    int threads;
    std::int64_t samples;  // that each thread computes at a time; 0: all threads compute the whole batch together
    std::unique_ptr<const Plan> plan;
  };
  const Prepared& prepared_for(int threads) const;
  void run_parts(const Prepared& prepared, std::span<const void* const> inputs, std::span<void* const> outputs) const;

  std::shared_ptr<const Graph> graph_;
  std::vector<std::string> passes_;
  int threads_;
  mutable std::mutex mutex_;
  mutable std::deque<Prepared> plans_;  // deque: plans stay where they are
};

// Model::freeze(); `bytes`: what has ranges of 8 bits computes with bytes (use_bytes() of graph/passes/passes.h).
FrozenModel freeze_model(const Model& model, const std::vector<Shape>& input_shapes, const FreezeOptions& options,
                         bool bytes);

}  // namespace strata::detail
