#include "graph/packed_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace strata {
namespace {

TEST(PackedMemory, PiecesAreAlignedApartAndOutliveIt) {
  std::vector<std::pair<std::shared_ptr<void>, std::size_t>> pieces;
  {
    PackedMemory memory;
    for (const std::size_t bytes : {1u, 64u, 65u, 4000u, 5000u, 100u, 300000u, 64u, 0u, 70000u}) {
      pieces.emplace_back(memory.take(bytes), bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces.back().first.get()) % 64, 0u);
    }
  }
  for (std::size_t i = 0; i < pieces.size(); ++i)
    std::memset(pieces[i].first.get(), static_cast<int>(i), pieces[i].second);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t at = 0; at < pieces[i].second; ++at)
      ASSERT_EQ(static_cast<std::size_t>(static_cast<unsigned char*>(pieces[i].first.get())[at]), i);
}

TEST(PackedMemory, GrowsWithWhatItHolds) {
  PackedMemory memory;
  const std::size_t before = detail::pool_bytes_in_use();
  std::vector<std::shared_ptr<void>> pieces;
  for (int i = 0; i < 100; ++i) pieces.push_back(memory.take(10000));
  const std::size_t used = detail::pool_bytes_in_use() - before;
  EXPECT_GE(used, 1000000u);
  EXPECT_LE(used, 2500000u);
}

}  // namespace
}  // namespace strata
