// function(): signatures, tracing, and the report of explain().
#include "strata/function.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <sstream>

#include "graph/function_graphs.h"
#include "graph/graph.h"
#include "graph/passes/passes.h"
#include "graph/plan.h"
#include "graph/profile.h"
#include "graph/program.h"
#include "graph/tape_impl.h"
#include "kernels/threads.h"

namespace strata {

namespace {
std::atomic<bool> eagerly{false};
}

void run_functions_eagerly(bool on) { eagerly = on; }

namespace detail {

struct FunctionTrace {
  std::string key, signature, cause;
  std::vector<std::optional<Spec>> arguments;  // without a value: undefined
  std::unique_ptr<Program> program;            // as it was traced, for tapes
  std::shared_ptr<const Graph> optimized;      // after the passes, for plans
  std::shared_ptr<void> prototype;
  std::vector<std::string> passes;
  double milliseconds = 0;

  std::shared_ptr<const Plan> plan_for(const Tensors& inputs, const std::vector<std::string>& disable);

  std::mutex mutex;                                // of the plans
  std::vector<std::shared_ptr<const Plan>> plans;  // the last used one first
};

std::shared_ptr<const Plan> FunctionTrace::plan_for(const Tensors& inputs, const std::vector<std::string>& disable) {
  constexpr std::size_t kPlans = 8;
  const std::lock_guard lock(mutex);
  const auto found = std::find_if(plans.begin(), plans.end(), [&](const auto& p) { return p->fits(inputs); });
  if (found != plans.end()) {
    if (found != plans.begin()) std::rotate(plans.begin(), found, found + 1);
  } else {
    Specs specs;
    for (const Tensor& t : inputs) specs.push_back({t.shape(), t.dtype()});
    plans.insert(plans.begin(), std::make_shared<const Plan>(specialize(optimized, specs, disable), specs));
    if (plans.size() > kPlans) plans.pop_back();
  }
  return plans.front();
}

class FunctionCore {
 public:
  explicit FunctionCore(const FunctionOptions& options) : options(options) {}
  FunctionOptions options;
  std::mutex mutex;  // one trace at a time; running needs no lock
  std::vector<std::shared_ptr<FunctionTrace>> traces;
  std::shared_ptr<FunctionTrace> last;  // that was called
};

std::shared_ptr<FunctionCore> make_function_core(const FunctionOptions& options) {
  return std::make_shared<FunctionCore>(options);
}

namespace {

Spec traced_spec(const Tensor& t, bool symbolic_batch) {
  Spec spec{t.shape(), t.dtype()};
  if (symbolic_batch && !spec.shape.empty()) spec.shape[0] = None;
  return spec;
}

std::string signature_of(const Tensors& arguments, bool symbolic_batch) {
  std::string text;
  for (const Tensor& t : arguments) {
    const Spec spec = t.defined() ? traced_spec(t, symbolic_batch) : Spec{};
    text += (text.empty() ? "" : ", ") + (t.defined() ? to_string(spec.dtype) + to_string(spec.shape) : "undefined");
  }
  return text;
}

bool accepts(const FunctionTrace& trace, const Tensors& arguments, bool symbolic_batch) {
  if (trace.arguments.size() != arguments.size()) return false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Tensor& t = arguments[i];
    const std::optional<Spec>& spec = trace.arguments[i];
    if (t.defined() != spec.has_value()) return false;
    if (!spec) continue;
    const Shape &shape = t.shape(), &wanted = spec->shape;
    if (t.dtype() != spec->dtype || shape.size() != wanted.size()) return false;
    for (std::size_t d = symbolic_batch ? 1 : 0; d < shape.size(); ++d)
      if (shape[d] != wanted[d]) return false;
  }
  return true;
}

Tensors defined_only(const Tensors& tensors) {
  Tensors out;
  for (const Tensor& t : tensors)
    if (t.defined()) out.push_back(t);
  return out;
}

std::shared_ptr<FunctionTrace> make_trace(FunctionCore& core, const Tensors& arguments, TraceCallback callback,
                                          void* context) {
  const auto start = std::chrono::steady_clock::now();
  auto trace = std::make_shared<FunctionTrace>();
  auto graph = std::make_shared<Graph>(core.options.name);
  {
    TraceScope scope(graph);
    Tensors symbolic;
    for (const Tensor& t : arguments)
      symbolic.push_back(t.defined() ? graph->add_input(traced_spec(t, core.options.symbolic_batch)) : Tensor());
    // Undefined results (a struct's optional parts) keep their places: number -1.
    for (const Tensor& t : callback(context, symbolic, trace->prototype))
      graph->outputs.push_back(t.defined() ? graph->value_of(t) : -1);
  }
  remove_dead_code(*graph);
  trace->program = std::make_unique<Program>(graph);
  auto optimized = std::make_shared<Graph>(*graph);
  trace->passes =
      run_passes(*optimized, core.options.disable, core.options.inference ? Weights::read : Weights::trained);
  verify(*optimized);
  trace->optimized = optimized;
  trace->milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return trace;
}

// What is new about this signature, for explain().
std::string cause_of(const FunctionCore& core, const std::string& key, const std::string& signature) {
  if (core.traces.empty()) return "first call";
  const FunctionTrace& last = *core.traces.back();
  if (last.signature != signature)
    return "argument types or shapes changed: (" + last.signature + ") to (" + signature + ")";
  return "an argument that is no tensor changed its value: [" + last.key + "] to [" + key + "]";
}

std::shared_ptr<FunctionTrace> find_or_make(FunctionCore& core, const Tensors& arguments, const std::string& key,
                                            TraceCallback callback, void* context) {
  std::lock_guard lock(core.mutex);
  for (const auto& t : core.traces)
    if (t->key == key && accepts(*t, arguments, core.options.symbolic_batch)) return core.last = t;
  const std::string signature = signature_of(arguments, core.options.symbolic_batch);
  const std::string cause = cause_of(core, key, signature);
  auto trace = make_trace(core, arguments, callback, context);
  trace->key = key;
  for (const Tensor& t : arguments)
    trace->arguments.push_back(t.defined() ? std::optional(traced_spec(t, core.options.symbolic_batch)) : std::nullopt);
  trace->signature = signature;
  trace->cause = cause;
  core.traces.push_back(trace);
  core.last = trace;
  return trace;
}

}  // namespace

Tensors run_function(FunctionCore& core, const Tensors& arguments, const std::string& key, TraceCallback callback,
                     void* context, std::shared_ptr<void>& prototype) {
  kernels::adopt_num_threads();
  const auto trace = find_or_make(core, arguments, key, callback, context);
  prototype = trace->prototype;
  const bool all_defined = std::all_of(arguments.begin(), arguments.end(), [](const Tensor& t) { return t.defined(); });
  const Tensors some = all_defined ? Tensors() : defined_only(arguments);
  const Tensors& inputs = all_defined ? arguments : some;
  if (any_tape_records()) return trace->program->run(inputs, true);
  return trace->plan_for(inputs, core.options.disable)->run(inputs);
}

bool functions_run_directly(const Tensors& arguments) {
  return eagerly || current_graph() != nullptr || std::any_of(arguments.begin(), arguments.end(), is_recorded);
}

std::string explain_function(const FunctionCore& core) {
  std::ostringstream out;
  out << core.options.name << ": " << core.traces.size() << (core.traces.size() == 1 ? " trace\n" : " traces\n");
  for (std::size_t i = 0; i < core.traces.size(); ++i) {
    FunctionTrace& t = *core.traces[i];
    out << "trace " << i + 1 << ": (" << t.signature << ") because of: " << t.cause << "; " << t.milliseconds
        << " ms, passes:";
    for (const std::string& p : t.passes) out << ' ' << p;
    out << '\n' << to_string(*t.optimized);
    const std::lock_guard lock(t.mutex);
    for (const auto& plan : t.plans) out << plan->describe();
  }
  return out.str();
}

Profile profile_function(const FunctionCore& core) {
  std::shared_ptr<const Plan> plan;
  if (core.last != nullptr) {
    const std::lock_guard lock(core.last->mutex);
    if (!core.last->plans.empty()) plan = core.last->plans.front();
  }
  if (plan == nullptr)
    throw ValueError("profile: '" + core.options.name +
                     "' has run no compiled step yet. Call it first, outside of a GradientTape; under one it runs op by "
                     "op.");
  return profile_of(*plan, core.options.name);
}

std::vector<const Graph*> traced_graphs(const FunctionCore& core) {
  std::vector<const Graph*> graphs;
  for (const auto& t : core.traces) graphs.push_back(&t->program->graph());
  return graphs;
}

int count_traces(const FunctionCore& core) { return static_cast<int>(core.traces.size()); }

}  // namespace detail
}  // namespace strata
