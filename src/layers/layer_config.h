// From options structs to configurations and back, for built-in layers.
#pragma once

#include <optional>
#include <string>

#include "core/fields.h"
#include "strata/custom.h"
#include "strata/layers/axes.h"

namespace strata::layers {

// The visitor that writes a field.
struct WriteField {
  Config& out;
  template <class T>
  void operator()(const char* name, const T& v) const {
    out.set(name, Config::Value(v));
  }
  // One axis as a number, as Keras writes it.
  void operator()(const char* name, const LayerAxes& v) const {
    out.set(name,
            v.size() == 1 ? Config::Value(v[0]) : Config::Value(static_cast<const std::vector<std::int64_t>&>(v)));
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& v) const {
    out.set(name, v ? Config::Value(*v) : Config::Value());
  }
};

// The visitor that reads a field, if the configuration has it: files of other versions may lack some.
struct ReadField {
  const Config& in;
  template <class T>
  void operator()(const char* name, T& v) const {
    if (in.contains(name)) v = in.get<T>(name);
  }
  void operator()(const char* name, LayerAxes& v) const {
    const Config::Value* found = in.find(name);
    if (found == nullptr) return;
    if (found->kind() == Config::Value::Kind::list)
      v = in.get<std::vector<std::int64_t>>(name);
    else
      v = in.get<std::int64_t>(name);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& v) const {
    const Config::Value* found = in.find(name);
    if (found == nullptr) return;
    v = found->is_none() ? std::optional<T>() : std::optional<T>(in.get<T>(name));
  }
};

// Of options with a name and a dtype alone.
inline constexpr auto no_fields = [](auto&, auto&&) {};

// The fields of `options` as `fields(options, visitor)` lists them.
template <class Options, class Fields>
Config write_options(const Options& options, Fields fields) {
  Config out;
  fields(const_cast<Options&>(options), WriteField{out});
  return out;
}

// Options with the fields of `config`, name and dtype included.
template <class Options, class Fields>
Options read_options(const Config& config, Fields fields) {
  Options options;
  fields(options, ReadField{config});
  options.name = config.get<std::string>("name", "");
  options.dtype = config.get<std::string>("dtype", "");
  return options;
}

// The size of the last axis of the input, for weights. Throws ShapeError where it is not known.
inline std::int64_t last_axis(const Layer& layer, const Shape& input) {
  if (input.empty() || input.back() == None)
    throw ShapeError(layer.class_name() + " '" + layer.path() + "': the last dimension of the input shape " +
                     to_string(input) + " is not known, but the weights need it. Give the Input its last dimension.");
  return input.back();
}

}  // namespace strata::layers
