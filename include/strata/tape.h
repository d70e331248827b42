/// \file
/// Automatic differentiation: GradientTape, stop_gradient and custom_gradient.
#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/structure.h"
#include "strata/tensor.h"
#include "strata/variable.h"

namespace strata {

namespace detail {
class TapeImpl;
using GradientCallback = Tensors (*)(const void* function, const Tensors& grads);
STRATA_API Tensors record_custom_gradient(const Tensors& inputs, const Tensors& outputs,
                                          std::shared_ptr<const void> function, GradientCallback callback);
template <class Gradient, class Result>
Tensors call_custom_gradient(const void* function, const Tensors& grads) {
  const Gradient& gradient = *static_cast<const Gradient*>(function);
  if constexpr (std::same_as<Result, Tensor> && std::invocable<const Gradient&, const Tensor&>)
    return flatten_tensors(gradient(grads[0]));
  else
    return flatten_tensors(gradient(grads));
}
/// While it lives, no tape of this thread records.
class STRATA_API RecordingPause {
 public:
  RecordingPause();
  ~RecordingPause();
  RecordingPause(const RecordingPause&) = delete;
  RecordingPause& operator=(const RecordingPause&) = delete;
};
}  // namespace detail

/// What a gradient is taken with respect to: a variable, or a tensor that was watched or computed from watched ones.
struct STRATA_API Source {
  Source(const Tensor& tensor) : tensor(tensor) {}
  Source(const Variable& variable) : variable(variable), is_variable(true) {}
  Tensor tensor;
  Variable variable;
  bool is_variable = false;
};

struct TapeOptions {
  bool persistent = false;               ///< gradient() may be called more than once
  bool watch_accessed_variables = true;  ///< trainable variables are watched when they are read
};

struct GradientOptions {
  std::string unconnected_gradients =
      "error";                    ///< or "zero", or "none" for an undefined tensor: of a source without influence
  Tensors output_gradients = {};  ///< the gradients that flow into the targets; ones by default
};

/// Records the operations of this thread on watched tensors while it lives, and differentiates them.
///
///     GradientTape tape;
///     Tensor loss = reduce_mean(square(matmul(x, w) + b));
///     auto [dw, db] = tape.gradient(loss, w, b);
///
/// Without `persistent`, gradient() may be called once, ends the recording and releases what was recorded. A persistent
/// tape goes on recording, its own gradient computations included (which higher derivatives need), until it is stopped
/// or destroyed.
class STRATA_API GradientTape {
 public:
  GradientTape(TapeOptions options = {});
  ~GradientTape();
  GradientTape(const GradientTape&) = delete;
  GradientTape& operator=(const GradientTape&) = delete;

  /// Makes a tensor a source. Throws DTypeError unless it is floating.
  void watch(const Tensor& tensor);
  void watch(const Variable& variable);

  /// d target / d source, with the source's shape; of a target with several elements, of their sum. Throws
  /// GradientError where the source does not influence the target, and says why.
  Tensor gradient(const Tensor& target, const Source& source, const GradientOptions& options = {});
  Tensors gradient(const Tensor& target, const std::vector<Variable>& sources, const GradientOptions& options = {});
  Tensors gradient(const Tensor& target, const Tensors& sources, const GradientOptions& options = {});
  Tensors gradient(const Tensor& target, std::initializer_list<Source> sources, const GradientOptions& options = {});
  Tensors gradient(const Tensors& targets, const std::vector<Variable>& sources, const GradientOptions& options = {});
  Tensors gradient(const Tensors& targets, std::initializer_list<Source> sources, const GradientOptions& options = {});
  template <class... S>
  requires(sizeof...(S) > 1 &&
           (std::convertible_to<S, Source> && ...)) std::array<Tensor, sizeof...(S)> gradient(const Tensor& target,
                                                                                              const S&... sources) {
    const Tensors all = gradient(target, {Source(sources)...});
    std::array<Tensor, sizeof...(S)> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = all[i];
    return out;
  }
  /// The matrix of all derivatives: shape target.shape + source.shape. One backward pass for each element.
  Tensor jacobian(const Tensor& target, const Source& source, const GradientOptions& options = {});

  /// Forgets all that was recorded and watched, and records again.
  void reset();
  /// What happens while the returned object lives is not recorded on any tape of this thread.
  [[nodiscard]] detail::RecordingPause stop_recording() { return detail::RecordingPause(); }
  std::vector<Variable> watched_variables() const;
  /// The bytes of the tensors that it keeps.
  std::size_t bytes() const;

 private:
  std::unique_ptr<detail::TapeImpl> impl_;
};

/// The value of x, through which no gradient flows.
STRATA_API Tensor stop_gradient(const Tensor& x);

/// A function with a gradient of its own. `f` takes tensors and returns {result, gradient}, where `gradient` takes the
/// gradient of the result and returns that of the argument (or Tensors, one for each argument):
///
///     auto clipped = custom_gradient([](const Tensor& x) {
///       return std::pair{x, [](const Tensor& dy) { return clip(dy, -1.f, 1.f); }};
///     });
template <class F>
auto custom_gradient(F f) {
  return [f](const auto&... inputs) {
    auto [result, gradient] = [&] {
      detail::RecordingPause pause;
      return f(inputs...);
    }();
    using Gradient = std::remove_cvref_t<decltype(gradient)>;
    using Result = std::remove_cvref_t<decltype(result)>;
    const Tensors outputs = detail::record_custom_gradient({inputs...}, detail::flatten_tensors(result),
                                                           std::make_shared<const Gradient>(gradient),
                                                           &detail::call_custom_gradient<Gradient, Result>);
    return detail::rebuild_tensors(result, outputs);
  };
}

}  // namespace strata
