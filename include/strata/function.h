/// \file
/// function(): turns a callable on tensors into a program that is traced once and run many times.
#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "strata/profile.h"
#include "strata/structure.h"
#include "strata/tensor.h"

namespace strata {

struct FunctionOptions {
  bool symbolic_batch = true;             ///< trace once for all sizes of the first dimension
  std::vector<std::string> disable = {};  ///< passes that are not run, by name ("all" for every one)
  std::string name = "function";
  bool inference = false;  ///< also run the passes for programs that train nothing: batch norm goes into the weights
};

namespace detail {
class FunctionCore;
/// Calls the user's function on symbolic tensors; leaves the structure of its result in `prototype`.
using TraceCallback = Tensors (*)(void* context, const Tensors& arguments, std::shared_ptr<void>& prototype);
STRATA_API std::shared_ptr<FunctionCore> make_function_core(const FunctionOptions& options);
/// Runs the trace for these arguments, tracing it first where there is none.
STRATA_API Tensors run_function(FunctionCore& core, const Tensors& arguments, const std::string& key,
                                TraceCallback callback, void* context, std::shared_ptr<void>& prototype);
/// True inside a trace (a function called there is part of it), on tensors of Input(), or where functions are set to
/// run eagerly.
STRATA_API bool functions_run_directly(const Tensors& arguments);
STRATA_API std::string explain_function(const FunctionCore& core);
STRATA_API int count_traces(const FunctionCore& core);
STRATA_API Profile profile_function(const FunctionCore& core);
}  // namespace detail

/// Makes all functions run their callable directly, to debug them. Of the whole process.
STRATA_API void run_functions_eagerly(bool eagerly);

/// What function() returns. Copies share the traces.
template <class F>
class Function {
 public:
  explicit Function(F f, const FunctionOptions& options = {})
      : f_(std::make_shared<F>(std::move(f))), core_(detail::make_function_core(options)) {}

  template <class... A>
  requires std::invocable<F&, const A&...>
  auto operator()(const A&... arguments) const {
    using Parameters = typename detail::CallableTraits<F>::Parameters;
    if constexpr (!std::is_void_v<Parameters>) {
      if constexpr (std::tuple_size_v<Parameters> == sizeof...(A))
        return call(Parameters(arguments...));
      else
        return call(std::tuple<A...>(arguments...));
    } else {
      return call(std::tuple<A...>(arguments...));
    }
  }

  /// The traces, what caused each, the passes and the graph, as text.
  std::string explain() const { return detail::explain_function(*core_); }
  /// Where the time of a call goes, for the shapes of the last one: of the second call with them, and of every 16th
  /// from then on, each step is measured. Throws ValueError where the function was not called yet, or only under a
  /// tape, where it runs op by op.
  Profile profile() const { return detail::profile_function(*core_); }
  int num_traces() const { return detail::count_traces(*core_); }
  /// For the engine.
  const std::shared_ptr<detail::FunctionCore>& core() const { return core_; }

 private:
  template <class Arguments>
  struct Call {
    F* f;
    const Arguments* arguments;
  };

  template <class Arguments>
  auto call(const Arguments& arguments) const {
    using R = decltype(std::apply(*f_, arguments));
    const Tensors tensors = detail::flatten_tensors(arguments);
    if (detail::functions_run_directly(tensors)) return std::apply(*f_, arguments);
    std::string key;
    detail::append_key(key, arguments);
    Call<Arguments> context{f_.get(), &arguments};
    std::shared_ptr<void> prototype;
    const Tensors results = detail::run_function(*core_, tensors, key, &trace<Arguments>, &context, prototype);
    if constexpr (!std::is_void_v<R>)
      return detail::rebuild_tensors(*static_cast<const std::remove_cvref_t<R>*>(prototype.get()), results);
  }

  template <class Arguments>
  static Tensors trace(void* context, const Tensors& symbolic, std::shared_ptr<void>& prototype) {
    const auto& c = *static_cast<const Call<Arguments>*>(context);
    const Arguments arguments = detail::rebuild_tensors(*c.arguments, symbolic);
    using R = decltype(std::apply(*c.f, arguments));
    if constexpr (std::is_void_v<R>) {
      std::apply(*c.f, arguments);
      return {};
    } else {
      auto result = std::make_shared<std::remove_cvref_t<R>>(std::apply(*c.f, arguments));
      prototype = result;
      return detail::flatten_tensors(*result);
    }
  }

  std::shared_ptr<F> f_;
  std::shared_ptr<detail::FunctionCore> core_;
};

/// Compiles a callable on tensors. The first call for each signature (dtypes, ranks and dimensions but the first, and
/// the values of arguments that are no tensors) runs it once on symbolic tensors and keeps the program; later calls run
/// the program. Tapes, optimizers, metrics and summaries work inside. What the callable does besides (printing with
/// std::cout, changing captured numbers) happens while tracing alone.
///
///     auto step = function([&](const Tensor& x, const Tensor& y) { ...; return loss; });
///     Tensor loss = step(x, y);
template <class F>
Function<std::decay_t<F>> function(F&& f, const FunctionOptions& options = {}) {
  return Function<std::decay_t<F>>(std::forward<F>(f), options);
}

}  // namespace strata
