// What a text holds.
#pragma once

#include <cstddef>
#include <string>

namespace strata::test {

// How often `part` stands in it.
inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace strata::test
