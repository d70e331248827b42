#include "core/generator.h"

#include <Random123/philox.h>

#include <mutex>
#include <random>

#include "strata/random.h"

namespace strata {

namespace {

std::mutex mutex;

GeneratorState& state() {
  static GeneratorState global = [] {
    std::random_device device;
    return GeneratorState{static_cast<std::uint64_t>(device()) << 32 | device(), 0};
  }();
  return global;
}

// SplitMix64's mixing step: seeds that differ in one bit give unrelated keys.
std::uint64_t mixed(std::uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
  v = (v ^ v >> 27) * 0x94d049bb133111ebu;
  return v ^ v >> 31;
}

}  // namespace

std::array<std::uint32_t, 4> RandomStream::block(std::uint64_t index) const {
  auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const r123::Philox4x32::ctr_type counter = {{low(index), high(index), low(stream), high(stream)}};
  const r123::Philox4x32::key_type k = {{low(key), high(key)}};
  const auto out = r123::Philox4x32()(counter, k);
  return {out[0], out[1], out[2], out[3]};
}

namespace {
struct Element {
  bool active = false;
  std::uint64_t key = 0, next = 0;
};
thread_local Element element_streams;
}  // namespace

ElementStreams::ElementStreams(std::uint64_t pass_seed, std::uint64_t element)
    : outer_active_(element_streams.active), outer_key_(element_streams.key), outer_next_(element_streams.next) {
  element_streams = {true, mixed(pass_seed), element << 24};
}
ElementStreams::~ElementStreams() { element_streams = {outer_active_, outer_key_, outer_next_}; }
bool in_element_streams() { return element_streams.active; }

RandomStream next_stream() {
  if (element_streams.active) return {element_streams.key, element_streams.next++};
  const std::lock_guard lock(mutex);
  GeneratorState& s = state();
  return {s.key, s.next++};
}

// The constant keeps the streams of calls apart from those of a global generator with the same seed.
RandomStream seeded_stream(std::int64_t seed) {
  return {mixed(static_cast<std::uint64_t>(seed) ^ 0x5eed5eed5eed5eedu), 0};
}

std::uint64_t next_random_seed() {
  const auto words = next_stream().block(0);
  return static_cast<std::uint64_t>(words[0]) << 32 | words[1];
}

GeneratorState generator_state() {
  const std::lock_guard lock(mutex);
  return state();
}

void set_generator_state(const GeneratorState& new_state) {
  const std::lock_guard lock(mutex);
  state() = new_state;
}

namespace utils {
void set_random_seed(std::int64_t seed) { set_generator_state({mixed(static_cast<std::uint64_t>(seed)), 0}); }
}  // namespace utils

}  // namespace strata
