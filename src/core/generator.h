// Where random numbers come from: Philox4x32-10, a function of a key and a counter (Salmon et al., SC 2011). Each draw
// has a stream of its own, and each element its place in the stream, so that the numbers do not depend on threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "strata/export.h"

namespace strata {

// 2^64 blocks of four words.
struct RandomStream {
  std::uint64_t key = 0, stream = 0;
  STRATA_API std::array<std::uint32_t, 4> block(std::uint64_t index) const;
};

// The next stream of the global generator. Where utils::set_random_seed was not called, it starts from the system's
// entropy. Thread-safe.
STRATA_API RandomStream next_stream();
// The stream that belongs to the seed of one call: the same each time.
STRATA_API RandomStream seeded_stream(std::int64_t seed);
inline RandomStream stream_for(std::optional<std::int64_t> seed) { return seed ? seeded_stream(*seed) : next_stream(); }
// A number for generators of another kind, from the global one.
STRATA_API std::uint64_t next_random_seed();

// While it lives, this thread draws from streams that belong to one element of a pass over a data set, so that the
// numbers do not depend on which thread works on which element.
class STRATA_API ElementStreams {
 public:
  ElementStreams(std::uint64_t pass_seed, std::uint64_t element);
  ~ElementStreams();
  ElementStreams(const ElementStreams&) = delete;
  ElementStreams& operator=(const ElementStreams&) = delete;

 private:
  bool outer_active_;
  std::uint64_t outer_key_, outer_next_;
};
STRATA_API bool in_element_streams();

// The state of the global generator, for files that continue a training.
struct GeneratorState {
  std::uint64_t key = 0, next = 0;
};
STRATA_API GeneratorState generator_state();
STRATA_API void set_generator_state(const GeneratorState& state);

}  // namespace strata
