#include "serialization/call_options.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "serialization/lookup.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
using List = Config::Value::List;

const Config::Value* history_of(const Config::Value& v) {
  if (v.kind() != Kind::map || v.as_map().get<std::string>("class_name", "") != "__keras_tensor__") return nullptr;
  const auto* config = v.as_map().find("config");
  return config == nullptr || config->kind() != Kind::map ? nullptr : config->as_map().find("keras_history");
}

std::string text_of(const Config::Value& history) {
  std::string out;
  for (const auto& item : history.as_list())
    out += (item.kind() == Kind::string ? item.as_string() : std::to_string(item.as_integer())) + "\n";
  return out;
}

List calls_of(const Config& layer) {
  const auto* nodes = layer.find("inbound_nodes");
  return nodes != nullptr && nodes->kind() == Kind::list ? nodes->as_list() : List();
}

// Of a call of Keras 3; nothing for those of Keras 2.
List arguments_of(const Config::Value& call) {
  if (call.kind() != Kind::map) return {};
  const auto* args = call.as_map().find("args");
  return args != nullptr && args->kind() == Kind::list ? args->as_list() : List();
}

std::string with_value(const Config::Value& history, double value) {
  return text_of(history) + fmt::format("{:g}", value);
}

bool is_mask_argument(const std::string& name) {
  return (name == "mask" || name.ends_with("_mask")) && name != "attention_mask" && name != "use_causal_mask";
}

constexpr std::array kCallOptions = {"use_causal_mask", "return_attention_scores"};

bool is_attention(const Config& layer) { return layer.get<std::string>("class_name", "").ends_with("Attention"); }

// The same call with other keywords.
template <class F>
Config::Value with_keywords(const Config::Value& call, const F& change) {
  if (call.kind() == Kind::map) {
    Config out = call.as_map(), kwargs = out.get<Config>("kwargs", Config());
    change(kwargs);
    out.set("kwargs", kwargs);
    return out;
  }
  // [["x", 0, 0, {...}], ...], or the inner list alone
  if (call.kind() != Kind::list || call.as_list().empty()) return call;
  List out = call.as_list();
  if (out[0].kind() == Kind::list) {
    for (auto& entry : out) entry = with_keywords(entry, change);
    return out;
  }
  if (out.size() == 4 && out[3].kind() == Kind::map) {
    Config kwargs = out[3].as_map();
    change(kwargs);
    out[3] = kwargs;
  }
  return out;
}

void find_first(const Config::Value& v, const std::string& name, std::int64_t& first) {
  if (v.kind() == Kind::map) {
    for (const auto& [key, item] : v.as_map().entries()) find_first(item, name, first);
  } else if (v.kind() == Kind::list) {
    const List& list = v.as_list();
    if (list.size() >= 3 && list[0].kind() == Kind::string && list[0].as_string() == name &&
        list[1].kind() == Kind::integer)
      first = std::min(first, list[1].as_integer());
    for (const auto& item : list) find_first(item, name, first);
  }
}

}  // namespace

AutomaticMasks::AutomaticMasks(const List& layers) {
  std::set<std::string> sources;
  for (const auto& value : layers) {
    if (value.kind() != Kind::map) continue;
    const Config& layer = value.as_map();
    const std::string name = layer.get<std::string>("class_name", "");
    const Config config = layer.get<Config>("config", Config());
    const bool embeds = name == "Embedding" && config.get<bool>("mask_zero", false);
    if (!embeds && name != "Masking") continue;
    for (const auto& call : calls_of(layer))
      for (const auto& argument : arguments_of(call))
        if (const auto* history = history_of(argument); history != nullptr)
          sources.insert(with_value(*history, embeds ? 0 : config.get<double>("mask_value", 0)));
  }
  if (sources.empty()) return;
  for (bool progress = true; progress;) {
    progress = false;
    for (const auto& value : layers)
      if (value.kind() == Kind::map) progress = add(value.as_map(), sources) || progress;
  }
}

bool AutomaticMasks::add(const Config& layer, const std::set<std::string>& sources) {
  static const std::set<std::string> joining = {"Any",        "All",         "LogicalAnd", "LogicalOr",
                                                "LogicalNot", "Concatenate", "ExpandDims", "Squeeze"};
  const std::string class_name = layer.get<std::string>("class_name", ""), name = layer.get<std::string>("name", "");
  const List calls = calls_of(layer);
  if (names_.contains(name) || calls.size() != 1) return false;
  const List arguments = arguments_of(calls[0]);
  bool found = false;
  if (class_name == "NotEqual" && arguments.size() == 2) {
    const auto* history = history_of(arguments[0]);
    const bool is_number = arguments[1].kind() == Kind::integer || arguments[1].kind() == Kind::real;
    found = history != nullptr && is_number && sources.contains(with_value(*history, arguments[1].as_double()));
  } else if (joining.contains(class_name) && !arguments.empty()) {
    found = true;
    for (const auto& a : arguments) found = found && is_automatic(a);
  }
  if (found) names_.insert(name);
  return found;
}

bool AutomaticMasks::is_automatic(const Config::Value& value) const {
  if (const auto* history = history_of(value); history != nullptr)
    return history->kind() == Kind::list && !history->as_list().empty() &&
           history->as_list()[0].kind() == Kind::string && names_.contains(history->as_list()[0].as_string());
  if (value.kind() != Kind::list || value.as_list().empty()) return false;
  for (const auto& item : value.as_list())
    if (!item.is_none() && !is_automatic(item)) return false;
  return true;
}

Config::Value AutomaticMasks::without(const Config::Value& call) const {
  if (names_.empty() || call.kind() != Kind::map) return call;
  return with_keywords(call, [&](Config& kwargs) {
    for (const auto& [name, value] : Config(kwargs).entries())
      if (is_mask_argument(name) && is_automatic(value)) kwargs.erase(name);
  });
}

void take_call_options(Config& layer) {
  if (!is_attention(layer)) return;
  List calls = calls_of(layer);
  Config config = layer.get<Config>("config", Config());
  for (const char* option : kCallOptions) {
    std::optional<bool> chosen;
    for (auto& call : calls) {
      bool here = false;
      call = with_keywords(call, [&](Config& kwargs) {
        const auto* v = kwargs.find(option);
        here = here || (v != nullptr && v->kind() == Kind::boolean && v->as_bool());
        kwargs.erase(option);
      });
      if (chosen.value_or(here) != here)
        throw ValueError(fmt::format("'{}/{}': the layer is called with {} and without, which strata's is not.",
                                     DeserializingScope::path(), layer.get<std::string>("name", ""), option));
      chosen = here;
    }
    if (chosen.value_or(false)) config.set(option, true);
  }
  layer.set("config", config);
  layer.set("inbound_nodes", calls);
}

void give_call_options(Config& layer, List& calls) {
  if (!is_attention(layer)) return;
  Config config = layer.get<Config>("config", Config());
  for (const char* option : kCallOptions) {
    if (!config.get<bool>(option, false)) continue;
    config.erase(option);
    for (auto& call : calls) call = with_keywords(call, [&](Config& kwargs) { kwargs.set(option, true); });
  }
  layer.set("config", config);
}

std::int64_t first_call(const Config& model, const std::string& name) {
  std::int64_t first = 1;
  for (const char* part : {"layers", "output_layers"})
    if (const auto* v = model.find(part); v != nullptr) find_first(*v, name, first);
  return first;
}

}  // namespace strata
