#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "core/tensor_data.h"

namespace strata::detail {
namespace {

std::uintptr_t address(const Buffer& b) { return reinterpret_cast<std::uintptr_t>(b.data()); }

TEST(Buffer, IsAlignedAndWritableToItsEnd) {
  for (std::size_t bytes : {0, 1, 63, 64, 65, 511, 512, 513, 575, 4095, 4096, 4097, 1 << 20, (4 << 20) - 1, 4 << 20,
                            (4 << 20) + 1, 9999999}) {
    const Buffer b(bytes);
    EXPECT_EQ(address(b) % 64, 0u) << bytes;
    EXPECT_EQ(b.bytes(), bytes);
    EXPECT_FALSE(b.is_foreign());
    std::memset(b.data(), 0xa5, bytes);
  }
}

TEST(Buffer, MemoryIsUsedAgain) {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{1} << 20, std::size_t{64} << 20}) {
    void* first = Buffer(bytes).data();
    EXPECT_EQ(Buffer(bytes).data(), first) << bytes;
  }
}

TEST(Buffer, ThePoolCountsAndGivesBackWhatIsNotNeeded) {
  for (int i = 0; i < 3; ++i) pool_next_window();
  EXPECT_EQ(pool_bytes_cached(), 0u);
  const std::size_t used = pool_bytes_in_use();
  {
    std::vector<std::unique_ptr<Buffer>> many;
    for (int i = 0; i < 10; ++i) many.push_back(std::make_unique<Buffer>(std::size_t{1} << 20));
    EXPECT_EQ(pool_bytes_in_use() - used, std::size_t{10} << 20);
  }
  EXPECT_EQ(pool_bytes_in_use(), used);
  EXPECT_EQ(pool_bytes_cached(), std::size_t{10} << 20);
  pool_next_window();
  EXPECT_EQ(pool_bytes_cached(), std::size_t{10} << 20) << "needed a moment ago";
  for (int i = 0; i < 4; ++i) Buffer(std::size_t{1} << 20);
  for (int i = 0; i < 2; ++i) pool_next_window();
  EXPECT_EQ(pool_bytes_cached(), std::size_t{1} << 20) << "lately one was enough";
}

TEST(Buffer, WastesAtMostAnEighth) {
  for (std::size_t bytes = 513; bytes < (std::size_t{1} << 24); bytes += bytes / 7) {
    const std::size_t before = pool_bytes_in_use();
    const Buffer b(bytes);
    const std::size_t taken = pool_bytes_in_use() - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + bytes / 8);
  }
}

TEST(Buffer, TooLargeIsAnErrorThatSaysSo) {
  EXPECT_THROW(Buffer(std::size_t{1} << 46), Error);
  EXPECT_THROW(Buffer(~std::size_t{0}), Error);
  EXPECT_THROW(allocate({std::int64_t{1} << 62}, float64), ShapeError);
}

TEST(Buffer, ForeignMemoryIsLeftAloneAndItsOwnerReleased) {
  auto owner = std::make_shared<std::vector<float>>(8, 1.f);
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    const Buffer b(owner->data(), 32, owner);
    owner.reset();
    EXPECT_TRUE(b.is_foreign());
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Buffer, ManyThreadsShareThePool) {
  const std::size_t used = pool_bytes_in_use();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      std::vector<std::unique_ptr<Buffer>> held;
      for (int i = 0; i < 2000; ++i) {
        auto b = std::make_unique<Buffer>(static_cast<std::size_t>((i * 37 + t * 11) % 5000 + 8));
        std::memset(b->data(), t, b->bytes());
        held.push_back(std::move(b));
        if (held.size() > 16) {
          const Buffer& oldest = *held.front();
          for (std::size_t k = 0; k < oldest.bytes(); ++k) ASSERT_EQ(static_cast<char*>(oldest.data())[k], t);
          held.erase(held.begin());
        }
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(pool_bytes_in_use(), used);
}

}  // namespace
}  // namespace strata::detail
