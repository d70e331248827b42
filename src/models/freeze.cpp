// Model::freeze(): the model traced on fixed shapes, its variables replaced by their values.
#include "strata/freeze.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <exception>

#include "graph/batch_parts.h"
#include "graph/passes/passes.h"
#include "graph/profile.h"
#include "graph/tape_impl.h"
#include "graph/variable_ops.h"
#include "kernels/parallel.h"
#include "models/frozen_program.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "strata/call.h"
#include "strata/model.h"
#include "strata/utils.h"

namespace strata {

namespace {

constexpr std::size_t kMostArrays = 8;  // that a model may have on either side to be run in parts

// OpenMP's number of threads, for this thread and this scope.
class ThreadsScope {
 public:
  explicit ThreadsScope(int threads) : before_(omp_get_max_threads()), changes_(threads != before_) {
    if (changes_) omp_set_num_threads(threads);
  }
  ~ThreadsScope() {
    if (changes_) omp_set_num_threads(before_);
  }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
  bool changes_;
};

std::string where(const Layer& model) { return "freeze: " + model.state()->describe(); }

void check_built(const Layer& model) {
  const auto& state = *model.state();
  bool built = state.built || !model_state(model).inputs.empty();
  for (const Variable& v : model.weights()) built = built && v.state()->created;
  if (!built)
    throw ValueError(where(model) +
                     " has not been built, so its weights have no values yet. Call it on data once, load its weights, "
                     "or call build() with the shape of its input, before it is frozen.");
}

Specs input_specs(const Layer& model, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  const Tensors declared = model_state(model).inputs;
  const std::vector<DType>& seen = model.state()->input_dtypes;
  if (!declared.empty() && declared.size() != shapes.size())
    throw ValueError(where(model) + " has " + std::to_string(declared.size()) + " inputs, but received " +
                     std::to_string(shapes.size()) + " shapes. Give one for each, the batch included.");
  if (!dtypes.empty() && dtypes.size() != shapes.size())
    throw ValueError(where(model) + ": received " + std::to_string(dtypes.size()) + " input_dtypes for " +
                     std::to_string(shapes.size()) + " inputs. Give one for each.");
  Specs specs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const DType dtype = !dtypes.empty()       ? dtypes[i]
                        : i < declared.size() ? declared[i].dtype()
                        : i < seen.size()     ? seen[i]
                                              : DType::float32;
    if (!shapes[i].is_known())
      throw ShapeError(where(model) + ": the shape " + to_string(shapes[i]) +
                       " has a dimension that is None. A frozen model is for one shape: give a number for each "
                       "dimension, the batch included, as in freeze({1, 32, 32, 3}).");
    bool fits = i >= declared.size() || declared[i].shape().size() == shapes[i].size();
    for (std::size_t d = 0; fits && i < declared.size() && d < shapes[i].size(); ++d)
      fits = declared[i].shape()[d] == None || declared[i].shape()[d] == shapes[i][d];
    if (!fits)
      throw ShapeError(where(model) + " takes inputs of shape " + to_string(declared[i].shape()) + ", but received " +
                       to_string(shapes[i]) + ". Give the whole shape, the batch included.");
    specs.push_back({shapes[i], dtype});
  }
  return specs;
}

std::shared_ptr<Graph> traced(const Layer& model, const Specs& inputs) {
  auto graph = std::make_shared<Graph>(model.name());
  const TraceScope scope(graph);
  const detail::RecordingPause pause;
  Tensors symbolic;
  for (const Spec& s : inputs) symbolic.push_back(graph->add_input(s));
  try {
    for (const Tensor& t : model.object().call_with(CallArguments(symbolic, false)))
      graph->outputs.push_back(graph->value_of(t));
  } catch (const SymbolicError& e) {
    throw SymbolicError(where(model) +
                        " decides by the values of its tensors what it computes, which a fixed program cannot: " +
                        e.what() + " Use where() instead, or call the model itself.");
  }
  return graph;
}

// Variables become constants, which nothing may change.
void bind_variables(const Layer& model, Graph& graph) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    if (const auto* writer = dynamic_cast<const WritesVariables*>(node.op.get())) {
      const auto written = writer->written();
      throw ValueError(where(model) + " changes its variable" +
                       (written.empty() ? "s" : " '" + written[0]->name + "'") +
                       " when it is called with training = false, and a frozen model never changes. Change it in "
                       "training alone.");
    }
    if (const auto* read = dynamic_cast<const ReadVariable*>(node.op.get()))
      graph.constants.emplace_back(node.out[0], read->variable->value);
    else
      kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
}

void narrow(const Layer& model, Graph& graph, DType dtype) {
  if (dtype == DType::float32 || dtype == DType::float64) {
    for (const Spec& s : graph.values)
      if (is_floating(s.dtype) && s.dtype != dtype)
        throw DTypeError(where(model) + " computes in " + to_string(s.dtype) + " and cannot be frozen in " +
                         to_string(dtype) + ". Leave .dtype out, or give its layers another dtype policy.");
    return;
  }
  if (dtype != DType::bfloat16 && dtype != DType::float16)
    throw DTypeError(where(model) + ": .dtype is " + to_string(dtype) + ". Expected float32, bfloat16 or float16.");
  narrow_to(graph, dtype);
  remove_dead_code(graph);
}

void quantize(const Layer& model, Graph& graph) {
  if (use_bytes(graph)) return;
  throw ValueError(where(model) +
                   " has no float32 convolution or dense layer whose inputs have a range of 8 bits. Make the model by "
                   "quantization::quantize_model() with num_bits = 8, and train it or call quantization::calibrate() "
                   "with samples, before it is converted.");
}

}  // namespace

namespace detail {

FrozenProgram::FrozenProgram(std::shared_ptr<const Graph> graph, std::vector<std::string> passes,
                             std::vector<std::string> names, int threads)
    : output_names(std::move(names)), graph_(std::move(graph)), passes_(std::move(passes)), threads_(threads) {
  for (const int v : graph_->inputs) inputs.push_back(graph_->values[static_cast<std::size_t>(v)]);
  const PlanLayout layout(*graph_, inputs);
  for (const int v : graph_->outputs) {
    outputs.push_back(layout.at(v).spec);
    if (layout.root_of(v).home == Home::dynamic)
      throw ShapeError("freeze: the shape of an output of '" + graph_->name +
                       "' depends on values, so that its memory cannot be given beforehand. Call the model itself.");
  }
  prepared_for(threads_);
}

const FrozenProgram::Prepared& FrozenProgram::prepared_for(int threads) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const auto& p) { return p.threads == threads; });
  if (found != plans_.end()) return *found;
  BatchParts parts;
  if (std::max(inputs.size(), outputs.size()) <= kMostArrays) parts = parts_of_batch(*graph_, inputs, threads);
  const ThreadsScope scope(parts.samples > 0 ? 1 : threads);
  auto plan = parts.samples > 0 ? std::make_unique<const Plan>(parts.graph, with_batch(inputs, parts.samples))
                                : std::make_unique<const Plan>(graph_, inputs);
  plans_.push_back({threads, parts.samples, std::move(plan)});
  return plans_.back();
}

void FrozenProgram::run_parts(const Prepared& p, std::span<const void* const> from, std::span<void* const> to) const {
  const std::int64_t parts = inputs[0].shape[0] / p.samples;
  std::mutex mutex;
  std::exception_ptr failure;
  kernels::parallel_for(parts, kernels::kParallelWork, [&](std::int64_t begin, std::int64_t end) {
    std::array<const void*, kMostArrays> sources;
    std::array<void*, kMostArrays> results;
    const auto at = [&](const Spec& all, std::int64_t part) {
      return bytes_of(all) / static_cast<std::size_t>(parts) * static_cast<std::size_t>(part);
    };
    try {
      for (std::int64_t part = begin; part < end; ++part) {
        for (std::size_t i = 0; i < from.size(); ++i)
          sources[i] = static_cast<const char*>(from[i]) + at(inputs[i], part);
        for (std::size_t i = 0; i < to.size(); ++i) results[i] = static_cast<char*>(to[i]) + at(outputs[i], part);
        p.plan->run_into({sources.data(), from.size()}, {results.data(), to.size()});
      }
    } catch (...) {  // which may not leave the thread
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

void FrozenProgram::run(std::span<const void* const> from, std::span<void* const> to, int threads) const {
  if (threads < 0)
    throw ValueError("frozen model '" + graph_->name + "': threads is " + std::to_string(threads) +
                     ". Give a positive number, or 0 for that of freeze().");
  const int used = threads == 0 ? threads_ : threads;
  const Prepared& prepared = prepared_for(used);
  const ThreadsScope scope(used);
  if (prepared.samples > 0)
    run_parts(prepared, from, to);
  else
    prepared.plan->run_into(from, to);
}

std::string FrozenProgram::explain() const {
  std::string text = graph_->name + ": frozen, passes:";
  for (const std::string& p : passes_) text += ' ' + p;
  text += '\n' + to_string(*graph_);
  const std::lock_guard lock(mutex_);
  for (const Prepared& p : plans_) {
    text += "  with " + std::to_string(p.threads) + (p.threads == 1 ? " thread" : " threads");
    if (p.samples > 0) text += ", " + std::to_string(p.samples) + " samples at a time by each";
    text += '\n' + p.plan->describe();
  }
  return text;
}

Profile FrozenProgram::profile() const {
  const Plan& plan = *prepared_for(threads_).plan;
  if (plan.times().runs == 0)
    throw ValueError("profile: the frozen model '" + graph_->name + "' was not called yet. Call it a few times first.");
  return profile_of(plan, graph_->name);
}

}  // namespace detail

FrozenModel Model::freeze(const Shape& input_shape, const FreezeOptions& options) const {
  return freeze_shapes({input_shape}, options);
}

FrozenModel Model::freeze_shapes(const std::vector<Shape>& input_shapes, const FreezeOptions& options) const {
  return detail::freeze_model(*this, input_shapes, options, false);
}

FrozenModel detail::freeze_model(const Model& model, const std::vector<Shape>& input_shapes,
                                 const FreezeOptions& options, bool bytes) {
  if (options.threads < 0)
    throw ValueError(where(model) + ": .threads is " + std::to_string(options.threads) +
                     ". Give a positive number, or 0 for utils::get_num_threads().");
  check_built(model);
  const int threads = options.threads == 0 ? utils::get_num_threads() : options.threads;
  const auto graph = traced(model, input_specs(model, input_shapes, options.input_dtypes));
  bind_variables(model, *graph);
  remove_dead_code(*graph);
  if (options.dtype) narrow(model, *graph, *options.dtype);
  std::vector<std::string> passes = run_passes(*graph, options.disable, Weights::constant);
  if (bytes) {
    quantize(model, *graph);
    passes.emplace_back("use_bytes");
  }
  verify(*graph);
  Specs inputs;
  for (const int v : graph->inputs) inputs.push_back(graph->values[static_cast<std::size_t>(v)]);
  return FrozenModel(std::make_shared<const detail::FrozenProgram>(
      specialize(graph, inputs, options.disable), std::move(passes), model_state(model).output_names, threads));
}

void FrozenModel::run(std::span<const void* const> from, std::span<void* const> to, const RunOptions& options) const {
  if (from.size() != num_inputs() || to.size() != num_outputs())
    throw ValueError("frozen model: received " + std::to_string(from.size()) + " inputs and " +
                     std::to_string(to.size()) + " outputs. Expected " + std::to_string(num_inputs()) + " and " +
                     std::to_string(num_outputs()) + ".");
  program_->run(from, to, options.threads);
}

void FrozenModel::operator()(std::span<const float> in, std::span<float> out, const RunOptions& options) const {
  if (num_inputs() != 1 || num_outputs() != 1)
    throw ValueError("frozen model: has " + std::to_string(num_inputs()) + " inputs and " +
                     std::to_string(num_outputs()) +
                     " outputs, but received one span for each side. Call it on tensors, or use run().");
  if (input_dtype() != DType::float32 || output_dtype() != DType::float32)
    throw DTypeError("frozen model: takes " + to_string(input_dtype()) + " and gives " + to_string(output_dtype()) +
                     ", but received spans of float. Call it on tensors, or use run().");
  if (in.size() != input_size() || out.size() != output_size())
    throw ShapeError("frozen model: received spans of " + std::to_string(in.size()) + " and " +
                     std::to_string(out.size()) + " elements. Expected " + std::to_string(input_size()) + " for " +
                     to_string(input_shape()) + " and " + std::to_string(output_size()) + " for " +
                     to_string(output_shape()) + ".");
  const void* from = in.data();
  void* to = out.data();
  program_->run({&from, 1}, {&to, 1}, options.threads);
}

Outputs FrozenModel::operator()(const Inputs& x, const RunOptions& options) const {
  const Tensors& given = x.tensors();
  if (given.size() != num_inputs())
    throw ValueError("frozen model: received " + std::to_string(given.size()) + " tensors. Expected " +
                     std::to_string(num_inputs()) + ", one for each input.");
  check_defined("frozen model", given);
  std::vector<const void*> from;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].is_symbolic())
      throw SymbolicError("frozen model: received a symbolic tensor. Call the model itself inside of other models.");
    if (given[i].shape() != input_shape(i))
      throw ShapeError("frozen model: input " + std::to_string(i) + " has shape " + to_string(given[i].shape()) +
                       ". Expected " + to_string(input_shape(i)) +
                       ", for which it was made. Freeze the model for other shapes again.");
    if (given[i].dtype() != input_dtype(i))
      throw DTypeError("frozen model: input " + std::to_string(i) + " is " + to_string(given[i].dtype()) +
                       ". Expected " + to_string(input_dtype(i)) + ". Use cast(), or freeze it with .input_dtypes.");
    from.push_back(detail::data_of(given[i]).raw());
  }
  Tensors results;
  std::vector<void*> to;
  for (const Spec& s : program_->outputs) {
    results.push_back(detail::allocate(s.shape, s.dtype));
    to.push_back(detail::data_of(results.back()).raw());
  }
  program_->run(from, to, options.threads);
  return Outputs(results, program_->output_names);
}

std::size_t FrozenModel::num_inputs() const { return program_->inputs.size(); }
std::size_t FrozenModel::num_outputs() const { return program_->outputs.size(); }
const Shape& FrozenModel::input_shape(std::size_t i) const { return program_->inputs.at(i).shape; }
const Shape& FrozenModel::output_shape(std::size_t i) const { return program_->outputs.at(i).shape; }
DType FrozenModel::input_dtype(std::size_t i) const { return program_->inputs.at(i).dtype; }
DType FrozenModel::output_dtype(std::size_t i) const { return program_->outputs.at(i).dtype; }
std::size_t FrozenModel::input_size(std::size_t i) const {
  return static_cast<std::size_t>(input_shape(i).num_elements());
}
std::size_t FrozenModel::output_size(std::size_t i) const {
  return static_cast<std::size_t>(output_shape(i).num_elements());
}
std::string FrozenModel::explain() const { return program_->explain(); }
Profile FrozenModel::profile() const { return program_->profile(); }

}  // namespace strata
