// The shuffles of this process: what determines the order of their next pass.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "strata/export.h"

namespace strata::data::detail {

// Of one shuffle, which owns it. Numbers count the shuffles that were made, so that a program that is started again
// finds its own.
struct OrderState {
  std::uint64_t number = 0;
  std::atomic<std::uint64_t> seed = 0, passes = 0;
};

// Makes the state of a new shuffle and registers it for as long as it lives.
std::shared_ptr<OrderState> new_order_state(std::uint64_t seed);

// {number, seed, passes} of each shuffle that is alive, and the way back; numbers that are unknown are passed over.
STRATA_API std::vector<std::int64_t> order_states();
STRATA_API void set_order_states(const std::vector<std::int64_t>& states);

}  // namespace strata::data::detail
