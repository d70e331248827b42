/// \file
/// The tensors inside a value: what function() and layers see of arguments and results. A tensor, a list, pair, tuple,
/// array or optional of such, or a struct whose `fields()` returns std::tie of its members.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/tensor.h"

namespace strata::detail {

template <class T>
struct IsTupleLike : std::false_type {};
template <class A, class B>
struct IsTupleLike<std::pair<A, B>> : std::true_type {};
template <class... A>
struct IsTupleLike<std::tuple<A...>> : std::true_type {};
template <class T, std::size_t N>
struct IsTupleLike<std::array<T, N>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
concept HasFields = requires(T& v) {
  v.fields();
};
/// A class of strata that visits its tensors itself: `template <class V> void visit_tensors(V&&)`.
template <class T>
concept VisitsTensors = requires(T& v) {
  v.visit_tensors([](Tensor&) {});
};

/// Calls visit(tensor) for each tensor in `value`, in order.
template <class T, class V>
void each_tensor(T& value, V&& visit) {
  using U = std::remove_cv_t<T>;
  if constexpr (std::same_as<U, Tensor>) {
    visit(value);
  } else if constexpr (VisitsTensors<T>) {
    value.visit_tensors(visit);
  } else if constexpr (IsVector<U>::value) {
    if constexpr (!std::is_arithmetic_v<typename U::value_type>)
      for (auto& v : value) each_tensor(v, visit);
  } else if constexpr (IsOptional<U>::value) {
    if (value) each_tensor(*value, visit);
  } else if constexpr (IsTupleLike<U>::value) {
    std::apply([&](auto&... v) { (each_tensor(v, visit), ...); }, value);
  } else if constexpr (HasFields<U>) {
    auto fields = const_cast<U&>(value).fields();
    std::apply([&](auto&... v) { (each_tensor(v, visit), ...); }, fields);
  }
}

template <class T>
Tensors flatten_tensors(const T& value) {
  Tensors out;
  each_tensor(const_cast<T&>(value), [&](Tensor& t) { out.push_back(t); });
  return out;
}

/// `value` with its tensors replaced, in order, by `tensors`.
template <class T>
T rebuild_tensors(const T& value, const Tensors& tensors) {
  T out = value;
  std::size_t next = 0;
  each_tensor(out, [&](Tensor& t) {
    if (next < tensors.size()) t = tensors[next];
    ++next;
  });
  return out;
}

/// Appends to `key` what of `value` is no tensor: numbers and strings by value, lists by length.
template <class T>
void append_key(std::string& key, const T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    if constexpr (std::is_enum_v<T>)
      key += std::to_string(static_cast<long long>(value));
    else
      key += std::to_string(value);
    key += ';';
  } else if constexpr (std::convertible_to<T, std::string>) {
    const std::string text = value;
    key += std::to_string(text.size()) + ':' + text + ';';
  } else if constexpr (std::same_as<T, Tensor> || VisitsTensors<T>) {
    key += 't';
  } else if constexpr (IsVector<T>::value) {
    key += '[' + std::to_string(value.size());
    for (const auto& v : value) append_key(key, v);
    key += ']';
  } else if constexpr (IsOptional<T>::value) {
    key += value ? '?' : '!';
    if (value) append_key(key, *value);
  } else if constexpr (IsTupleLike<T>::value) {
    std::apply([&](const auto&... v) { (append_key(key, v), ...); }, value);
  } else if constexpr (HasFields<T>) {
    auto fields = const_cast<T&>(value).fields();
    std::apply([&](const auto&... v) { (append_key(key, v), ...); }, fields);
  } else {
    static_assert(sizeof(T) == 0,
                  "function() takes tensors, numbers, strings, lists, pairs, tuples, and structs with fields()");
  }
}

/// The parameter types of a callable that has just one operator(); void where they cannot be told.
template <class F>
struct CallableTraits {
  using Parameters = void;
};
template <class C, class R, class... A>
struct CallableTraits<R (C::*)(A...) const> {
  using Parameters = std::tuple<std::remove_cvref_t<A>...>;
  using Result = R;
  using Class = C;
  static constexpr bool is_const = true;
};
template <class C, class R, class... A>
struct CallableTraits<R (C::*)(A...) const noexcept> : CallableTraits<R (C::*)(A...) const> {};
template <class C, class R, class... A>
struct CallableTraits<R (C::*)(A...)> : CallableTraits<R (C::*)(A...) const> {
  static constexpr bool is_const = false;
};
template <class R, class... A>
struct CallableTraits<R (*)(A...)> {
  using Parameters = std::tuple<std::remove_cvref_t<A>...>;
  using Result = R;
};
template <class F>
requires requires { &F::operator(); }
struct CallableTraits<F> : CallableTraits<decltype(&F::operator())> {};

}  // namespace strata::detail
