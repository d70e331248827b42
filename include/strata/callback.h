/// \file
/// The callback: what fit(), evaluate(), predict() and TrainingLoop tell while they run.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "strata/logs.h"

namespace strata {

class Model;
class TrainingLoop;

namespace callbacks {

/// The base of callbacks: override what is wanted. fit() keeps a copy of the object that it is given; copies of it
/// share nothing but what the members share. The callbacks of strata are handles: what fit() did with one can be read
/// from the object that was given to it.
class STRATA_API Callback {
 public:
  virtual ~Callback();
  virtual void on_train_begin(const Logs&) {}
  virtual void on_train_end(const Logs&) {}
  virtual void on_epoch_begin(int /*epoch*/, const Logs&) {}
  virtual void on_epoch_end(int /*epoch*/, const Logs&) {}
  virtual void on_train_batch_begin(std::int64_t /*batch*/, const Logs&) {}
  virtual void on_train_batch_end(std::int64_t /*batch*/, const Logs&) {}
  virtual void on_test_begin(const Logs&) {}
  virtual void on_test_end(const Logs&) {}
  virtual void on_test_batch_begin(std::int64_t /*batch*/, const Logs&) {}
  virtual void on_test_batch_end(std::int64_t /*batch*/, const Logs&) {}
  virtual void on_predict_begin(const Logs&) {}
  virtual void on_predict_end(const Logs&) {}
  virtual void on_predict_batch_begin(std::int64_t /*batch*/, const Logs&) {}
  virtual void on_predict_batch_end(std::int64_t /*batch*/, const Logs&) {}
  /// Before the logs of an epoch are shown, recorded and given to on_epoch_end: values may be added, such as a learning
  /// rate.
  virtual void add_epoch_logs(int /*epoch*/, Logs&) {}

  /// The model that is trained. Throws ValueError outside of a run.
  Model& model() const;
  /// The loop that trains it; null in evaluate() and predict().
  TrainingLoop* loop() const { return loop_; }
  void set_model(std::shared_ptr<Model> model) { model_ = std::move(model); }
  void set_loop(TrainingLoop* loop) { loop_ = loop; }

 private:
  std::shared_ptr<Model> model_;
  TrainingLoop* loop_ = nullptr;
};

/// Any callback, kept by value.
class AnyCallback {
 public:
  template <std::derived_from<Callback> T>
  AnyCallback(const T& callback) : callback_(std::make_shared<T>(callback)) {}
  AnyCallback(std::shared_ptr<Callback> callback) : callback_(std::move(callback)) {}
  Callback* operator->() const { return callback_.get(); }

 private:
  std::shared_ptr<Callback> callback_;
};

/// A callable kept by value, or none; copies share it.
template <class Signature>
class Hook;
template <class R, class... A>
class Hook<R(A...)> {
 public:
  Hook() = default;
  template <class F>
  requires(std::is_invocable_r_v<R, F&, A...> && !std::same_as<F, Hook>) Hook(const F& f)
      : object_(std::make_shared<F>(f)),
        call_([](void* object, A... a) -> R { return (*static_cast<F*>(object))(a...); }) {}
  explicit operator bool() const { return call_ != nullptr; }
  R operator()(A... a) const { return call_(object_.get(), a...); }

 private:
  std::shared_ptr<void> object_;
  R (*call_)(void*, A...) = nullptr;
};

}  // namespace callbacks
}  // namespace strata
