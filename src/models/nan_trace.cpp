#include "models/nan_trace.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "graph/graph.h"
#include "graph/observe.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/math.h"

namespace strata {

namespace {

bool is_finite(const Tensor& t) {
  if (!t.defined() || !strata::is_floating(t.dtype())) return true;
  for (float v : cast(t, float32).to_vector<float>())
    if (!std::isfinite(v)) return false;
  return true;
}

// "(32, 10) float32 in [-1.5, 3.2], mean 0.25"
std::string statistics(const Tensor& t) {
  std::string out = to_string(t.shape()) + " " + to_string(t.dtype());
  if (t.size() == 0) return out;
  double low = INFINITY, high = -INFINITY, sum = 0;
  std::int64_t finite = 0;
  const std::vector<float> values = cast(t, float32).to_vector<float>();
  for (float v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min<double>(low, v);
    high = std::max<double>(high, v);
    sum += v;
    ++finite;
  }
  if (finite > 0) out += fmt::format(" in [{:.6g}, {:.6g}], mean {:.6g}", low, high, sum / static_cast<double>(finite));
  const auto bad = static_cast<std::int64_t>(values.size()) - finite;
  return bad > 0 ? out + fmt::format(", {} of {} not finite", bad, values.size()) : out;
}

class FirstBadOp final : public detail::OpObserver {
 public:
  void after(const Op& op, std::span<const Tensor> inputs, const Tensors& outputs) override {
    if (is_looking_ || !text_.empty()) return;
    is_looking_ = true;  // what it computes itself is not watched
    bool all_finite = true;
    for (const Tensor& t : outputs) all_finite &= is_finite(t);
    if (!all_finite) {
      const std::string layer = current_scope_name();
      text_ = fmt::format("The first op that gives such a value is '{}' {}.", op.name(),
                          layer.empty() ? "outside of the layers (in the loss, its gradient or the update)"
                                        : "in layer '" + layer + "'");
      for (std::size_t i = 0; i < inputs.size(); ++i) text_ += fmt::format(" Input {}: {}.", i, statistics(inputs[i]));
      for (const Tensor& t : outputs) text_ += fmt::format(" Result: {}.", statistics(t));
    }
    is_looking_ = false;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool is_looking_ = false;
};

class EagerFunctions {
 public:
  EagerFunctions() { run_functions_eagerly(true); }
  ~EagerFunctions() { run_functions_eagerly(false); }
  EagerFunctions(const EagerFunctions&) = delete;
  EagerFunctions& operator=(const EagerFunctions&) = delete;
};

std::string bad_data(const Batch& batch) {
  const std::pair<const char*, const Tensors*> parts[] = {
      {"x", &batch.x}, {"y", &batch.y}, {"sample_weight", &batch.sample_weight}};
  for (const auto& [name, list] : parts)
    for (const Tensor& t : *list)
      if (!is_finite(t)) return fmt::format("The batch's own {} is not finite: {}.", name, statistics(t));
  return {};
}

}  // namespace

StepReplay::StepReplay(const Model& model, const Batch& batch) : model_(model), batch_(batch), before_(model) {}

std::string StepReplay::first_bad_weight() const {
  for (const Variable& v : model_.weights())
    if (v.created() && !is_finite(v.read())) return v.path();
  return {};
}

void StepReplay::check(const Logs& logs) const {
  const bool is_loss = logs.contains("loss") && !std::isfinite(logs.at("loss"));
  const std::string weight = is_loss ? "" : first_bad_weight();
  if (!is_loss && weight.empty()) return;
  std::string text = is_loss ? fmt::format("fit: the loss became {}.", std::isnan(logs.at("loss")) ? "nan" : "infinite")
                             : fmt::format("fit: the weight '{}' is no longer finite.", weight);
  std::string cause = bad_data(batch_);
  if (cause.empty()) {
    before_.restore();
    FirstBadOp observer;
    const EagerFunctions eagerly;
    const detail::ObserverScope scope(&observer);
    model_state(model_).trainer->train_eagerly(model_, batch_);
    before_.restore();
    cause = observer.text().empty() ? "The step gives finite values when it is run op by op." : observer.text();
  }
  throw ValueError(text + " " + cause +
                   " A smaller learning rate, .global_clipnorm on the optimizer, or from_logits = true in a "
                   "cross-entropy are the usual cures.");
}

}  // namespace strata
