#include "kernels/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace strata {
namespace {

TEST(Crc32, KnownAnswer) { EXPECT_EQ(crc32(0, "123456789", 9), 0xcbf43926u); }

TEST(Crc32, IsThatOfZlibAtEveryLengthAndContinued) {
  std::mt19937 random(3);
  std::string bytes(1500, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  for (std::size_t n = 0; n < 700; ++n) {
    const std::uint32_t before = n % 3 == 0 ? 0 : static_cast<std::uint32_t>(random());
    const auto want =
        static_cast<std::uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data() + n % 7), n));
    ASSERT_EQ(crc32(before, bytes.data() + n % 7, n), want) << n;
  }
}

}  // namespace
}  // namespace strata
