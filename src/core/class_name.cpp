#include "strata/class_name.h"

#include <cxxabi.h>

#include <cctype>
#include <cstdlib>
#include <memory>

namespace strata::detail {

std::string unqualified_class_name(const char* type_name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(type_name, nullptr, nullptr, &status),
                                                         &std::free);
  const std::string full = status == 0 ? demangled.get() : type_name;
  std::string name;
  int depth = 0;  // of template and function arguments, whose own "::" do not count
  for (std::size_t i = 0; i < full.size(); ++i) {
    const char c = full[i];
    if (c == '<' || c == '(') ++depth;
    if (depth == 0) {
      if (c == ':')
        name.clear();
      else
        name += c;
    }
    if (c == '>' || c == ')') --depth;
  }
  return name;
}

std::string to_snake_case(std::string_view class_name) {
  auto is = [&](std::size_t i, int (*kind)(int)) {
    return i < class_name.size() && kind(static_cast<unsigned char>(class_name[i])) != 0;
  };
  std::string out;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    // A capital starts a word after a small letter, and where a small letter follows it: "KLDivergence", "AdamW".
    if (i > 0 && is(i, std::isupper) && (is(i - 1, std::islower) || is(i + 1, std::islower)) && out.back() != '_')
      out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace strata::detail
