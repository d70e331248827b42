// Rounding up of sizes.
#pragma once

#include <cstdint>

namespace strata::kernels {

constexpr std::int64_t parts_of(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit; }
constexpr std::int64_t rounded(std::int64_t n, std::int64_t unit) { return parts_of(n, unit) * unit; }

}  // namespace strata::kernels
