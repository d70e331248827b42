#include "strata/dtype.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "strata/error.h"

namespace strata {

namespace {

constexpr std::array kNames = {"bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"};
constexpr std::array<std::size_t, kNames.size()> kSizes = {1, 1, 4, 8, 2, 2, 4, 8};

}  // namespace

std::size_t size_of(DType dtype) { return kSizes[static_cast<std::size_t>(dtype)]; }

std::string to_string(DType dtype) { return kNames[static_cast<std::size_t>(dtype)]; }

DType dtype_from_string(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return static_cast<DType>(i);
  std::string message = "unknown dtype '" + std::string(name) + "'. Use one of";
  for (std::size_t i = 0; i < kNames.size(); ++i) message += (i ? ", " : " ") + std::string(kNames[i]);
  throw ValueError(message + ".");
}

bool is_floating(DType dtype) { return dtype >= DType::float16; }

bool is_integer(DType dtype) { return dtype >= DType::uint8 && dtype <= DType::int64; }

DType promote(DType a, DType b) {
  const auto [low, high] = std::minmax(a, b);
  // Neither 16-bit type holds the other's values.
  if (low == DType::float16 && high == DType::bfloat16) return DType::float32;
  return high;
}

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << to_string(dtype); }

}  // namespace strata
