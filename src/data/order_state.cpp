#include "data/order_state.h"

#include <algorithm>
#include <mutex>

namespace strata::data::detail {

namespace {
struct Orders {
  std::mutex mutex;
  std::uint64_t next = 0;
  std::vector<std::weak_ptr<OrderState>> all;
};
Orders& orders() {
  static Orders global;
  return global;
}
}  // namespace

std::shared_ptr<OrderState> new_order_state(std::uint64_t seed) {
  auto state = std::make_shared<OrderState>();
  state->seed = seed;
  Orders& o = orders();
  std::lock_guard lock(o.mutex);
  state->number = o.next++;
  std::erase_if(o.all, [](const auto& weak) { return weak.expired(); });
  o.all.push_back(state);
  return state;
}

std::vector<std::int64_t> order_states() {
  Orders& o = orders();
  std::lock_guard lock(o.mutex);
  std::vector<std::int64_t> out;
  for (const auto& weak : o.all)
    if (const auto s = weak.lock())
      for (const std::uint64_t v : {s->number, s->seed.load(), s->passes.load()})
        out.push_back(static_cast<std::int64_t>(v));
  return out;
}

void set_order_states(const std::vector<std::int64_t>& states) {
  Orders& o = orders();
  std::lock_guard lock(o.mutex);
  for (const auto& weak : o.all)
    if (const auto s = weak.lock())
      for (std::size_t i = 0; i + 2 < states.size(); i += 3)
        if (static_cast<std::uint64_t>(states[i]) == s->number) {
          s->seed = static_cast<std::uint64_t>(states[i + 1]);
          s->passes = static_cast<std::uint64_t>(states[i + 2]);
        }
}

}  // namespace strata::data::detail
