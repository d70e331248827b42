#include "serialization/slice_config.h"

#include "graph/registry.h"
#include "strata/array.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;

std::int64_t bound_of(const Config& c, const char* name, std::int64_t otherwise) {
  const auto* v = c.find(name);
  return v == nullptr || v->is_none() ? otherwise : v->as_integer();
}

// {start, stop, step}, or that as the configuration of a "__slice__"; "__ellipsis__".
bool is_ellipsis(const Config::Value& v) {
  return v.kind() == Kind::map && v.as_map().get<std::string>("class_name", "") == "__ellipsis__";
}
Slice slice_of(const Config::Value& v) {
  if (v.kind() != Kind::map) throw ValueError("a key of x[...] is of a kind that is not known.");
  const Config map = v.as_map().contains("config") ? v.as_map().get<Config>("config") : v.as_map();
  const std::int64_t step = bound_of(map, "step", 1);
  if (step == 0) throw ValueError("a slice has step 0.");
  return Slice(bound_of(map, "start", None), bound_of(map, "stop", None), step);
}

}  // namespace

Tensor read_slice(const Tensor& x, const OpCall& call) {
  Config::Value key;
  if (const auto spec = call.option({"slice_spec"}))
    key = *spec;
  else if (!call.positions.empty())
    key = call.positions.back();
  else
    throw ValueError("operator 'GetItem' has no key.");
  const Config::Value::List items = key.kind() == Kind::list ? key.as_list() : Config::Value::List{key};
  std::size_t axes = 0;
  for (const auto& item : items) axes += !item.is_none() && !is_ellipsis(item);
  if (axes > x.shape().size())
    throw ValueError("x[...] has " + std::to_string(axes) + " positions for shape " + to_string(x.shape()) + ".");
  std::vector<std::int64_t> begin, end, strides, new_axes;
  std::vector<int> shrink;
  std::int64_t axis = 0;  // of the result
  auto take = [&](const Slice& s, bool is_position) {
    begin.push_back(s.start), end.push_back(s.stop), strides.push_back(s.step), shrink.push_back(is_position);
    axis += !is_position;
  };
  for (const auto& item : items) {
    if (item.is_none())
      new_axes.push_back(axis++);
    else if (is_ellipsis(item))
      for (std::size_t rest = x.shape().size() - axes; rest > 0; --rest) take(Slice(), false);
    else if (item.kind() == Kind::integer)
      take(Slice(item.as_integer(), None), true);
    else
      take(slice_of(item), false);
  }
  const auto* row = registry().find("strided_slice");
  const Config config = {{"begin", begin}, {"end", end}, {"strides", strides}, {"shrink", shrink}};
  Tensor out = begin.empty() ? x : strata::apply(row->from_config(config), {x}).at(0);
  for (const std::int64_t a : new_axes) out = expand_dims(out, a);
  return out;
}

Config::Value::List slice_key(const Config& config, KerasStyle style) {
  const auto begin = config.get<std::vector<std::int64_t>>("begin"), end = config.get<std::vector<std::int64_t>>("end"),
             strides = config.get<std::vector<std::int64_t>>("strides");
  const auto shrink = config.get<std::vector<int>>("shrink");
  auto bound = [](std::int64_t v) { return v == None ? Config::Value() : Config::Value(v); };
  Config::Value::List out;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    if (i < shrink.size() && shrink[i] != 0) {
      out.emplace_back(begin[i]);
      continue;
    }
    const Config range = {{"start", bound(begin[i])}, {"stop", bound(end[i])}, {"step", strides[i]}};
    out.emplace_back(style == KerasStyle::keras3 ? Config{{"class_name", "__slice__"}, {"config", range}} : range);
  }
  return out;
}

}  // namespace strata
