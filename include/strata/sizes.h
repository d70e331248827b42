/// \file
/// Sizes of windows, strides and paddings: one number for all spatial dimensions, or one for each in braces.
#pragma once

#include <cstdint>
#include <vector>

#include "strata/config.h"

namespace strata {

namespace detail {
STRATA_API std::vector<std::int64_t> read_size(const Config::Value& value, std::size_t n);
}

/// One spatial dimension.
struct STRATA_API Size1 {
  std::int64_t d;
  Size1(int d) : d(d) {}
  Size1(std::int64_t d) : d(d) {}
  std::vector<std::int64_t> to_vector() const { return {d}; }
  Config::Value to_config_value() const { return to_vector(); }
  static Size1 from_config_value(const Config::Value& v) { return detail::read_size(v, 1)[0]; }
  friend bool operator==(const Size1&, const Size1&) = default;
};

/// Height and width: `3` or `{3, 5}`.
struct STRATA_API Size2 {
  std::int64_t h, w;
  Size2(int both) : h(both), w(both) {}
  Size2(std::int64_t both) : h(both), w(both) {}
  Size2(std::int64_t h, std::int64_t w) : h(h), w(w) {}
  std::vector<std::int64_t> to_vector() const { return {h, w}; }
  Config::Value to_config_value() const { return to_vector(); }
  static Size2 from_config_value(const Config::Value& v) {
    const auto n = detail::read_size(v, 2);
    return {n[0], n[1]};
  }
  friend bool operator==(const Size2&, const Size2&) = default;
};

/// Depth, height and width.
struct STRATA_API Size3 {
  std::int64_t d, h, w;
  Size3(int all) : d(all), h(all), w(all) {}
  Size3(std::int64_t all) : d(all), h(all), w(all) {}
  Size3(std::int64_t d, std::int64_t h, std::int64_t w) : d(d), h(h), w(w) {}
  std::vector<std::int64_t> to_vector() const { return {d, h, w}; }
  Config::Value to_config_value() const { return to_vector(); }
  static Size3 from_config_value(const Config::Value& v) {
    const auto n = detail::read_size(v, 3);
    return {n[0], n[1], n[2]};
  }
  friend bool operator==(const Size3&, const Size3&) = default;
};

}  // namespace strata
