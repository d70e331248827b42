// Plan: a program for known shapes. A flat list of steps whose values lie at fixed places of one arena, so that a run
// allocates, infers and looks up nothing. Any number of threads may run it at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "graph/plan_layout.h"
#include "graph/prepare.h"

namespace strata {

// The time of each step, summed over the runs that were measured.
struct PlanTimes {
  std::vector<double> seconds;  // by step
  int runs = 0;
};

class STRATA_API Plan {
 public:
  // `inputs` are the concrete dtypes and shapes of the graph's inputs. Throws as the ops do, with the layer's path.
  Plan(std::shared_ptr<const Graph> graph, const Specs& inputs);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  Tensors run(const Tensors& inputs) const;
  // Reads inputs and writes results at these addresses, which are dense arrays of the plan's types and do not overlap.
  // Arenas stay between calls: after the first call of as many threads at once, the plan itself allocates nothing.
  // Results whose shapes depend on values are not possible here.
  void run_into(std::span<const void* const> inputs, std::span<void* const> outputs) const;
  // Whether these tensors have the shapes of this plan, and kernels the number of threads that it was made for.
  bool fits(const Tensors& inputs) const;

  struct Step {
    enum class Kind { run, prepared, read, dynamic };
    Kind kind = Kind::run;
    const Node* node = nullptr;
    std::unique_ptr<PreparedOp> prepared;
    std::size_t scratch = 0;         // offset in the arena
    std::vector<int> released = {};  // values that are held for the call until after this step
  };
  const std::vector<Step>& steps() const { return steps_; }
  const Graph& graph() const { return *graph_; }
  const PlanLayout& layout() const { return layout_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  // "plan for (64, 784): 39 steps (3 prepared), arena of 0.4 MB", and what each prepared step runs, with its layer.
  std::string describe() const;
  // Of the second to fourth run and of every 16th; of the first one until there is another.
  PlanTimes times() const;
  const Specs& inputs() const { return inputs_; }
  int threads() const { return threads_; }

 private:
  struct Frame;
  void make_steps();
  void prepare_step(Step& step, const Tensors& constants, PackedMemory& packed) const;
  void place_arena();
  std::unique_ptr<Frame> make_frame() const;
  std::unique_ptr<Frame> lease() const;
  void give_back(std::unique_ptr<Frame> frame) const;
  void bind_addresses(Frame& frame, std::span<const void* const> inputs, std::span<void* const> outputs) const;
  void bind(Frame& frame, const Tensors& inputs) const;
  void run_steps(Frame& frame) const;
  void execute_measured(Frame& frame, std::size_t& step) const;
  void execute(Frame& frame, const Step& step, std::size_t index) const;
  void read_variable(Frame& frame, const Node& node) const;
  void run_dynamic(Frame& frame, const Node& node) const;
  Tensors take_outputs(Frame& frame, const Tensors& inputs) const;
  void release(Frame& frame) const;

  std::shared_ptr<const Graph> graph_;
  Specs inputs_;
  int threads_, choices_;  // what kernels were chosen by
  PlanLayout layout_;
  std::vector<Step> steps_;
  std::vector<std::size_t> arena_offsets_;  // by value; of roots in the arena
  std::vector<int> held_;                   // roots that a frame holds during a call: outputs, variables, dynamic ones
  std::size_t arena_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Frame>> idle_;
  mutable std::size_t frames_ = 0;  // made so far
  mutable PlanTimes times_;
  mutable std::atomic<unsigned> runs_{0};
};

}  // namespace strata
