// The scopes of custom objects, and those of the process.
#include "strata/custom_objects.h"

#include <mutex>

#include "serialization/lookup.h"

namespace strata {

namespace {

thread_local std::vector<CustomObjects> scopes;

struct Registered {
  std::mutex mutex;
  CustomObjects objects;
};
Registered& registered() {
  static Registered all;
  return all;
}

std::string without_package(const std::string& name) {
  const auto mark = name.rfind('>');
  return mark == std::string::npos ? name : name.substr(mark + 1);
}

std::optional<CustomObject> find_in(const CustomObjects& objects, const std::string& role, const NamedConfig& named) {
  // The name with its package says more than the class alone.
  for (const std::string& wanted : {named.registered_name, named.class_name}) {
    if (wanted.empty()) continue;
    for (const CustomObject& o : objects.entries())
      if (o.role == role && (o.name == wanted || without_package(o.name) == without_package(wanted))) return o;
  }
  return std::nullopt;
}

}  // namespace

CustomObjects& CustomObjects::add(const CustomObject& object) {
  for (CustomObject& o : entries_)
    if (o.name == object.name && o.role == object.role) {
      o = object;
      return *this;
    }
  entries_.push_back(object);
  return *this;
}

CustomObjectScope::CustomObjectScope(const CustomObjects& objects) { scopes.push_back(objects); }
CustomObjectScope::~CustomObjectScope() { scopes.pop_back(); }

void detail::register_custom_object(const CustomObjects& objects) {
  std::lock_guard lock(registered().mutex);
  for (const CustomObject& o : objects.entries()) registered().objects.add(o);
}

namespace {
// Options that Keras keeps as arrays ({"class_name": "__tensor__", "config": {"value": [...]}}) as plain lists.
Config with_plain_arrays(Config config) {
  using Kind = Config::Value::Kind;
  std::vector<std::pair<std::string, Config::Value>> plain;
  for (const auto& [name, value] : config.entries()) {
    if (value.kind() != Kind::map) continue;
    const std::string kind = value.as_map().get<std::string>("class_name", "");
    if (kind != "__tensor__" && kind != "__numpy__") continue;
    if (const Config inner = value.as_map().get<Config>("config", Config()); inner.contains("value"))
      plain.emplace_back(name, inner.at("value"));
  }
  for (const auto& [name, value] : plain) config.set(name, value);
  return config;
}
}  // namespace

NamedConfig named_config(const Config::Value& value) {
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::string) return {value.as_string(), "", {}};
  if (value.kind() == Kind::object) return {value.class_name(), "", value.as_map()};
  const Config& map = value.as_map();
  NamedConfig out;
  out.class_name = map.get<std::string>("class_name");
  out.registered_name = map.get<std::string>("registered_name", "");
  if (const auto* config = map.find("config"); config != nullptr && config->kind() == Kind::map)
    out.config = with_plain_arrays(config->as_map());
  return out;
}

std::optional<CustomObject> find_custom(const std::string& role, const NamedConfig& named) {
  for (std::size_t i = scopes.size(); i-- > 0;)
    if (auto found = find_in(scopes[i], role, named)) return found;
  std::lock_guard lock(registered().mutex);
  return find_in(registered().objects, role, named);
}

}  // namespace strata
