/// \file
/// CustomLayer: write a layer as a class with a `call`, and use it as any other.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/call.h"
#include "strata/layer.h"
#include "strata/structure.h"

namespace strata {

/// What CustomLayer and CustomModel share: from a typed `call` to a layer.
template <class Self, class Base>
class STRATA_API Custom : public Base {
 public:
  Custom() { this->set_class_name(detail::class_name_of<Self>()); }
  Custom(const Custom& other) : Base(other, typename Base::Share{}) {}
  Custom& operator=(const Custom& other) {
    this->share(other);
    return *this;
  }

  /// Calls the layer with the arguments of `call`; `training = true` or a bool may follow.
  template <class... A>
  requires(sizeof...(A) > 0) auto operator()(const A&... a) const {
    if constexpr (ends_with_training<A...>()) {
      return without_last(std::make_index_sequence<sizeof...(A) - 1>{}, std::tie(a...));
    } else {
      return convert_and_run(std::optional<bool>(), a...);
    }
  }
  template <class = void>  // for layers on a list alone
  auto operator()(std::initializer_list<Tensor> tensors) const {
    return convert_and_run(std::optional<bool>(), Tensors(tensors));
  }
  template <class = void>
  auto operator()(std::initializer_list<Tensor> tensors, Training training) const {
    return convert_and_run(std::optional<bool>(training.value), Tensors(tensors));
  }

  /// The same layer with weights of its own, made from its configuration.
  Self clone() const {
    if constexpr (has_own_config() && requires(const Config& c) { Self::from_config(c); }) {
      return Self::from_config(self_ref().get_config());
    } else {
      static_assert(std::default_initializable<Self>,
                    "clone() of a layer whose constructor takes arguments needs get_config and from_config");
      return Self();
    }
  }

 protected:
  std::shared_ptr<const Layer> self() const override { return std::make_shared<Self>(self_ref()); }

  Tensors call_erased(const CallArguments& arguments) const override {
    return call_with_count(spread(arguments), std::make_index_sequence<kParameters + 1>{});
  }
  void build_erased(const std::vector<Shape>& shapes) const override {
    if constexpr (has_own_build()) {
      using Parameters = typename detail::CallableTraits<decltype(&Self::build)>::Parameters;
      if constexpr (std::same_as<Parameters, std::tuple<std::vector<Shape>>>)
        self_ref().build(shapes);
      else
        build_with(shapes, std::make_index_sequence<std::tuple_size_v<Parameters>>{});
    }
  }
  Config own_config() const override {
    if constexpr (has_own_config())
      return self_ref().get_config();
    else if constexpr (std::default_initializable<Self>)
      return {};
    else
      throw ValueError(this->class_name() + " '" + this->path() +
                       "' cannot be saved with its configuration: its constructor takes arguments, and it has no "
                       "get_config(). Add `Config get_config() const` and `static " +
                       this->class_name() + " from_config(const Config&)`.");
  }
  Layer clone_erased() const override {
    if constexpr (has_own_config() || std::default_initializable<Self>)
      return clone();
    else
      throw ValueError(this->class_name() + " '" + this->path() +
                       "' cannot be cloned: its constructor takes arguments, and it has no get_config().");
  }

 private:
  // Self is complete only inside member functions, so the signature is looked up there.
  template <class S>
  struct Signature {
    static_assert(
        requires { &S::call; }, "call must be one public function, neither overloaded nor a template");
    using Traits = detail::CallableTraits<decltype(&S::call)>;
    static_assert(Traits::is_const,
                  "declare call as const: Tensor call(const Tensor& x) const; copies share the object");
    using Parameters = typename Traits::Parameters;
    static constexpr std::size_t size = std::tuple_size_v<Parameters>;
    static constexpr bool has_training() {
      if constexpr (size == 0)
        return false;
      else
        return std::same_as<std::tuple_element_t<size - 1, Parameters>, bool> || takes_keyword();
    }
    static constexpr bool takes_keyword() { return std::same_as<std::tuple_element_t<size - 1, Parameters>, Training>; }
    static auto flag(bool training) {
      if constexpr (takes_keyword())
        return Training{training};
      else
        return training;
    }
    static constexpr std::size_t arguments = size - (has_training() ? 1 : 0);
    template <std::size_t I>
    using Parameter = std::tuple_element_t<I, Parameters>;
    using Result = std::remove_cvref_t<typename Traits::Result>;
  };
  static constexpr std::size_t kParameters = 8;  // erased calls take at most this many

  const Self& self_ref() const { return static_cast<const Self&>(*this); }

  template <class... A>
  static constexpr bool ends_with_training() {
    using Last = std::tuple_element_t<sizeof...(A) - 1, std::tuple<A...>>;
    return std::same_as<Last, Training> || std::same_as<Last, bool>;
  }
  static bool value_of(Training t) { return t.value; }
  static bool value_of(bool t) { return t; }

  template <std::size_t... I, class T>
  auto without_last(std::index_sequence<I...>, const T& all) const {
    return convert_and_run(std::optional<bool>(value_of(std::get<sizeof...(I)>(all))), std::get<I>(all)...);
  }

  // Each argument converted to the type that `call` declares.
  template <class... A>
  auto convert_and_run(std::optional<bool> training, const A&... a) const {
    using S = Signature<Self>;
    static_assert(sizeof...(A) <= S::arguments, "more arguments than `call` takes");
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return run(std::tuple<typename S::template Parameter<I>...>(static_cast<typename S::template Parameter<I>>(a)...),
                 training);
    }
    (std::index_sequence_for<A...>{});
  }

  template <class Values>
  auto run(const Values& values, std::optional<bool> training) const {
    using Result = typename Signature<Self>::Result;
    const Tensors tensors = detail::flatten_tensors(values);
    if (detail::any_recorded(tensors))
      return detail::from_tensors<Result>(CallFrame::record(*this, to_arguments(values, training)));
    CallFrame frame(*this, training);
    try {
      const Tensors prepared = frame.enter(tensors);
      Result result = call_self(detail::rebuild_tensors(values, prepared), frame.training());
      frame.leave(detail::flatten_tensors(result));
      return result;
    } catch (const Error&) {
      frame.rethrow();
    }
  }

  template <class... V>
  auto call_self(const std::tuple<V...>& values, [[maybe_unused]] bool training) const {
    using S = Signature<Self>;
    return std::apply(
        [&](const V&... v) {
          if constexpr (!S::has_training()) {
            return self_ref().call(v...);
          } else if constexpr (sizeof...(V) == S::arguments) {
            return self_ref().call(v..., S::flag(training));
          } else {
            return call_filled(training, std::make_index_sequence<S::arguments - sizeof...(V)>{}, v...);
          }
        },
        values);
  }
  // Optional tensors between the given arguments and `training` are left out.
  template <std::size_t... I, class... V>
  auto call_filled(bool training, std::index_sequence<I...>, const V&... v) const {
    using S = Signature<Self>;
    return self_ref().call(v..., typename S::template Parameter<sizeof...(V) + I>{}..., S::flag(training));
  }

  template <class... V>
  static CallArguments to_arguments(const std::tuple<V...>& values, std::optional<bool> training) {
    CallArguments out;
    std::apply([&](const V&... v) { (out.arguments.push_back(detail::to_argument(v)), ...); }, values);
    out.training = training;
    return out;
  }

  // Flat tensors spread over the parameters: all to a list, else one to each.
  CallArguments spread(const CallArguments& arguments) const {
    if (!arguments.is_flat) return arguments;
    using S = Signature<Self>;
    CallArguments out;
    out.training = arguments.training;
    if constexpr (S::arguments > 0) {
      if constexpr (std::same_as<typename S::template Parameter<0>, Tensors>) {
        out.arguments.push_back(detail::to_argument(arguments.flat));
        return out;
      }
    }
    if (arguments.flat.size() > S::arguments) detail::throw_argument_count(*this, arguments.flat.size(), S::arguments);
    for (const Tensor& t : arguments.flat) out.arguments.push_back(detail::to_argument(t));
    return out;
  }

  template <std::size_t... N>
  Tensors call_with_count(const CallArguments& arguments, std::index_sequence<N...>) const {
    Tensors out;
    bool done = false;
    ((arguments.arguments.size() == N && (done = try_count<N>(arguments, out))) || ...);
    if (!done) detail::throw_argument_count(*this, arguments.arguments.size(), Signature<Self>::arguments);
    return out;
  }
  template <std::size_t N>
  bool try_count(const CallArguments& arguments, Tensors& out) const {
    using S = Signature<Self>;
    if constexpr (N > 0 && N <= S::arguments) {
      if constexpr (callable_with<N>(std::make_index_sequence<N>{})) {
        out = [&]<std::size_t... I>(std::index_sequence<I...>) {
          return detail::flatten_tensors(
              run(std::tuple<typename S::template Parameter<I>...>(
                      detail::from_argument<typename S::template Parameter<I>>(arguments.arguments[I], I)...),
                  arguments.training));
        }
        (std::make_index_sequence<N>{});
        return true;
      }
    }
    return false;
  }
  template <std::size_t N, std::size_t... I>
  static constexpr bool callable_with(std::index_sequence<I...>) {
    using S = Signature<Self>;
    if constexpr (S::has_training() && N < S::arguments)
      return fillable<N>(std::make_index_sequence<S::arguments - N>{});
    else if constexpr (S::has_training())
      return true;
    else
      return requires(const Self& s, const typename S::template Parameter<I>&... v) { s.call(v...); };
  }
  template <std::size_t N, std::size_t... I>
  static constexpr bool fillable(std::index_sequence<I...>) {
    return (detail::IsOptional<typename Signature<Self>::template Parameter<N + I>>::value && ...);
  }

  static constexpr bool has_own_build() {
    if constexpr (requires { &Self::build; })
      return std::derived_from<Self, typename detail::CallableTraits<decltype(&Self::build)>::Class> &&
             !std::derived_from<Base, typename detail::CallableTraits<decltype(&Self::build)>::Class>;
    else
      return false;
  }
  static constexpr bool has_own_config() {
    return requires(const Self& s) {
      { s.get_config() } -> std::convertible_to<Config>;
      requires !std::same_as<decltype(&Self::get_config), Config (Layer::*)() const>;
    };
  }
  template <std::size_t... I>
  void build_with(const std::vector<Shape>& shapes, std::index_sequence<I...>) const {
    self_ref().build((I < shapes.size() ? shapes[I] : Shape{})...);
  }
};

/// A layer of one's own. `call` is one public const function; weights are declared with weight() and created in an
/// optional `build(const Shape&) const`; layers inside are declared with track().
///
///     class Scale : public CustomLayer<Scale> {
///      public:
///       void build(const Shape& input) const { gain_.create({input.back()}, {.initializer = "ones"}); }
///       Tensor call(const Tensor& x) const { return x * gain_; }
///      private:
///       Variable gain_ = weight("gain");
///     };
template <class Self, class Base = Layer>
class STRATA_API CustomLayer : public Custom<Self, Base> {};

}  // namespace strata
