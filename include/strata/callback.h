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

/// The base of callbacks: override what is wanted. What a callback keeps in its members can be read after fit() from
/// the object that was given to it by name; a temporary lives in the list.
class STRATA_API Callback {
 public:
  Callback();
  Callback(const Callback& other);
  Callback& operator=(const Callback& other);
  virtual ~Callback();
  virtual void on_train_begin(const Logs&) {}
  virtual void on_train_end(const Logs&) {}
  virtual void on_epoch_begin(int /*epoch*/, const Logs&) {}
  virtual void on_epoch_end(int /*epoch*/, const Logs&) {}
  virtual void on_train_batch_begin(int /*batch*/, const Logs&) {}
  virtual void on_train_batch_end(int /*batch*/, const Logs&) {}
  virtual void on_test_begin(const Logs&) {}
  virtual void on_test_end(const Logs&) {}
  virtual void on_test_batch_begin(int /*batch*/, const Logs&) {}
  virtual void on_test_batch_end(int /*batch*/, const Logs&) {}
  virtual void on_predict_begin(const Logs&) {}
  virtual void on_predict_end(const Logs&) {}
  virtual void on_predict_batch_begin(int /*batch*/, const Logs&) {}
  virtual void on_predict_batch_end(int /*batch*/, const Logs&) {}
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
  friend class AnyCallback;
  std::shared_ptr<Model> model_;
  TrainingLoop* loop_ = nullptr;
  std::shared_ptr<const bool> alive_;  // goes with the object
};

/// Any callback: an object with a name is used itself, and has to live as long as the list is used; others are kept by
/// value.
class STRATA_API AnyCallback {
 public:
  template <class T>
  requires std::derived_from<std::remove_cvref_t<T>, Callback> AnyCallback(T&& callback) {
    using Kept = std::remove_cvref_t<T>;
    if constexpr (std::is_same_v<T, Kept&>)
      refer_to(callback);
    else
      own(std::make_shared<Kept>(std::forward<T>(callback)));
  }
  template <std::derived_from<Callback> T>
  AnyCallback(std::shared_ptr<T> callback) {
    own(std::move(callback));
  }
  /// Throws ValueError where the object is gone.
  Callback* operator->() const;

 private:
  void refer_to(Callback& callback);
  void own(std::shared_ptr<Callback> callback);
  std::shared_ptr<Callback> owned_;
  Callback* callback_ = nullptr;
  std::weak_ptr<const bool> alive_;
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
