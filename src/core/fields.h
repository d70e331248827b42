// Fields: each configurable value of a class named once. A class declares
//
//   template <class Self, class V>
//   static void fields(Self& s, V&& v) { v("axis", s.axis); v("keepdims", s.keepdims); }
//
// and configuration, equality, hashing and exporters read that one list.
#pragma once

#include <string>
#include <string_view>

#include "strata/config.h"
#include "strata/dtype.h"

namespace strata {

template <class T>
Config::Value field_value(const T& v) {
  return v;
}
inline Config::Value field_value(DType v) { return to_string(v); }

template <class T>
void read_field(const Config& c, std::string_view name, T& v) {
  v = c.get<T>(name);
}
inline void read_field(const Config& c, std::string_view name, DType& v) {
  v = dtype_from_string(c.get<std::string>(name));
}

template <class T>
Config config_of(const T& object) {
  Config out;
  if constexpr (requires { T::fields(object, [](std::string_view, const auto&) {}); })
    T::fields(object, [&](std::string_view name, const auto& v) { out.set(name, field_value(v)); });
  return out;
}

// Sets every field from `config`; a missing one is an error that names it.
template <class T>
void read_config(const Config& config, T& object) {
  if constexpr (requires { T::fields(object, [](std::string_view, auto&) {}); })
    T::fields(object, [&](std::string_view name, auto& v) { read_field(config, name, v); });
}

}  // namespace strata
