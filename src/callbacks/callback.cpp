// The base, and the callbacks that watch nothing.
#include "strata/callback.h"

#include <cmath>
#include <iostream>

#include "callbacks/monitor.h"
#include "models/log_values.h"
#include "strata/array.h"
#include "strata/callbacks.h"
#include "strata/loop.h"

namespace strata::callbacks {

Callback::Callback() : alive_(std::make_shared<const bool>(true)) {}
Callback::Callback(const Callback& other)
    : model_(other.model_), loop_(other.loop_), alive_(std::make_shared<const bool>(true)) {}
Callback& Callback::operator=(const Callback& other) {
  model_ = other.model_;
  loop_ = other.loop_;
  return *this;
}
Callback::~Callback() = default;

void AnyCallback::refer_to(Callback& callback) {
  callback_ = &callback;
  alive_ = callback.alive_;
}
void AnyCallback::own(std::shared_ptr<Callback> callback) {
  if (callback == nullptr) throw ValueError("AnyCallback: received a null pointer, expected a callback.");
  refer_to(*callback);
  owned_ = std::move(callback);
}
Callback* AnyCallback::operator->() const {
  if (alive_.expired())
    throw ValueError(
        "a callback of the list is gone: the object was destroyed before the list was used. Keep it in a variable that "
        "lives longer, or put a temporary into the list.");
  return callback_;
}

Model& Callback::model() const {
  if (!model_) throw ValueError("Callback: model() has a value only while fit(), evaluate() or predict() runs.");
  return *model_;
}

History::History() : state_(std::make_shared<strata::History>()) {}
void History::on_train_begin(const Logs&) { *state_ = {}; }
void History::on_epoch_end(int epoch, const Logs& logs) {
  for (const auto& [name, value] : logs.entries()) append_values(state_->history, name, value);
  state_->epoch.push_back(epoch);
}

void LearningRateScheduler::on_epoch_begin(int epoch, const Logs&) {
  const auto& rate = model().optimizer().learning_rate;
  const double value = schedule_(epoch, rate().item<double>());
  rate.assign(static_cast<float>(value));
  if (verbose_ > 0)
    std::cout << "\nEpoch " << epoch + 1 << ": LearningRateScheduler setting learning rate to " << python_number(value)
              << ".\n";
}
void LearningRateScheduler::add_epoch_logs(int, Logs& logs) {
  logs.set("learning_rate", model().optimizer().learning_rate());
}

void TerminateOnNaN::on_train_batch_end(int batch, const Logs& logs) {
  if (!logs.contains("loss")) return;
  const double loss = logs.at("loss");
  if (std::isfinite(loss)) return;
  if (options_.raise_error)
    throw ValueError("TerminateOnNaN: the loss of batch " + std::to_string(batch) + " is " + python_number(loss) +
                     ". fit(..., {.trace_nan = true}) says where it comes from.");
  std::cout << "Batch " << batch << ": Invalid loss, terminating training\n";
  model().stop_training = true;
}

SwapEMAWeights::SwapEMAWeights(const SwapEMAWeightsOptions& options)
    : options_(options), is_in_(std::make_shared<bool>(false)) {}
void SwapEMAWeights::swap(bool in) {
  if (*is_in_ == in) return;
  model().optimizer().swap_averages();
  *is_in_ = in;
}
void SwapEMAWeights::on_epoch_begin(int, const Logs&) {
  if (options_.swap_on_epoch) swap(false);
}
void SwapEMAWeights::on_epoch_end(int epoch, const Logs&) {
  if (!options_.swap_on_epoch) return;
  swap(true);
  // No epoch follows that would swap back.
  if (loop() != nullptr && (epoch + 1 == loop()->epochs() || model().stop_training)) {
    swap(false);
    model().optimizer().finalize_variable_values(model().trainable_weights());
  }
}
void SwapEMAWeights::on_test_begin(const Logs&) { swap(true); }
void SwapEMAWeights::on_test_end(const Logs&) { swap(false); }
void SwapEMAWeights::on_predict_begin(const Logs&) { swap(true); }
void SwapEMAWeights::on_predict_end(const Logs&) { swap(false); }

void LambdaCallback::on_train_begin(const Logs& logs) {
  if (options_.on_train_begin) options_.on_train_begin(logs);
}
void LambdaCallback::on_train_end(const Logs& logs) {
  if (options_.on_train_end) options_.on_train_end(logs);
}
void LambdaCallback::on_epoch_begin(int epoch, const Logs& logs) {
  if (options_.on_epoch_begin) options_.on_epoch_begin(epoch, logs);
}
void LambdaCallback::on_epoch_end(int epoch, const Logs& logs) {
  if (options_.on_epoch_end) options_.on_epoch_end(epoch, logs);
}
void LambdaCallback::on_train_batch_begin(int batch, const Logs& logs) {
  if (options_.on_train_batch_begin) options_.on_train_batch_begin(batch, logs);
}
void LambdaCallback::on_train_batch_end(int batch, const Logs& logs) {
  if (options_.on_train_batch_end) options_.on_train_batch_end(batch, logs);
}
void LambdaCallback::on_test_begin(const Logs& logs) {
  if (options_.on_test_begin) options_.on_test_begin(logs);
}
void LambdaCallback::on_test_end(const Logs& logs) {
  if (options_.on_test_end) options_.on_test_end(logs);
}
void LambdaCallback::on_test_batch_begin(int batch, const Logs& logs) {
  if (options_.on_test_batch_begin) options_.on_test_batch_begin(batch, logs);
}
void LambdaCallback::on_test_batch_end(int batch, const Logs& logs) {
  if (options_.on_test_batch_end) options_.on_test_batch_end(batch, logs);
}

}  // namespace strata::callbacks
