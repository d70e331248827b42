/// \file
/// Layer: the handle on every layer and model, and what a call takes and gives.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/config.h"
#include "strata/tensor.h"
#include "strata/variable.h"

namespace strata {

struct LayerState;
class CallArguments;

struct Training {
  bool value;
};
struct TrainingKeyword {
  constexpr Training operator=(bool value) const { return {value}; }
};
/// The keyword of a call: `model(x, training = true)`. Without it the enclosing call's value holds, then false.
inline constexpr TrainingKeyword training{};

class Outputs;

/// One tensor, several, or several by name: what a model is called on.
class STRATA_API Inputs {
 public:
  Inputs() = default;
  Inputs(const Tensor& tensor) : tensors_{tensor} {}
  Inputs(const Variable& variable);
  Inputs(const Tensors& tensors) : tensors_(tensors) {}
  Inputs(std::initializer_list<Tensor> tensors) : tensors_(tensors) {}
  Inputs(std::initializer_list<std::pair<const char*, Tensor>> named);
  Inputs(const Outputs& outputs);
  const Tensors& tensors() const { return tensors_; }
  const std::vector<std::string>& names() const { return names_; }  ///< empty unless given by name
  bool empty() const { return tensors_.empty(); }

 private:
  Tensors tensors_;
  std::vector<std::string> names_;
};

/// What a type-erased or functional model gives back. Converts to what it holds.
class STRATA_API Outputs {
 public:
  Outputs() = default;
  Outputs(const Tensor& tensor) : tensors_{tensor} {}
  Outputs(const Tensors& tensors, const std::vector<std::string>& names = {}) : tensors_(tensors), names_(names) {}
  /// The only tensor; throws ValueError unless there is exactly one.
  operator Tensor() const;
  operator Tensors() const { return tensors_; }
  std::size_t size() const { return tensors_.size(); }
  /// The i-th of several outputs; of the only one the i-th row, as `model.predict(x)[0]` is in Keras. Negative numbers
  /// count from the end. Throws IndexError.
  Tensor operator[](std::int64_t i) const;
  Tensor operator[](int i) const { return (*this)[static_cast<std::int64_t>(i)]; }
  /// By the name of the output layer.
  Tensor operator[](const char* name) const;
  Tensor operator[](const std::string& name) const { return (*this)[name.c_str()]; }
  const Tensors& tensors() const { return tensors_; }
  const std::vector<std::string>& names() const { return names_; }
  /// Of the only tensor, as above.
  const Shape& shape() const { return only().shape(); }
  DType dtype() const { return only().dtype(); }
  int rank() const { return only().rank(); }
  template <class T>
  T item() const {
    return only().item<T>();
  }
  Tensor operator[](Slice slice) const { return only()[slice]; }
  Tensor operator[](std::initializer_list<Index> indices) const { return only()[indices]; }
  /// For structured bindings: `auto [a, b] = outputs.as<2>();`
  template <std::size_t N>
  std::array<Tensor, N> as() const {
    require_size(N);
    std::array<Tensor, N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = tensors_[i];
    return out;
  }
  template <class V>
  void visit_tensors(V&& visit) {
    for (Tensor& t : tensors_) visit(t);
  }

 private:
  const Tensor& only() const;
  void require_size(std::size_t n) const;
  Tensors tensors_;
  std::vector<std::string> names_;
};

/// The tensor, or each of several after its name or number.
STRATA_API std::ostream& operator<<(std::ostream& out, const Outputs& outputs);

/// A flag that all copies of a handle share: `model.trainable = false`.
class STRATA_API SharedFlag {
 public:
  explicit SharedFlag(bool value) : value_(std::make_shared<bool>(value)) {}
  SharedFlag(const SharedFlag&) = default;
  SharedFlag& operator=(bool value) {
    *value_ = value;
    return *this;
  }
  SharedFlag& operator=(const SharedFlag& other) { return *this = static_cast<bool>(other); }
  operator bool() const { return *value_; }
  const std::shared_ptr<bool>& storage() const { return value_; }
  void rebind(const SharedFlag& other) { value_ = other.value_; }

 private:
  std::shared_ptr<bool> value_;
};

/// A handle on a layer or model. Copies share weights, name and flags; a copy of a custom layer into a plain Layer
/// keeps the object. Handles do not move: moving copies, so none is ever empty.
class STRATA_API Layer {
 public:
  Layer();
  Layer(const Layer& other);
  Layer& operator=(const Layer& other);
  virtual ~Layer();

  /// Runs the layer; the first call creates its weights. On tensors of Input() it records the call for a functional
  /// model.
  Outputs operator()(const Inputs& inputs) const;
  Outputs operator()(const Inputs& inputs, Training training) const;
  Outputs operator()(const Inputs& inputs, std::same_as<bool> auto on) const { return (*this)(inputs, Training{on}); }

  /// The given, tracked or automatic name ("dense", "dense_1").
  const std::string& name() const;
  /// With the layers that track it: "mini_inception/conv_block/conv".
  std::string path() const;
  std::string class_name() const;
  bool built() const;
  /// Creates the weights (of the layers inside, too) for this input shape, with None for the batch.
  void build(const Shape& input_shape) const;
  void build(const std::vector<Shape>& input_shapes) const;

  /// Own weights first, trainable before not, then those of each layer inside, in the order of tracking.
  std::vector<Variable> weights() const;
  std::vector<Variable> trainable_weights() const;
  std::vector<Variable> non_trainable_weights() const;
  std::vector<Variable> variables() const { return weights(); }
  std::vector<Variable> trainable_variables() const { return trainable_weights(); }
  std::vector<Variable> non_trainable_variables() const { return non_trainable_weights(); }
  /// The values of weights(), and the way back. Throws ValueError that names the first weight that does not fit.
  Tensors get_weights() const;
  void set_weights(const Tensors& values) const;
  /// The number of elements of all weights. Throws ValueError where the layer is not built.
  std::int64_t count_params() const;

  /// What add_loss() was given in the last call, and the penalties of all regularizers.
  Tensors losses() const;
  /// The layers inside, in the order of tracking; of a functional model in Keras's order, with an InputLayer for each
  /// input.
  std::vector<Layer> layers() const;
  /// A layer inside by its name. Throws ValueError that lists the names there are.
  Layer get_layer(const std::string& name) const;
  Layer get_layer(int index) const;
  /// The symbolic tensors of its first call on tensors of Input(), for new functional models on a part of an old one:
  /// `Model features(model.inputs(), model.get_layer("conv_3").output())`. Of a functional model: its own inputs and
  /// outputs. Throws ValueError where there was no such call.
  Outputs input() const;
  Outputs output() const;
  Shape compute_output_shape(const Shape& input_shape) const;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& input_shapes) const;

  DType compute_dtype() const;
  DType variable_dtype() const;

  /// From which the layer can be made again: name, trainable, dtype and the class's own values. Of a functional model
  /// or a Sequential: Keras's configuration of its layers.
  Config get_config() const;
  Config::Value to_config_value() const;
  static Layer from_config_value(const Config::Value& value);

  /// False freezes the layer and all inside: no trainable weights, and batch norm uses its moving statistics.
  mutable SharedFlag trainable{true};

  /// For the engine.
  const std::shared_ptr<LayerState>& state() const { return state_; }
  Tensors call_with(const CallArguments& arguments) const { return target().call_erased(arguments); }
  Layer clone_layer() const { return target().clone_erased(); }
  /// The object behind a plain handle, or this one.
  const Layer& object() const { return target(); }

 protected:
  struct Share {};
  Layer(const Layer& other, Share);
  void share(const Layer& other);
  /// The object itself, kept alive; null for a plain handle on nothing.
  virtual std::shared_ptr<const Layer> self() const { return object_; }
  virtual Tensors call_erased(const CallArguments& arguments) const;
  virtual void build_erased(const std::vector<Shape>& shapes) const;
  virtual Config own_config() const;
  virtual Layer clone_erased() const;
  friend class CallFrame;

  /// Makes `child` a part of this layer; `name` is its name, its path in files and its row in summary().
  template <std::derived_from<Layer> T>
  T track(const std::string& name, const T& child) const {
    track_child(name, child);
    return child;
  }
  /// `n` parts "name_0", "name_1", ... made by `make(i)`.
  template <class Make>
  auto track(const std::string& name, int n, Make make) const {
    std::vector<decltype(make(0))> out;
    for (int i = 0; i < n; ++i) out.push_back(track(name + "_" + std::to_string(i), make(i)));
    return out;
  }
  /// Declares a weight; build() creates it.
  Variable weight(const std::string& name) const;
  /// A weight that no gradient changes: a statistic or a counter.
  Variable state_weight(const std::string& name) const;
  /// Adds a scalar to the losses of this call.
  void add_loss(const Tensor& loss) const;

  void set_class_name(const std::string& class_name) const;
  void set_name(const std::string& name) const;
  void set_dtype(const std::string& dtype_or_policy) const;
  void set_activity_regularizer(const Regularizer& regularizer) const;
  void set_object(std::shared_ptr<const Layer> object);

 private:
  void track_child(const std::string& name, const Layer& child) const;
  Config values() const;
  const Layer& target() const;
  std::shared_ptr<LayerState> state_;
  std::shared_ptr<const Layer> object_;
};

}  // namespace strata
