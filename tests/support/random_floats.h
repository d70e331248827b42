// Numbers for tests that are the same in every run.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace strata::test {

// Of the standard normal distribution.
inline std::vector<float> random_floats(std::int64_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> v(static_cast<std::size_t>(size));
  for (float& x : v) x = normal(generator);
  return v;
}

}  // namespace strata::test
