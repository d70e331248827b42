#include "strata/version.h"

#include <gtest/gtest.h>

#include <cstdio>

TEST(Version, HasThreeNumbers) {
  int major = -1, minor = -1, patch = -1;
  EXPECT_EQ(std::sscanf(strata::version(), "%d.%d.%d", &major, &minor, &patch), 3) << strata::version();
  EXPECT_GE(major, 0);
}
