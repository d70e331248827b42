// Objects that strings and configurations name: initializers, regularizers, constraints.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "serialization/lookup.h"
#include "strata/config.h"

namespace strata {

template <class Base>
struct NamedClass {
  const char* class_name;
  std::initializer_list<const char*> aliases;
  // From a configuration, which may lack what has a default.
  std::shared_ptr<const Base> (*make)(const Config& config);
};

// Throws ValueError that lists the names.
template <class Base>
std::shared_ptr<const Base> make_named(const char* role, std::span<const NamedClass<Base>> classes,
                                       const std::string& name, const Config& config) {
  std::string known;
  for (const NamedClass<Base>& c : classes) {
    bool found = name == c.class_name;
    for (const char* alias : c.aliases) found = found || name == alias;
    if (found) return c.make(config);
    known += (known.empty() ? "'" : ", '") + std::string(c.aliases.size() ? *c.aliases.begin() : c.class_name) + "'";
  }
  throw ValueError("unknown " + std::string(role) + " '" + name + "'. Use one of " + known +
                   ", or pass an object of a class of your own.");
}

// What the configuration of a layer holds: nothing, a name, the object itself, or {class_name, config} from a file.
template <class Base>
std::shared_ptr<const Base> named_from_value(const char* role, std::span<const NamedClass<Base>> classes,
                                             const Config::Value& value) {
  using Kind = Config::Value::Kind;
  switch (value.kind()) {
    case Kind::none:
      return nullptr;
    case Kind::string:
      if (value.as_string().empty()) return nullptr;
      break;
    case Kind::object:
      if (value.role() == role && value.handle()) return std::static_pointer_cast<const Base>(value.handle());
      break;
    default:
      break;
  }
  const NamedConfig named = named_config(value);
  if (auto custom = make_custom<Base>(role, named)) return custom;
  return make_named(role, classes, named.class_name, named.config);
}

}  // namespace strata
