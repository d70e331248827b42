#include "core/generator.h"

#include <gtest/gtest.h>

#include <set>

#include "kernels/philox.h"
#include "strata/random.h"

namespace strata {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Generator, IsPhilox4x32WithTenRounds) {
  // The known answers of Random123.
  EXPECT_EQ((RandomStream{0, 0}.block(0)), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ((RandomStream{~0ull, ~0ull}.block(~0ull)), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ((RandomStream{0x299f31d0a4093822, 0x0370734413198a2e}.block(0x85a308d3243f6a88)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Generator, ManyBlocksAtOnceAreTheSame) {
  const RandomStream stream{0x123456789abcdef0, 0xfedcba9876543210};
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xfffffff9}, ~std::uint64_t{0} - 5})
    for (const std::size_t count : {0, 1, 3, 4, 8, 15, 16, 100}) {
      std::vector<std::uint32_t> words(4 * count + 1, 7);
      kernels::philox_blocks(stream, first, count, words.data());
      for (std::size_t b = 0; b < count; ++b)
        for (std::size_t i = 0; i < 4; ++i)
          EXPECT_EQ(words[4 * b + i], stream.block(first + b)[i]) << first << " " << b;
      EXPECT_EQ(words.back(), 7u);
    }
}

TEST(Generator, ASeedRepeatsTheStreams) {
  utils::set_random_seed(7);
  const Words first = next_stream().block(3), second = next_stream().block(3);
  EXPECT_NE(first, second);
  utils::set_random_seed(7);
  EXPECT_EQ(next_stream().block(3), first);
  EXPECT_EQ(next_stream().block(3), second);
  utils::set_random_seed(8);
  EXPECT_NE(next_stream().block(3), first);
}

TEST(Generator, ItsStateCanBeKept) {
  utils::set_random_seed(1);
  next_stream();
  const GeneratorState kept = generator_state();
  const Words expected = next_stream().block(0);
  next_stream();
  set_generator_state(kept);
  EXPECT_EQ(next_stream().block(0), expected);
}

TEST(Generator, SeedsOfCallsAreApartFromEachOtherAndFromTheGlobalOne) {
  std::set<Words> seen;
  for (std::int64_t seed = -5; seed < 5; ++seed) {
    EXPECT_EQ(seeded_stream(seed).block(0), seeded_stream(seed).block(0));
    seen.insert(seeded_stream(seed).block(0));
    utils::set_random_seed(seed);
    seen.insert(next_stream().block(0));
  }
  EXPECT_EQ(seen.size(), 20u);
}

}  // namespace
}  // namespace strata
