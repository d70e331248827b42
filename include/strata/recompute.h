/// \file
/// recompute_grad(): gradients that compute a block again instead of keeping what it computed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "strata/structure.h"
#include "strata/tensor.h"

namespace strata {

namespace detail {
/// Calls the block on tensors; flat results.
using BlockCallback = Tensors (*)(const void* block, const Tensors& inputs);
/// Runs the block and lets the open tapes know it as one operation, whose gradient runs it again.
STRATA_API Tensors run_recomputed(const Tensors& inputs, std::shared_ptr<const void> block, BlockCallback call);

template <class F, class Result>
struct RecomputedBlock {
  std::shared_ptr<const F> f;
  mutable std::optional<Result> prototype;  // of the first run: what the tensors of later ones are put into

  template <std::size_t... I>
  Tensors run(const Tensors& inputs, std::index_sequence<I...>) const {
    const Result result = (*f)(inputs[I]...);
    const Tensors flat = flatten_tensors(result);
    if (!prototype) prototype = rebuild_tensors(result, Tensors(flat.size()));
    return flat;
  }
  template <std::size_t N>
  static Tensors call(const void* block, const Tensors& inputs) {
    return static_cast<const RecomputedBlock*>(block)->run(inputs, std::make_index_sequence<N>());
  }
};
}  // namespace detail

/// As TensorFlow's tf.recompute_grad: a function with the results and gradients of `f`, whose tensors inside are not
/// kept for the gradient but computed again when it is taken. It trades time (one more forward pass of the block) for
/// memory. `f` takes tensors and returns a tensor, or whatever function() can return; layers and models are such
/// functions. Variables that it reads get their gradients; what it does to variables (moving statistics) happens once.
/// Throws ValueError where it draws random numbers without a seed of their own, which would be others the second time.
///
///     Tensor call(const Tensor& x) const { return recompute_grad(block)(x); }
template <class F>
auto recompute_grad(F f) {
  return [f = std::make_shared<const F>(std::move(f))](const auto&... inputs) {
    using Block = detail::RecomputedBlock<F, std::remove_cvref_t<decltype((*f)(inputs...))>>;
    const auto block = std::make_shared<const Block>(Block{f, {}});
    const Tensors outputs = detail::run_recomputed({inputs...}, block, &Block::template call<sizeof...(inputs)>);
    return detail::rebuild_tensors(*block->prototype, outputs);
  };
}

}  // namespace strata
