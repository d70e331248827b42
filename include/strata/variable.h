/// \file
/// Variables: named tensors whose value changes.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/constraints.h"
#include "strata/initializers.h"
#include "strata/regularizers.h"
#include "strata/tensor.h"

namespace strata {

namespace detail {
struct VariableState;
}

struct VariableOptions {
  bool trainable = true;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// How `create` makes a weight. The defaults are Keras's of `add_weight`.
struct WeightOptions {
  Initializer initializer = "glorot_uniform";
  Regularizer regularizer = {};
  Constraint constraint = {};
  std::optional<bool> trainable = {};
  std::optional<DType> dtype = {};  ///< the variable dtype of the layer's policy
};

/// A handle on a named, mutable tensor; copies share it. Reading it (by conversion to Tensor) gives its value at that
/// moment: a tensor read before an assignment does not change with it.
class STRATA_API Variable {
 public:
  Variable();
  /// A variable with `initial`'s value and dtype.
  Variable(const Tensor& initial, const VariableOptions& options = {});
  /// For the engine: layers make variables without a value, which `create` gives one.
  explicit Variable(std::shared_ptr<detail::VariableState> state) : state_(std::move(state)) {}

  /// Its value now. Inside a layer's call, cast to the layer's compute dtype. Throws where it has none yet.
  operator Tensor() const { return value(); }
  Tensor value() const;
  /// Its value now, never cast.
  Tensor read() const;
  /// The only element, converted to T; a row.
  template <class T>
  requires std::is_arithmetic_v<T> T item()
  const { return read().item<T>(); }
  Tensor operator[](std::int64_t i) const { return value()[i]; }

  /// Makes the weight, in `build`. A second call with the same shape does nothing; with another it throws ShapeError.
  void create(const Shape& shape, const WeightOptions& options = {}) const;
  bool created() const;

  /// Sets the value; shapes must agree. Throws ShapeError, and ValueError where it was not created.
  void assign(const Tensor& value) const;
  void assign_add(const Tensor& delta) const;
  void assign_sub(const Tensor& delta) const;

  const Shape& shape() const;
  DType dtype() const;
  std::int64_t size() const;
  const std::string& name() const;
  /// With the layers that hold it: "mini_inception/conv_block/conv/kernel".
  std::string path() const;
  bool trainable() const;
  void set_trainable(bool trainable) const;
  const Regularizer& regularizer() const;
  const Constraint& constraint() const;

  /// The same variable, not equal values.
  friend bool operator==(const Variable& a, const Variable& b) { return a.state_ == b.state_; }
  const std::shared_ptr<detail::VariableState>& state() const { return state_; }

 private:
  std::shared_ptr<detail::VariableState> state_;
};

using Variables = std::vector<Variable>;

STRATA_API std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace strata
