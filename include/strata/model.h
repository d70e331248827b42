/// \file
/// Model: the handle on networks of the three styles; CustomModel and Sequential.
#pragma once

#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/custom.h"
#include "strata/freeze.h"
#include "strata/input.h"
#include "strata/layer.h"
#include "strata/model_files.h"
#include "strata/training.h"

namespace strata {

struct ModelState;
namespace data {
class AnyDataset;
}
class Tap;

struct ModelOptions {
  std::string name = {};
};

struct SummaryOptions {
  std::optional<int> line_length = {};  ///< 65; 98 for functional models with branches
  std::vector<double> positions = {};   ///< where columns end, as parts of line_length
  bool expand_nested = false;           ///< rows for the layers inside of layers, too
  int depth = 1;                        ///< how deep; more than 1 implies expand_nested
  bool show_trainable = false;          ///< a column that says Y or N
};

/// A handle on a network: a functional one made of its input and output tensors, a Sequential, or a CustomModel.
class STRATA_API Model : public Layer {
 public:
  Model();
  Model(const Model& other) : Layer(other), stop_training(other.stop_training) {}
  Model& operator=(const Model& other) {
    Layer::operator=(other);
    stop_training.rebind(other.stop_training);
    return *this;
  }
  /// A functional model: all that lies between symbolic inputs and outputs, each a tensor, a list, or a list of {name,
  /// tensor}; without names, those of the layers that made them. Throws ValueError where an output does not depend on
  /// the inputs alone.
  Model(const Inputs& inputs, const Inputs& outputs, const ModelOptions& options = {});

  void compile(const CompileOptions& options) const;
  bool compiled() const;
  /// Trains for a number of epochs on arrays, or on a data set of (x, y) or (x, y, sample_weight) batches.
  History fit(const Inputs& x, const Inputs& y, const FitOptions& options = {}) const;
  History fit(const data::AnyDataset& dataset, const FitOptions& options = {}) const;
  /// Without targets: for a train_step(x), or losses that the model adds itself.
  History fit(const Tensor& x, const FitOptions& options = {}) const;
  /// The loss and metrics over all samples.
  Logs evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options = {}) const;
  Logs evaluate(const data::AnyDataset& dataset, const EvaluateOptions& options = {}) const;
  Logs evaluate(const Tensor& x, const EvaluateOptions& options = {}) const;
  Outputs predict(const Inputs& x, const PredictOptions& options = {}) const;
  Outputs predict(const data::AnyDataset& dataset, const PredictOptions& options = {}) const;
  /// One step; the metrics are those of this batch, as in Keras.
  Logs train_on_batch(const Inputs& x, const Inputs& y, const Inputs& sample_weight = {},
                      const ClassWeight& class_weight = {}) const;
  Logs test_on_batch(const Inputs& x, const Inputs& y, const Inputs& sample_weight = {}) const;
  Outputs predict_on_batch(const Inputs& x) const;

  /// For a train_step of one's own: the compiled loss with regularization and added losses; the compiled metrics,
  /// updated, with the loss.
  Tensor compute_loss(const Inputs& x, const Inputs& y, const Inputs& y_pred, const Inputs& sample_weight = {}) const;
  Logs compute_metrics(const Inputs& x, const Inputs& y, const Inputs& y_pred, const Inputs& sample_weight = {}) const;
  optimizers::Optimizer& optimizer() const;
  std::vector<metrics::Metric> metrics() const;
  void reset_metrics() const;

  /// Prints the table of layers. A sub-classed model must have been built.
  void summary(const SummaryOptions& options = {}) const;
  void summary(std::ostream& out, const SummaryOptions& options = {}) const;
  std::string summary_text(const SummaryOptions& options = {}) const;

  /// Writes the whole model: Keras 3's format for `.keras`, Keras 2's HDF5 for `.h5`, a SavedModel for a name without
  /// extension. The file appears under its name complete or not at all.
  void save(const std::string& path, const SaveOptions& options = {}) const;
  /// Writes the weights alone: `.weights.h5` is Keras 3's layout, another `.h5` Keras 2's, `.npz` strata's.
  void save_weights(const std::string& path, const SaveWeightsOptions& options = {}) const;
  /// Reads weights that save_weights() or Keras wrote, or those of a whole model. All is checked before anything is
  /// changed: throws ValueError where weights are missing or do not fit, unless the options say otherwise.
  LoadReport load_weights(const std::string& path, const LoadWeightsOptions& options = {}) const;
  /// The architecture, without weights: for model_from_json(), in Keras too.
  std::string to_json() const;

  /// A program for inputs of this shape, the batch included: fast, constant, and safe to call from many threads; see
  /// freeze.h. Throws ValueError where the model is not built or changes variables, SymbolicError where what it
  /// computes depends on values.
  FrozenModel freeze(const Shape& input_shape, const FreezeOptions& options = {}) const;
  FrozenModel freeze(std::initializer_list<Shape> input_shapes, const FreezeOptions& options = {}) const {
    return freeze_shapes({input_shapes.begin(), input_shapes.end()}, options);
  }
  FrozenModel freeze_shapes(const std::vector<Shape>& input_shapes, const FreezeOptions& options = {}) const;

  /// Of functional models and Sequentials with an Input.
  Tensors inputs() const;
  Tensors outputs() const;
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  Shape input_shape() const;
  Shape output_shape() const;

  /// What layers inside give, by name or path ("inception_block8/cat"): a callable, `model.tap("cat")(x)`; see tap.h.
  /// Throws ValueError where a layer is not found, or the name says several.
  Tap tap(const std::string& layer) const;
  Tap taps(const std::vector<std::string>& layers) const;

  /// Ends fit() after the current batch when set, by any handle on this model.
  mutable SharedFlag stop_training{false};

 protected:
  Model(const Model& other, Share share) : Layer(other, share), stop_training(other.stop_training) {}
  void share(const Model& other) {
    Layer::share(other);
    stop_training.rebind(other.stop_training);
  }
  /// Overridden where a class has steps, a loss or metrics of its own.
  virtual std::optional<Logs> custom_train_step(const Inputs& x, const Inputs& y, const Inputs& sample_weight) const;
  virtual std::optional<Logs> custom_test_step(const Inputs& x, const Inputs& y, const Inputs& sample_weight) const;
  virtual std::optional<Outputs> custom_predict_step(const Inputs& x) const;
  virtual std::optional<Tensor> custom_loss(const Inputs& x, const Inputs& y, const Inputs& y_pred,
                                            const Inputs& sample_weight) const;
  virtual std::optional<Logs> custom_logs(const Inputs& x, const Inputs& y, const Inputs& y_pred,
                                          const Inputs& sample_weight) const;
  virtual std::optional<std::vector<metrics::Metric>> custom_metrics() const;
  friend class Trainer;
};

namespace detail {
[[noreturn]] STRATA_API void throw_unused_weights(const std::string& step);
[[noreturn]] STRATA_API void throw_step_does_not_fit(const std::string& step);

/// The only tensor; an undefined one where there is none.
inline Tensor first_tensor(const Inputs& x) { return x.empty() ? Tensor() : x.tensors()[0]; }
inline bool is_single(const Inputs& x) { return x.tensors().size() <= 1; }
}  // namespace detail

/// A model of one's own: `call`, and tracked layers. It may have steps of its own, `Logs train_step(x, y) const`,
/// `test_step(x, y)` and `predict_step(x)`, without `y` where fit() gets none; or, within strata's steps, `Tensor
/// compute_loss(x, y, y_pred) const`, `Logs compute_metrics(x, y, y_pred) const` and `std::vector<metrics::Metric>
/// metrics() const`. Arguments are tensors, or Inputs where there are several; `sample_weight` may follow as one more.
template <class Self>
class CustomModel : public Custom<Self, Model> {
 protected:
  std::optional<Logs> custom_train_step(const Inputs& x, const Inputs& y, const Inputs& w) const override {
    auto f = [](const auto& self, const auto&... a) -> decltype(self.train_step(a...)) {
      return self.train_step(a...);
    };
    if (auto logs = weighted<Logs>("train_step", w, f, x, y)) return logs;
    if (auto logs = y.empty() ? plain<Logs>(f, x) : std::nullopt) return logs;
    if constexpr (requires { &Self::train_step; }) detail::throw_step_does_not_fit("train_step");
    return {};
  }
  std::optional<Logs> custom_test_step(const Inputs& x, const Inputs& y, const Inputs& w) const override {
    auto f = [](const auto& self, const auto&... a) -> decltype(self.test_step(a...)) { return self.test_step(a...); };
    if (auto logs = weighted<Logs>("test_step", w, f, x, y)) return logs;
    if (auto logs = y.empty() ? plain<Logs>(f, x) : std::nullopt) return logs;
    if constexpr (requires { &Self::test_step; }) detail::throw_step_does_not_fit("test_step");
    return {};
  }
  std::optional<Outputs> custom_predict_step(const Inputs& x) const override {
    auto f = [](const auto& self, const auto&... a) -> decltype(self.predict_step(a...)) {
      return self.predict_step(a...);
    };
    return plain<Outputs>(f, x);
  }
  std::optional<Tensor> custom_loss(const Inputs& x, const Inputs& y, const Inputs& y_pred,
                                    const Inputs& w) const override {
    if constexpr (requires { requires std::same_as<decltype(&Self::compute_loss), decltype(&Model::compute_loss)>; }) {
      return {};
    } else {
      auto f = [](const auto& self, const auto&... a) -> decltype(self.compute_loss(a...)) {
        return self.compute_loss(a...);
      };
      return weighted<Tensor>("compute_loss", w, f, x, y, y_pred);
    }
  }
  std::optional<Logs> custom_logs(const Inputs& x, const Inputs& y, const Inputs& y_pred,
                                  const Inputs& w) const override {
    if constexpr (requires {
                    requires std::same_as<decltype(&Self::compute_metrics), decltype(&Model::compute_metrics)>;
                  }) {
      return {};
    } else {
      auto f = [](const auto& self, const auto&... a) -> decltype(self.compute_metrics(a...)) {
        return self.compute_metrics(a...);
      };
      return weighted<Logs>("compute_metrics", w, f, x, y, y_pred);
    }
  }
  std::optional<std::vector<metrics::Metric>> custom_metrics() const override {
    if constexpr (std::same_as<decltype(&Self::metrics), decltype(&Model::metrics)>)
      return {};
    else
      return std::vector<metrics::Metric>(self_ref().metrics());
  }

 private:
  const Self& self_ref() const { return static_cast<const Self&>(*this); }

  // With tensors where every argument is a single one, else with Inputs; nothing where `f` takes neither.
  template <class R, class F, class... A>
  std::optional<R> plain(const F& f, const A&... inputs) const {
    if constexpr (requires { f(self_ref(), detail::first_tensor(inputs)...); })
      if ((detail::is_single(inputs) && ...)) return R(f(self_ref(), detail::first_tensor(inputs)...));
    if constexpr (requires { f(self_ref(), inputs...); }) return R(f(self_ref(), inputs...));
    return {};
  }
  template <class R, class F, class... A>
  std::optional<R> weighted(const char* name, const Inputs& sample_weight, const F& f, const A&... inputs) const {
    if (auto result = plain<R>(f, inputs..., sample_weight)) return result;
    auto result = plain<R>(f, inputs...);
    if (result && !sample_weight.empty()) detail::throw_unused_weights(name);
    return result;
  }
};

/// A stack of layers, each called on the output of the one before.
///
///     Sequential model({Input({784}), Dense(128, {.activation = "relu"}), Dense(10)});
class STRATA_API Sequential : public Model {
 public:
  /// A layer, a model, or the tensor that Input() gives.
  struct STRATA_API Item {
    Item(const Layer& layer) : layer(layer) {}
    Item(const Tensor& input) : input(input) {}
    Layer layer;
    Tensor input;
  };
  Sequential();
  Sequential(std::initializer_list<Item> items, const ModelOptions& options = {});
  Sequential(const std::vector<Layer>& layers, const ModelOptions& options = {});
  void add(const Item& item) const;
  void pop() const;
};

}  // namespace strata
