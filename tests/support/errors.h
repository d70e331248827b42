// What an error said.
#pragma once

#include <string>
#include <string_view>

#include "strata/error.h"

namespace strata::test {

// The message of the error of this kind that f throws; other errors pass.
template <class E = Error>
std::string message_of(auto&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace strata::test
