// Calls of recurrent layers whose states and mask are given by name.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "strata/error.h"
#include "strata/layers/recurrent.h"

namespace strata::layers {

// `layer(x, state..., mask)` with what is given, for a layer whose call takes `States` of them.
template <std::size_t States, class L>
Outputs call_by_name(const L& layer, const Tensor& x, const RecurrentArguments& arguments) {
  const std::size_t given = arguments.initial_state.size();
  if (given > States)
    throw ValueError(layer.class_name() + " '" + layer.path() + "': received " + std::to_string(given) +
                     " initial states, expected at most " + std::to_string(States) + ".");
  const auto call = [&](const auto&... a) {
    return arguments.training ? layer(a..., *arguments.training) : layer(a...);
  };
  if (arguments.mask) {
    std::array<std::optional<Tensor>, States> states;
    std::copy(arguments.initial_state.begin(), arguments.initial_state.end(), states.begin());
    return std::apply([&](const auto&... state) { return call(x, state..., arguments.mask); }, states);
  }
  const auto with_first = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return call(x, arguments.initial_state[I]...);
  };
  Outputs out;
  [&]<std::size_t... N>(std::index_sequence<N...>) {
    (void)((given == N && (out = with_first(std::make_index_sequence<N>()), true)) || ...);
  }
  (std::make_index_sequence<States + 1>());
  return out;
}

}  // namespace strata::layers
