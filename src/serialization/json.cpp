#include "serialization/json.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace strata {

namespace {

using Json = nlohmann::ordered_json;
using Value = Config::Value;

constexpr int kDeepest = 200;

Value simplified(const Config& map) {
  const Value* name = map.find("class_name");
  if (name == nullptr || name->kind() != Value::Kind::string) return map;
  const std::string& class_name = name->as_string();
  const Value* config = map.find("config");
  if (class_name == "function" && config != nullptr && config->kind() == Value::Kind::string) return *config;
  if (class_name == "__tuple__" && map.contains("items")) return map.at("items");
  if ((class_name == "DTypePolicy" || class_name == "FloatDTypePolicy" || class_name == "Policy") &&
      config != nullptr && config->kind() == Value::Kind::map && config->as_map().contains("name"))
    return config->as_map().at("name");
  return map;
}

Value convert(const Json& json, int depth, const std::string& where) {
  if (depth > kDeepest)
    throw FileError(where + ": the JSON nests deeper than " + std::to_string(kDeepest) + " levels.");
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned: {
      const auto v = json.get<std::uint64_t>();
      if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return static_cast<double>(v);
      return static_cast<std::int64_t>(v);
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      Value::List list;
      list.reserve(json.size());
      for (const Json& item : json) list.push_back(convert(item, depth + 1, where));
      return list;
    }
    case Json::value_t::object: {
      Config map;
      for (const auto& [key, item] : json.items()) map.set(key, convert(item, depth + 1, where));
      return simplified(map);
    }
    default:
      return {};
  }
}

// Python writes numbers that JSON does not have; they become numbers so large that reading makes them infinite, or
// null.
std::string without_python_numbers(const std::string& text) {
  if (text.find("NaN") == std::string::npos && text.find("Infinity") == std::string::npos) return text;
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      out += c;
      out += text[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (!in_string && text.compare(i, 8, "Infinity") == 0) {
      out += "1.7976931348623157e308";
      i += 7;
    } else if (!in_string && text.compare(i, 3, "NaN") == 0) {
      out += "null";
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Value parse_config_json(const std::string& text, const std::string& where) {
  int depth = 0;
  bool too_deep = false;
  // The depth is watched while parsing, so that no hostile text makes a deep tree first.
  const auto watch = [&](int d, Json::parse_event_t, Json&) {
    depth = d;
    too_deep = too_deep || d > kDeepest;
    return d <= kDeepest;
  };
  Json json;
  try {
    json = Json::parse(without_python_numbers(text), watch);
  } catch (const Json::exception& e) {
    throw FileError(where + ": this is not JSON (" + std::string(e.what()) + "). The file is damaged or cut.");
  }
  if (too_deep) throw FileError(where + ": the JSON nests deeper than " + std::to_string(kDeepest) + " levels.");
  return convert(json, 0, where);
}

}  // namespace strata
