// What a configuration says about an object, and the custom object of that name where there is one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "strata/custom_objects.h"

namespace strata {

// {class_name, config, registered_name} of a file, an object's handle, or a name alone.
struct NamedConfig {
  std::string class_name, registered_name;
  Config config;
};
STRATA_API NamedConfig named_config(const Config::Value& value);

// The object of the innermost scope that knows the name, then of the process.
STRATA_API std::optional<CustomObject> find_custom(const std::string& role, const NamedConfig& named);

// What the handles of the role share; null where no custom object has the name.
template <class Base>
std::shared_ptr<const Base> make_custom(const std::string& role, const NamedConfig& named) {
  const auto found = find_custom(role, named);
  return found ? std::static_pointer_cast<const Base>(found->make(*found, named.config)) : nullptr;
}
template <class Base>
std::shared_ptr<const Base> make_custom(const std::string& role, const Config::Value& value) {
  return make_custom<Base>(role, named_config(value));
}

}  // namespace strata
