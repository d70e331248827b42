// GradientTape: what it records, and the backward pass.
#include "strata/tape.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "graph/graph.h"
#include "graph/loss_scale.h"
#include "graph/row_gradients.h"
#include "graph/tape_impl.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace detail {

namespace {

thread_local std::vector<TapeImpl*> open_tapes;
thread_local int pauses = 0;

// Holds the user's gradient; it runs nothing itself.
class CustomGradient final : public Op {
 public:
  CustomGradient(std::shared_ptr<const void> function, GradientCallback callback)
      : function_(std::move(function)), callback_(callback) {}
  std::string_view name() const override { return "custom_gradient"; }
  Specs infer(const Specs& in) const override { return in; }
  void run(RunContext&) const override {}
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    Tensors grads;
    for (std::size_t i = 0; i < outputs; ++i) grads.push_back(c.grad(i));
    Tensors result = callback_(function_.get(), grads);
    if (result.size() != c.num_inputs())
      throw GradientError("custom_gradient: the gradient function returned " + std::to_string(result.size()) +
                          " tensors for " + std::to_string(c.num_inputs()) + " arguments. Return one for each.");
    return result;
  }
  std::size_t outputs = 0;

 private:
  std::shared_ptr<const void> function_;
  GradientCallback callback_;
};

std::string label(const Source& source) {
  if (source.is_variable) return "variable '" + source.variable.path() + "'";
  return "the tensor of shape " + to_string(source.tensor.shape());
}

}  // namespace

TapesAside::TapesAside() : aside_(std::exchange(open_tapes, {})) {}
TapesAside::~TapesAside() { open_tapes = std::move(aside_); }

RecordingPause::RecordingPause() { ++pauses; }
RecordingPause::~RecordingPause() { --pauses; }

bool any_tape_records() {
  if (pauses > 0) return false;
  return std::any_of(open_tapes.begin(), open_tapes.end(), [](const TapeImpl* t) { return t->recording(); });
}

void record_on_tapes(const OpPtr& op, const Tensors& inputs, const Tensors& outputs) {
  for (TapeImpl* tape : open_tapes)
    if (tape->recording()) tape->record(op, inputs, outputs);
}

void read_on_tapes(const std::shared_ptr<VariableState>& variable, const Tensor& value) {
  for (TapeImpl* tape : open_tapes)
    if (tape->recording()) tape->read(variable, value, false);
}

void float16_on_tapes() {
  for (TapeImpl* tape : open_tapes)
    if (tape->recording()) tape->needs_loss_scale();
}

Tensors record_custom_gradient(const Tensors& inputs, const Tensors& outputs, std::shared_ptr<const void> function,
                               GradientCallback callback) {
  // New handles: an output that is an input itself must be told apart from it.
  Tensors fresh;
  for (const Tensor& t : outputs) {
    auto data = std::make_shared<TensorData>(data_of(t));
    fresh.push_back(Tensor(std::move(data)));
  }
  auto op = std::make_shared<CustomGradient>(std::move(function), callback);
  op->outputs = fresh.size();
  if (any_tape_records()) record_on_tapes(op, inputs, fresh);
  return fresh;
}

TapeImpl::TapeImpl(TapeOptions options) : options_(options) { open_tapes.push_back(this); }
TapeImpl::~TapeImpl() { std::erase(open_tapes, this); }

void TapeImpl::watch(const Tensor& tensor) {
  check_defined("GradientTape::watch", {&tensor, 1});
  if (!is_floating(tensor.dtype()))
    throw DTypeError("GradientTape::watch: a tensor of dtype " + to_string(tensor.dtype()) +
                     " has no derivatives. Watch a floating tensor: cast(x, float32).");
  if (tracked_.insert(tensor.impl().get()).second) watched_.push_back(tensor);
}

void TapeImpl::read(const std::shared_ptr<VariableState>& variable, const Tensor& value, bool explicitly) {
  if (!explicitly && (!options_.watch_accessed_variables || !variable->trainable)) {
    if (!read_index_.contains(variable.get())) return;
  }
  if (!is_floating(variable->dtype)) return;
  auto [it, is_new] = read_index_.try_emplace(variable.get(), reads_.size());
  if (is_new) reads_.push_back({variable, {}});
  Tensors& values = reads_[it->second].values;
  if (tracked_.insert(value.impl().get()).second) values.push_back(value);
}

void TapeImpl::record(const OpPtr& op, const Tensors& inputs, const Tensors& outputs) {
  const bool touched =
      std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& t) { return tracked_.contains(t.impl().get()); });
  if (!touched) return;
  if (!op->is_differentiable()) {
    if (!op->has_effect() && std::find(blocked_.begin(), blocked_.end(), op->name()) == blocked_.end())
      blocked_.emplace_back(op->name());
    return;
  }
  for (const Tensor& t : outputs)
    if (is_floating(t.dtype())) tracked_.insert(t.impl().get());
  records_.push_back({op, inputs, outputs});
}

void TapeImpl::reset() {
  tracked_.clear();
  watched_.clear();
  reads_.clear();
  read_index_.clear();
  records_.clear();
  blocked_.clear();
  recording_ = true;
  used_ = needs_loss_scale_ = false;
}

std::size_t TapeImpl::bytes() const {
  std::unordered_set<const Buffer*> seen;
  std::size_t total = 0;
  auto add = [&](const Tensor& t) {
    const auto& buffer = t.impl()->buffer;
    if (buffer && seen.insert(buffer.get()).second) total += buffer->bytes();
  };
  for (const Record& r : records_) {
    std::for_each(r.inputs.begin(), r.inputs.end(), add);
    std::for_each(r.outputs.begin(), r.outputs.end(), add);
  }
  return total;
}

std::vector<Variable> TapeImpl::watched_variables() const {
  std::vector<Variable> out;
  for (const Read& r : reads_) out.emplace_back(r.variable);
  return out;
}

TapeImpl::Keys TapeImpl::keys_of(const std::vector<Source>& sources) const {
  Keys keys;
  for (const Source& s : sources) {
    if (!s.is_variable) {
      keys.insert(s.tensor.impl().get());
    } else if (auto it = read_index_.find(s.variable.state().get()); it != read_index_.end()) {
      for (const Tensor& t : reads_[it->second].values) keys.insert(t.impl().get());
    }
  }
  return keys;
}

// By record: whether a source influences its outputs.
std::vector<bool> TapeImpl::reachable_records(Keys reached) const {
  std::vector<bool> reachable(records_.size(), false);
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record& r = records_[i];
    reachable[i] = std::any_of(r.inputs.begin(), r.inputs.end(),
                               [&](const Tensor& t) { return reached.contains(t.impl().get()); });
    if (reachable[i])
      for (const Tensor& t : r.outputs)
        if (is_floating(t.dtype())) reached.insert(t.impl().get());
  }
  return reachable;
}

void TapeImpl::backward_record(const Record& record, Grads& grads, const Keys& reached, const Keys& kept) const {
  Tensors out_grads(record.outputs.size());
  bool any = false;
  for (std::size_t i = 0; i < record.outputs.size(); ++i) {
    const TensorData* key = record.outputs[i].impl().get();
    if (auto it = grads.find(key); it != grads.end()) {
      out_grads[i] = it->second;
      any = true;
      if (!kept.contains(key)) grads.erase(it);
    }
  }
  if (!any) return;
  std::vector<bool> needed;
  for (const Tensor& t : record.inputs) needed.push_back(is_floating(t.dtype()) && reached.contains(t.impl().get()));
  const Tensors in_grads = record.op->grad(GradContext(record.inputs, record.outputs, out_grads, needed));
  for (std::size_t i = 0; i < in_grads.size() && i < needed.size(); ++i) {
    if (!needed[i] || !in_grads[i].defined()) continue;
    Tensor& sum = grads[record.inputs[i].impl().get()];
    sum = sum.defined() ? add_gradients(sum, in_grads[i]) : in_grads[i];
  }
}

void TapeImpl::backward(Grads& grads, const std::vector<bool>& reachable, const Keys& kept) const {
  Keys reached = kept;
  for (std::size_t i = 0; i < reachable.size(); ++i)
    if (reachable[i])
      for (const Tensor& t : records_[i].outputs) reached.insert(t.impl().get());
  // Gradient ops may be recorded on this very tape: those records come after the ones that are walked here.
  for (std::size_t i = reachable.size(); i-- > 0;)
    if (reachable[i]) {
      const Record record = records_[i];
      backward_record(record, grads, reached, kept);
    }
}

std::string TapeImpl::explain_unconnected(const Source& source) const {
  std::string why;
  const bool seen = source.is_variable ? read_index_.contains(source.variable.state().get())
                                       : tracked_.contains(source.tensor.impl().get());
  if (!seen && source.is_variable && !source.variable.trainable())
    why = "it is not trainable, so the tape did not watch it: call tape.watch(variable) before using it";
  else if (!seen && source.is_variable)
    why = "it was not read while the tape was recording: open the tape before the forward pass";
  else if (!seen)
    why = "the tape does not watch it: call tape.watch(x) before using it";
  else if (!blocked_.empty()) {
    why = "it does not influence the target through operations that have a gradient; on the way are some without one:";
    for (const std::string& name : blocked_) why += " " + name;
  } else
    why = "the target was computed without it";
  return why;
}

Tensor TapeImpl::gradient_of(const Source& source, const Grads& grads) const {
  Tensor sum;
  auto take = [&](const Tensor& key) {
    if (auto it = grads.find(key.impl().get()); it != grads.end())
      sum = sum.defined() ? add_gradients(sum, it->second) : it->second;
  };
  if (!source.is_variable)
    take(source.tensor);
  else if (auto it = read_index_.find(source.variable.state().get()); it != read_index_.end())
    for (const Tensor& t : reads_[it->second].values) take(t);
  return sum;
}

Tensors TapeImpl::gradient(const Tensors& targets, const std::vector<Source>& sources, const GradientOptions& options,
                           bool more_follow) {
  if (used_ && !options_.persistent)
    throw GradientError(
        "GradientTape: gradient() was called before on this tape, which keeps nothing afterwards. Make it "
        "GradientTape tape({.persistent = true}) to call it several times.");
  const bool zero = options.unconnected_gradients == "zero", none = options.unconnected_gradients == "none";
  if (!zero && !none && options.unconnected_gradients != "error")
    throw ValueError("GradientTape: unconnected_gradients is \"" + options.unconnected_gradients +
                     "\"; it must be \"error\", \"zero\" or \"none\".");
  for (const Source& s : sources) {
    if (!s.is_variable) check_defined("GradientTape::gradient, source", {&s.tensor, 1});
    const DType dtype = s.is_variable ? s.variable.dtype() : s.tensor.dtype();
    if (!is_floating(dtype))
      throw GradientError("GradientTape: " + label(s) + " has dtype " + to_string(dtype) +
                          ", which has no derivatives. Cast it to float32 before the computation.");
  }
  const auto scale = needs_loss_scale_ ? loss_scale_for(sources) : nullptr;
  const Keys kept = keys_of(sources);
  const std::vector<bool> reachable = reachable_records(kept);
  if (!options_.persistent) recording_ = false;
  used_ = used_ || !more_follow;

  Grads grads;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    check_defined("GradientTape::gradient, target", {&targets[i], 1});
    if (!is_floating(targets[i].dtype()))
      throw GradientError("GradientTape: the target has dtype " + to_string(targets[i].dtype()) +
                          ", which has no derivatives. Differentiate a floating tensor.");
    Tensor seed = i < options.output_gradients.size() ? options.output_gradients[i] : ones_like(targets[i]);
    if (scale) seed = seed * cast(scale->scale.read(), seed.dtype());
    Tensor& sum = grads[targets[i].impl().get()];
    sum = sum.defined() ? add(sum, seed) : seed;
  }
  backward(grads, reachable, kept);
  Tensors result;
  for (const Source& s : sources) {
    Tensor g = gradient_of(s, grads);
    if (!g.defined() && !none) {
      if (!zero)
        throw GradientError("GradientTape: " + label(s) + " does not influence the target: " + explain_unconnected(s) +
                            ". Ask for zeros with {.unconnected_gradients = \"zero\"} if that is meant.");
      g = zeros_like(s.is_variable ? s.variable.read() : s.tensor);
    }
    result.push_back(scale ? g / cast(scale->scale.read(), g.dtype()) : g);
  }
  if (!options_.persistent && !more_follow) {
    records_.clear();
    watched_.clear();
    reads_.clear();
    read_index_.clear();
    tracked_.clear();
  }
  return result;
}

}  // namespace detail

Tensor GradContext::grad(std::size_t i) const { return grads_[i].defined() ? grads_[i] : zeros_like(outputs_[i]); }

GradientTape::GradientTape(TapeOptions options) : impl_(std::make_unique<detail::TapeImpl>(options)) {}
GradientTape::~GradientTape() = default;

void GradientTape::watch(const Tensor& tensor) { impl_->watch(tensor); }
void GradientTape::watch(const Variable& variable) {
  detail::RecordingPause pause;
  impl_->read(variable.state(), variable.read(), true);
}

Tensors GradientTape::gradient(const Tensors& targets, std::initializer_list<Source> sources,
                               const GradientOptions& options) {
  return impl_->gradient(targets, sources, options);
}
Tensor GradientTape::gradient(const Tensor& target, const Source& source, const GradientOptions& options) {
  return impl_->gradient({target}, {source}, options)[0];
}
Tensors GradientTape::gradient(const Tensor& target, std::initializer_list<Source> sources,
                               const GradientOptions& options) {
  return impl_->gradient({target}, sources, options);
}
Tensors GradientTape::gradient(const Tensor& target, const std::vector<Variable>& sources,
                               const GradientOptions& options) {
  return impl_->gradient({target}, {sources.begin(), sources.end()}, options);
}
Tensors GradientTape::gradient(const Tensor& target, const Tensors& sources, const GradientOptions& options) {
  return impl_->gradient({target}, {sources.begin(), sources.end()}, options);
}
Tensors GradientTape::gradient(const Tensors& targets, const std::vector<Variable>& sources,
                               const GradientOptions& options) {
  return impl_->gradient(targets, {sources.begin(), sources.end()}, options);
}

Tensor GradientTape::jacobian(const Tensor& target, const Source& source, const GradientOptions& options) {
  const Tensor source_value = source.is_variable ? source.variable.read() : source.tensor;
  const std::int64_t n = target.size();
  Tensors rows;
  const Tensor basis = eye(n, {.dtype = target.dtype()});
  for (std::int64_t i = 0; i < n; ++i) {
    GradientOptions one = options;
    one.output_gradients = {reshape(basis[i], target.shape())};
    rows.push_back(impl_->gradient({target}, {source}, one, /*more_follow=*/i + 1 < n)[0]);
  }
  Shape shape = target.shape();
  for (std::int64_t d : source_value.shape()) shape.push_back(d);
  return rows.empty() ? zeros(shape, target.dtype()) : reshape(stack(rows, 0), shape);
}

void GradientTape::reset() { impl_->reset(); }
std::vector<Variable> GradientTape::watched_variables() const { return impl_->watched_variables(); }
std::size_t GradientTape::bytes() const { return impl_->bytes(); }

}  // namespace strata
