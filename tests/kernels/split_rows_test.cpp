// Rows of products that are used as they are made, where the machine has AMX.
#include "kernels/split_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/tensor_data.h"
#include "kernels/amx.h"
#include "kernels/matmul.h"
#include "tests/support/random_floats.h"

namespace strata::kernels {
namespace {

using Floats = std::vector<float>;
using test::random_floats;

// Keeps the rows, and calls for `calls` steps of the next ones before it does.
class Keeper final : public RowsUser {
 public:
  Keeper(Floats& to, std::int64_t n, int calls) : to_(to), n_(n), calls_(calls) {}
  void use(std::int64_t first_row, std::int64_t rows, const float* sums, const Between& between) override {
    for (int i = 0; i < calls_ && between.step != nullptr; ++i) between.step(between.work);
    std::copy_n(sums, rows * n_, to_.begin() + first_row * n_);
    used += rows;
  }
  std::int64_t used = 0;

 private:
  Floats& to_;
  std::int64_t n_;
  int calls_;
};

class SplitRows : public testing::Test {
 protected:
  void SetUp() override {
    if (!amx::available()) GTEST_SKIP() << "this machine has no AMX";
  }
};

Floats rows_of(const MatmulSize& s, const Floats& a, const Floats& b, Share rows, int calls) {
  const SplitGemm g = as_split(s);
  const detail::Buffer room(split_rows_room(g));
  Floats found(static_cast<std::size_t>(s.m * s.n));
  Keeper keeper(found, s.n, calls);
  split_rows(g, a.data(), b.data(), rows, static_cast<std::byte*>(room.data()), keeper);
  EXPECT_EQ(keeper.used, rows.end - rows.begin);
  return found;
}

Floats whole(const MatmulSize& s, const Floats& a, const Floats& b) {
  Floats found(static_cast<std::size_t>(s.m * s.n));
  const std::int64_t zero[] = {0};
  matmul(DType::float32, s, a.data(), zero, b.data(), zero, found.data());
  return found;
}

TEST_F(SplitRows, AreThoseOfTheProduct) {
  for (const MatmulSize& s : {MatmulSize{784, 128, 32, true, false},
                              {160, 48, 60, true, false},
                              {96, 64, 90, false, true},
                              {110, 80, 125, false, false},
                              {200, 112, 64, true, true}}) {
    ASSERT_TRUE(split_rows_pays(s.m, s.n, s.k)) << s.m;
    const Floats a = random_floats(s.m * s.k, 1), b = random_floats(s.k * s.n, 2), wanted = whole(s, a, b);
    for (const Share rows : {Share{0, s.m}, {16, s.m}, {48, 64}, {32, 33}, {40, 40}})
      for (const int calls : {0, 5, 1000}) {
        const Floats found = rows_of(s, a, b, rows, calls);
        for (std::int64_t i = rows.begin * s.n; i < rows.end * s.n; ++i)
          ASSERT_EQ(found[static_cast<std::size_t>(i)], wanted[static_cast<std::size_t>(i)])
              << s.m << " rows, element " << i << ", " << calls << " steps";
      }
  }
}

TEST_F(SplitRows, ProductsThatTakeTooMuchRoomAreMadeElsewhere) {
  EXPECT_FALSE(split_rows_pays(4096, 4096, 64));
  EXPECT_FALSE(split_rows_pays(1024, 64, 100000));
  EXPECT_FALSE(split_rows_pays(1024, 72, 64)) << "columns must be whole tiles";
  EXPECT_FALSE(split_rows_pays(64, 1024, 64)) << "wide ones are cut by columns";
}

TEST_F(SplitRows, InfinitiesAndNansStayInTheirRows) {
  const MatmulSize s{160, 48, 60, true, false};
  Floats a = random_floats(s.m * s.k, 1), b = random_floats(s.k * s.n, 2);
  const Floats finite = whole(s, a, b);
  a[5 * 160 + 70] = std::numeric_limits<float>::quiet_NaN();  // row 70
  a[7 * 160 + 71] = std::numeric_limits<float>::infinity();   // row 71
  const Floats found = rows_of(s, a, b, {0, s.m}, 5);
  for (std::int64_t i = 0; i < s.m; ++i)
    for (std::int64_t j = 0; j < s.n; ++j) {
      const float x = found[static_cast<std::size_t>(i * s.n + j)];
      if (i == 70)
        ASSERT_TRUE(std::isnan(x));
      else if (i == 71)
        ASSERT_TRUE(std::isinf(x));
      else
        ASSERT_NEAR(x, finite[static_cast<std::size_t>(i * s.n + j)], 1e-4) << i << " " << j;
    }
  b[3 * 48 + 17] = std::numeric_limits<float>::infinity();  // column 17
  const Floats all = rows_of(s, a, b, {0, s.m}, 5);
  for (std::int64_t i = 0; i < s.m; ++i)
    for (std::int64_t j = 0; j < s.n; ++j)
      ASSERT_EQ(std::isfinite(all[static_cast<std::size_t>(i * s.n + j)]), j != 17 && i != 70 && i != 71)
          << i << " " << j;
}

}  // namespace
}  // namespace strata::kernels
