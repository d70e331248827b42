/// \file
/// How a call of a layer passes through the engine: its arguments without their types, and the frame around it.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/class_name.h"
#include "strata/layer.h"
#include "strata/structure.h"

namespace strata {

/// The arguments of one call of a layer, without their C++ types.
class STRATA_API CallArguments {
 public:
  struct Argument {
    enum class Kind { none, tensor, tensors, value, opaque } kind = Kind::none;
    Tensors tensors = {};
    Config::Value value = {};
  };

  CallArguments() = default;
  /// Tensors alone, to be spread over the parameters as they fit.
  explicit CallArguments(const Tensors& tensors, std::optional<bool> training = {})
      : flat(tensors), is_flat(true), training(training) {}

  std::vector<Argument> arguments;
  Tensors flat;
  bool is_flat = false;
  std::optional<bool> training;

  Tensors all_tensors() const;
  CallArguments with_tensors(const Tensors& tensors) const;
};

/// Around one call of a layer: the stack of layers, `training`, building, dtype casts, losses.
class STRATA_API CallFrame {
 public:
  CallFrame(const Layer& layer, std::optional<bool> training);
  ~CallFrame();
  CallFrame(const CallFrame&) = delete;
  CallFrame& operator=(const CallFrame&) = delete;

  /// Records the call on tensors of Input(); gives the symbolic results.
  static Tensors record(const Layer& layer, const CallArguments& arguments);
  /// Builds the layer where needed; the tensors cast to its compute dtype.
  Tensors enter(const Tensors& tensors);
  void leave(const Tensors& results);
  bool training() const;
  /// In a catch block: throws the current exception again, with the layer's path in front.
  [[noreturn]] void rethrow() const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

namespace detail {

STRATA_API bool any_recorded(const Tensors& tensors);
[[noreturn]] STRATA_API void throw_argument_count(const Layer& layer, std::size_t given, std::size_t most);
[[noreturn]] STRATA_API void throw_opaque_argument(std::size_t index);
template <class T>
concept TensorParameter = std::same_as<T, Tensor> || std::same_as<T, std::optional<Tensor>>;

template <class T>
CallArguments::Argument to_argument(const T& v) {
  using Kind = CallArguments::Argument::Kind;
  if constexpr (std::same_as<T, Tensor>)
    return {v.defined() ? Kind::tensor : Kind::none, v.defined() ? Tensors{v} : Tensors{}, {}};
  else if constexpr (std::same_as<T, std::optional<Tensor>>)
    return {v ? Kind::tensor : Kind::none, v ? Tensors{*v} : Tensors{}, {}};
  else if constexpr (std::same_as<T, Tensors>)
    return {Kind::tensors, v, {}};
  else if constexpr (std::convertible_to<const T&, Config::Value>)
    return {Kind::value, {}, v};
  else
    return {Kind::opaque, {}, {}};
}

template <class T>
T from_argument(const CallArguments::Argument& a, std::size_t index) {
  using Kind = CallArguments::Argument::Kind;
  if (a.kind == Kind::opaque) throw_opaque_argument(index);
  if constexpr (std::same_as<T, Tensor>)
    return a.tensors.empty() ? Tensor() : a.tensors[0];
  else if constexpr (std::same_as<T, std::optional<Tensor>>)
    return a.tensors.empty() ? std::optional<Tensor>() : std::optional<Tensor>(a.tensors[0]);
  else if constexpr (std::same_as<T, Tensors>)
    return a.tensors;
  else if constexpr (std::convertible_to<const T&, Config::Value>)
    return Config::ConfigReader<T>::read(a.value, "argument");
  else
    throw_opaque_argument(index);
}

/// A result of type R from its tensors, in order.
template <class R>
R from_tensors(const Tensors& tensors) {
  if constexpr (std::same_as<R, Tensors> || std::same_as<R, Outputs>)
    return R(tensors);
  else
    return rebuild_tensors(R{}, tensors);
}

}  // namespace detail
}  // namespace strata
