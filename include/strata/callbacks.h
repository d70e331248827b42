/// \file
/// Callbacks: what fit(), evaluate() and predict() tell while they run.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>

#include "strata/logs.h"

namespace strata {

class Model;

namespace callbacks {

/// The base of callbacks: override what is wanted. fit() keeps a copy of the object that it is given; copies of it
/// share nothing but what the members share.
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

  /// The model that is trained. Throws ValueError outside of fit().
  Model& model() const;
  void set_model(std::shared_ptr<Model> model) { model_ = std::move(model); }

 private:
  std::shared_ptr<Model> model_;
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

}  // namespace callbacks
}  // namespace strata
