#include "graph/plan.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "graph/packed_memory.h"
#include "graph/plan_memory.h"
#include "graph/variable_ops.h"
#include "kernels/conv_choice.h"

namespace strata {

namespace {

using detail::Buffer;
using detail::TensorData;

// Borrowed memory elsewhere: the buffer stays the object that tensors share.
void rebind(Buffer& buffer, const void* memory) {
  const std::size_t bytes = buffer.bytes();
  std::destroy_at(&buffer);
  std::construct_at(&buffer, memory, bytes);
}

const ReadVariable& read_of(const Node& node) { return static_cast<const ReadVariable&>(*node.op); }

Tensor with_shape(const Tensor& tensor, const Shape& shape) {
  return tensor.shape() == shape ? tensor : detail::view(tensor, shape);
}

}  // namespace

// The memory and tensors of one call. Tensors stay from call to call; the blocks that they point to are moved.
struct Plan::Frame {
  std::shared_ptr<Buffer> arena;  // borrows what `memory` owns during a call
  std::unique_ptr<Buffer> memory;
  Tensors values;                              // by value
  std::vector<std::shared_ptr<Buffer>> homes;  // by root outside of the arena
  Tensors held;                                // by root: what the call keeps alive
  struct Arguments {
    Tensors in, out;                                   // of ordinary steps
    std::vector<const TensorData*> in_data, out_data;  // of prepared ones
    std::vector<const void*> in_addresses;
    std::vector<void*> out_addresses;
  };
  std::vector<Arguments> arguments;  // by step
  std::vector<double> seconds;       // by step, of a measured run
};

Plan::Plan(std::shared_ptr<const Graph> graph, const Specs& inputs)
    : graph_(std::move(graph)),
      inputs_(inputs),
      threads_(omp_get_max_threads()),
      choices_(kernels::choice_generation()),
      layout_(*graph_, inputs_) {
  make_steps();
  place_arena();
}

Plan::~Plan() = default;

bool Plan::fits(const Tensors& inputs) const {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].shape() != inputs_[i].shape || inputs[i].dtype() != inputs_[i].dtype) return false;
  return inputs.size() == inputs_.size() && threads_ == omp_get_max_threads() &&
         choices_ == kernels::choice_generation();
}

void Plan::make_steps() {
  std::vector<int> step_of(graph_->nodes.size(), -1);
  Tensors constants(layout_.values.size());
  PackedMemory packed;
  for (const auto& [v, tensor] : graph_->constants) constants[at(v)] = tensor;
  for (std::size_t n = 0; n < graph_->nodes.size(); ++n) {
    const Node& node = graph_->nodes[n];
    auto is_dynamic = [&](int v) { return layout_.root_of(v).home == Home::dynamic; };
    const bool dynamic = std::any_of(node.in.begin(), node.in.end(), is_dynamic) ||
                         std::any_of(node.out.begin(), node.out.end(), is_dynamic);
    const bool aliases = !node.out.empty() && node.op->is_view() && !dynamic;
    // A view is no step of its own: what it would release goes to the step before.
    step_of[n] = static_cast<int>(steps_.size()) - (aliases ? 1 : 0);
    if (aliases) continue;
    Step step;
    step.node = &node;
    if (dynamic)
      step.kind = Step::Kind::dynamic;
    else if (dynamic_cast<const ReadVariable*>(node.op.get()) != nullptr)
      step.kind = Step::Kind::read;
    else
      with_place(node, [&] { prepare_step(step, constants, packed); });
    steps_.push_back(std::move(step));
  }
  for (std::size_t v = 0; v < layout_.values.size(); ++v) {
    const PlanValue& value = layout_.values[v];
    const bool own = value.root == static_cast<int>(v);
    if (!own || (value.home != Home::output && value.home != Home::variable && value.home != Home::dynamic)) continue;
    if (value.last < 0) continue;  // of a node that was removed
    held_.push_back(static_cast<int>(v));
    if (value.home != Home::output && value.last < static_cast<int>(step_of.size()) && step_of[at(value.last)] >= 0)
      steps_[at(step_of[at(value.last)])].released.push_back(static_cast<int>(v));
  }
}

void Plan::prepare_step(Step& step, const Tensors& constants, PackedMemory& packed) const {
  const auto* op = dynamic_cast<const Preparable*>(step.node->op.get());
  if (op == nullptr) return;
  Specs in, out;
  Tensors fixed;
  for (const int v : step.node->in) {
    in.push_back(layout_.at(v).spec);
    fixed.push_back(constants[at(v)]);
  }
  for (const int v : step.node->out) out.push_back(layout_.at(v).spec);
  std::vector<std::int64_t> in_strides, out_strides;
  for (const int v : step.node->in) in_strides.push_back(layout_.at(v).stride);
  for (const int v : step.node->out) out_strides.push_back(layout_.at(v).stride);
  step.prepared = op->prepare({in, out, in_strides, out_strides, fixed, &packed});
  if (step.prepared) step.kind = Step::Kind::prepared;
}

void Plan::place_arena() {
  arena_offsets_.assign(layout_.values.size(), 0);
  std::vector<Block> blocks;
  std::vector<std::size_t*> answers;
  for (std::size_t v = 0; v < layout_.values.size(); ++v) {
    const PlanValue& value = layout_.values[v];
    if (value.home != Home::arena || value.root != static_cast<int>(v) || value.last < 0) continue;
    blocks.push_back({bytes_of(value.spec), value.first, value.last});
    answers.push_back(&arena_offsets_[v]);
  }
  for (Step& step : steps_) {
    const std::size_t bytes = step.prepared ? step.prepared->scratch_bytes() : 0;
    if (bytes == 0) continue;
    const int position = static_cast<int>(step.node - graph_->nodes.data());
    blocks.push_back({bytes, position, position, true});
    answers.push_back(&step.scratch);
  }
  arena_bytes_ = place_blocks(blocks);
  for (std::size_t i = 0; i < blocks.size(); ++i) *answers[i] = blocks[i].offset;
}

std::unique_ptr<Plan::Frame> Plan::make_frame() const {
  auto frame = std::make_unique<Frame>();
  const std::size_t n = layout_.values.size();
  frame->arena = std::make_shared<Buffer>(nullptr, arena_bytes_);
  frame->values.resize(n);
  frame->homes.resize(n);
  frame->held.resize(n);
  for (const auto& [v, tensor] : graph_->constants) frame->values[at(v)] = tensor;
  for (std::size_t v = 0; v < n; ++v) {
    const PlanValue &value = layout_.values[v], &root = layout_.root_of(static_cast<int>(v));
    if (root.home == Home::dynamic || frame->values[v].defined() || !value.spec.shape.is_known()) continue;
    auto data = std::make_shared<TensorData>();
    data->shape = value.spec.shape;
    data->dtype = value.spec.dtype;
    data->offset = value.offset;
    if (root.home == Home::arena) {
      data->buffer = frame->arena;
      data->offset += arena_offsets_[at(value.root)];
    } else if (root.home == Home::constant) {
      const TensorData& constant = *frame->values[at(value.root)].impl();
      data->buffer = constant.buffer;
      data->offset += constant.offset;
    } else {
      auto& home = frame->homes[at(value.root)];
      if (!home) home = std::make_shared<Buffer>(nullptr, bytes_of(root.spec));
      data->buffer = home;
    }
    frame->values[v] = Tensor(std::move(data));
  }
  for (const Step& step : steps_) {
    Frame::Arguments a;
    if (step.kind == Step::Kind::run) {
      for (const int v : step.node->in) a.in.push_back(frame->values[at(v)]);
      for (const int v : step.node->out) a.out.push_back(frame->values[at(v)]);
    } else if (step.kind == Step::Kind::prepared) {
      for (const int v : step.node->in) a.in_data.push_back(frame->values[at(v)].impl().get());
      for (const int v : step.node->out) a.out_data.push_back(frame->values[at(v)].impl().get());
      a.in_addresses.resize(a.in_data.size());
      a.out_addresses.resize(a.out_data.size());
    }
    frame->arguments.push_back(std::move(a));
  }
  frame->seconds.resize(steps_.size());
  return frame;
}

void Plan::bind(Frame& frame, const Tensors& inputs) const {
  if (arena_bytes_ > 0) {
    frame.memory = std::make_unique<Buffer>(arena_bytes_);
    rebind(*frame.arena, frame.memory->data());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (auto& home = frame.homes[at(graph_->inputs[i])]) rebind(*home, inputs[i].impl()->raw());
  for (const int v : held_) {
    const PlanValue& value = layout_.at(v);
    if (value.home != Home::output) continue;
    frame.held[at(v)] = detail::allocate(value.spec.shape, value.spec.dtype);
    rebind(*frame.homes[at(v)], frame.held[at(v)].impl()->raw());
  }
}

void Plan::read_variable(Frame& frame, const Node& node) const {
  const std::size_t v = at(node.out[0]);
  frame.held[v] = read_of(node).variable->value;
  rebind(*frame.homes[v], frame.held[v].impl()->raw());
}

// Through ordinary tensors. What shares memory of the frame is copied out of it.
void Plan::run_dynamic(Frame& frame, const Node& node) const {
  Tensors in;
  for (const int v : node.in) in.push_back(frame.values[at(v)]);
  const Tensors out = run_eagerly(*node.op, in);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool foreign = out[i].impl()->buffer->is_foreign();
    frame.values[at(node.out[i])] = foreign ? out[i].copy() : out[i];
  }
}

void Plan::execute(Frame& frame, const Step& step, std::size_t index) const {
  switch (step.kind) {
    case Step::Kind::prepared: {
      Frame::Arguments& a = frame.arguments[index];
      for (std::size_t i = 0; i < a.in_data.size(); ++i) a.in_addresses[i] = a.in_data[i]->raw();
      for (std::size_t i = 0; i < a.out_data.size(); ++i) a.out_addresses[i] = a.out_data[i]->raw();
      void* scratch = frame.memory ? static_cast<char*>(frame.memory->data()) + step.scratch : nullptr;
      step.prepared->run({a.in_addresses.data(), a.out_addresses.data(), scratch});
      break;
    }
    case Step::Kind::run: {
      Frame::Arguments& a = frame.arguments[index];
      RunContext c{a.in, a.out};
      step.node->op->run(c);
      break;
    }
    case Step::Kind::read:
      read_variable(frame, *step.node);
      break;
    case Step::Kind::dynamic:
      run_dynamic(frame, *step.node);
      break;
  }
  // Before the next step: what nobody else holds may be changed in place.
  for (const int v : step.released) {
    frame.held[at(v)] = Tensor();
    if (layout_.at(v).home == Home::dynamic) frame.values[at(v)] = Tensor();
  }
}

Tensors Plan::take_outputs(Frame& frame, const Tensors& inputs) const {
  Tensors outputs;
  outputs.reserve(graph_->outputs.size());
  for (const int v : graph_->outputs) {
    if (v < 0) {
      outputs.emplace_back();
      continue;
    }
    const int root = layout_.at(v).root;
    const Shape& shape = layout_.at(v).spec.shape;
    switch (layout_.at(root).home) {
      case Home::input: {
        const auto i = std::find(graph_->inputs.begin(), graph_->inputs.end(), root) - graph_->inputs.begin();
        outputs.push_back(with_shape(inputs[static_cast<std::size_t>(i)], shape));
        break;
      }
      case Home::dynamic:
      case Home::constant:
        outputs.push_back(frame.values[at(v)]);
        break;
      default:
        outputs.push_back(with_shape(frame.held[at(root)], shape));
    }
  }
  return outputs;
}

void Plan::release(Frame& frame) const {
  for (const int v : held_) {
    frame.held[at(v)] = Tensor();
    if (layout_.at(v).home == Home::dynamic) frame.values[at(v)] = Tensor();
  }
  frame.memory.reset();
}

std::unique_ptr<Plan::Frame> Plan::lease() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Frame> frame = std::move(idle_.back());
      idle_.pop_back();
      return frame;
    }
    idle_.reserve(++frames_);  // so that giving it back allocates nothing
  }
  return make_frame();
}

void Plan::give_back(std::unique_ptr<Frame> frame) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(frame));
}

void Plan::bind_addresses(Frame& frame, std::span<const void* const> inputs, std::span<void* const> outputs) const {
  if (arena_bytes_ > 0 && frame.memory == nullptr) {
    frame.memory = std::make_unique<Buffer>(arena_bytes_);
    rebind(*frame.arena, frame.memory->data());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (auto& home = frame.homes[at(graph_->inputs[i])]) rebind(*home, inputs[i]);
  // Where a value is returned twice, the first place gets it and the others a copy.
  for (std::size_t i = outputs.size(); i-- > 0;) {
    const int root = layout_.at(graph_->outputs[i]).root;
    if (layout_.at(root).home == Home::output) rebind(*frame.homes[at(root)], outputs[i]);
  }
}

void Plan::run_into(std::span<const void* const> inputs, std::span<void* const> outputs) const {
  std::unique_ptr<Frame> frame = lease();
  bind_addresses(*frame, inputs, outputs);
  run_steps(*frame);
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const TensorData& result = *frame->values[at(graph_->outputs[o])].impl();
    if (result.raw() != outputs[o])
      std::memcpy(outputs[o], result.raw(), bytes_of(layout_.at(graph_->outputs[o]).spec));
  }
  give_back(std::move(frame));
}

void Plan::execute_measured(Frame& frame, std::size_t& step) const {
  auto start = std::chrono::steady_clock::now();
  for (; step < steps_.size(); ++step) {
    execute(frame, steps_[step], step);
    const auto end = std::chrono::steady_clock::now();
    frame.seconds[step] = std::chrono::duration<double>(end - start).count();
    start = end;
  }
}

void Plan::run_steps(Frame& frame) const {
  const unsigned run = runs_.fetch_add(1, std::memory_order_relaxed);
  const bool measured = run < 4 || run % 16 == 0;
  std::size_t i = 0;
  try {
    if (measured)
      execute_measured(frame, i);
    else
      for (; i < steps_.size(); ++i) execute(frame, steps_[i], i);
  } catch (const Error&) {
    rethrow_with_place(*steps_[i].node);
  }
  if (!measured) return;
  const std::lock_guard lock(mutex_);
  // The first run touches its memory for the first time: it counts only until there is another.
  times_.seconds.resize(steps_.size());
  if (run == 1) times_.seconds.assign(steps_.size(), 0), times_.runs = 0;
  for (std::size_t s = 0; s < steps_.size(); ++s) times_.seconds[s] += frame.seconds[s];
  ++times_.runs;
}

PlanTimes Plan::times() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

// A frame whose run fails is not used again.
Tensors Plan::run(const Tensors& inputs) const {
  std::unique_ptr<Frame> frame = lease();
  bind(*frame, inputs);
  run_steps(*frame);
  Tensors outputs = take_outputs(*frame, inputs);
  release(*frame);
  give_back(std::move(frame));
  return outputs;
}

}  // namespace strata
