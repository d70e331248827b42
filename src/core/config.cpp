#include "strata/config.h"

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace strata {

namespace {

using Value = Config::Value;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_json(const Config& config, std::string& out);

void write_real(double v, std::string& out) {
  // As Python's json module does, since JSON itself has no such numbers.
  if (std::isnan(v))
    out += "NaN";
  else if (std::isinf(v))
    out += v > 0 ? "Infinity" : "-Infinity";
  else
    out += nlohmann::json(v).dump();
}

void write_json(const Value& v, std::string& out) {
  switch (v.kind()) {
    case Value::Kind::none:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += v.as_bool() ? "true" : "false";
      break;
    case Value::Kind::integer:
      out += std::to_string(v.as_integer());
      break;
    case Value::Kind::real:
      write_real(v.as_double(), out);
      break;
    case Value::Kind::string:
      out += quoted(v.as_string());
      break;
    case Value::Kind::list:
      out += '[';
      for (std::size_t i = 0; i < v.as_list().size(); ++i) {
        if (i > 0) out += ", ";
        write_json(v.as_list()[i], out);
      }
      out += ']';
      break;
    case Value::Kind::map:
      write_json(v.as_map(), out);
      break;
    case Value::Kind::object:
      out += "{\"class_name\": " + quoted(v.class_name()) + ", \"config\": ";
      write_json(v.as_map(), out);
      out += '}';
      break;
  }
}

void write_json(const Config& config, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : config.entries()) {
    if (!first) out += ", ";
    first = false;
    out += quoted(key) + ": ";
    write_json(value, out);
  }
  out += '}';
}

template <class T>
Value::List list_of(const T& values) {
  Value::List out;
  out.reserve(values.size());
  for (const auto& v : values) out.emplace_back(v);
  return out;
}

// Runs `read`, and lets its error name the key.
template <class F>
auto with_key(std::string_view key, F&& read) {
  try {
    return read();
  } catch (const ValueError& e) {
    throw ValueError("config value '" + std::string(key) + "': " + e.what());
  }
}

int to_int(const Value& v) {
  const std::int64_t wide = v.as_integer();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    throw ValueError(std::to_string(wide) + " does not fit into an int.");
  return static_cast<int>(wide);
}

template <class T, class F>
std::vector<T> read_list(const Value& v, F&& read) {
  std::vector<T> out;
  for (const Value& item : v.as_list()) out.push_back(read(item));
  return out;
}

}  // namespace

Config::Value::Value(const Shape& v) : kind_(Kind::list) {
  auto list = std::make_shared<List>();
  for (const std::int64_t dim : v) list->push_back(dim == None ? Value() : Value(dim));
  list_ = std::move(list);
}
Config::Value::Value(const std::vector<int>& v) : Value(list_of(v)) {}
Config::Value::Value(const std::vector<std::int64_t>& v) : Value(list_of(v)) {}
Config::Value::Value(const std::vector<double>& v) : Value(list_of(v)) {}
Config::Value::Value(const std::vector<std::string>& v) : Value(list_of(v)) {}
Config::Value::Value(const Config& v) : kind_(Kind::map), map_(std::make_shared<Config>(v)) {}

Value Config::Value::object(std::string class_name, const Config& config, std::shared_ptr<const void> handle,
                            std::string_view role) {
  Value out;
  out.kind_ = Kind::object;
  out.string_ = std::move(class_name);
  out.map_ = std::make_shared<Config>(config);
  out.handle_ = std::move(handle);
  out.role_ = role;
  return out;
}

void Config::Value::wrong_kind(const char* wanted) const {
  std::string text;
  write_json(*this, text);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  throw ValueError("expected " + std::string(wanted) + ", got " + text + ".");
}

bool Config::Value::as_bool() const {
  if (kind_ != Kind::boolean) wrong_kind("true or false");
  return integer_ != 0;
}
std::int64_t Config::Value::as_integer() const {
  // Python writes 10000.0 where 1e4 was given.
  constexpr double kExact = 9007199254740992.0;
  if (kind_ == Kind::real && std::floor(real_) == real_ && std::abs(real_) < kExact)
    return static_cast<std::int64_t>(real_);
  if (kind_ != Kind::integer) wrong_kind("an integer");
  return integer_;
}
double Config::Value::as_double() const {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  if (kind_ != Kind::real) wrong_kind("a number");
  return real_;
}
const std::string& Config::Value::as_string() const {
  if (kind_ != Kind::string) wrong_kind("a string");
  return string_;
}
const Config::Value::List& Config::Value::as_list() const {
  if (kind_ != Kind::list) wrong_kind("a list");
  return *list_;
}
const Config& Config::Value::as_map() const {
  if (kind_ != Kind::map && kind_ != Kind::object) wrong_kind("a map");
  return *map_;
}
const std::string& Config::Value::role() const {
  if (kind_ != Kind::object) wrong_kind("an object (layer, loss, metric, ...)");
  return role_;
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case Value::Kind::none:
      return true;
    case Value::Kind::boolean:
    case Value::Kind::integer:
      return a.integer_ == b.integer_;
    // Bit by bit: a NaN equals itself, and 0 is not -0, since ops with equal configs are one op.
    case Value::Kind::real:
      return std::bit_cast<std::uint64_t>(a.real_) == std::bit_cast<std::uint64_t>(b.real_);
    case Value::Kind::string:
      return a.string_ == b.string_;
    case Value::Kind::list:
      return *a.list_ == *b.list_;
    case Value::Kind::map:
      return *a.map_ == *b.map_;
    default:
      return a.role_ == b.role_ && a.string_ == b.string_ && *a.map_ == *b.map_;
  }
}

Config::Config(std::initializer_list<std::pair<const char*, Value>> entries) {
  for (const auto& [key, value] : entries) set(key, value);
}

const Value* Config::find(std::string_view key) const {
  for (const Entry& e : entries_)
    if (e.first == key) return &e.second;
  return nullptr;
}

const Value& Config::at(std::string_view key) const {
  if (const Value* v = find(key)) return *v;
  std::string known;
  for (const Entry& e : entries_) known += (known.empty() ? "'" : ", '") + e.first + "'";
  throw ValueError("config has no value '" + std::string(key) + "'; it has " + (known.empty() ? "none" : known) + ".");
}

void Config::set(std::string_view key, const Value& value) {
  for (Entry& e : entries_) {
    if (e.first != key) continue;
    e.second = value;
    return;
  }
  entries_.emplace_back(std::string(key), value);
}

Config& Config::update(const Config& other) {
  for (const auto& [key, value] : other.entries()) set(key, value);
  return *this;
}

void Config::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.first == key; });
}

std::string Config::to_json() const {
  std::string out;
  write_json(*this, out);
  return out;
}

bool operator==(const Config& a, const Config& b) {
  if (a.size() != b.size()) return false;
  // The order is for readers alone.
  for (const auto& [key, value] : a.entries_) {
    const Value* other = b.find(key);
    if (other == nullptr || !(*other == value)) return false;
  }
  return true;
}

bool Config::read_as(const Value& v, std::string_view key, bool*) {
  return with_key(key, [&] { return v.as_bool(); });
}
int Config::read_as(const Value& v, std::string_view key, int*) {
  return with_key(key, [&] { return to_int(v); });
}
std::int64_t Config::read_as(const Value& v, std::string_view key, std::int64_t*) {
  return with_key(key, [&] { return v.as_integer(); });
}
double Config::read_as(const Value& v, std::string_view key, double*) {
  return with_key(key, [&] { return v.as_double(); });
}
float Config::read_as(const Value& v, std::string_view key, float*) {
  return with_key(key, [&] { return static_cast<float>(v.as_double()); });
}
std::string Config::read_as(const Value& v, std::string_view key, std::string*) {
  return with_key(key, [&] { return v.as_string(); });
}
Shape Config::read_as(const Value& v, std::string_view key, Shape*) {
  return with_key(key, [&] {
    return Shape(read_list<std::int64_t>(v, [](const Value& i) { return i.is_none() ? None : i.as_integer(); }));
  });
}
Config Config::read_as(const Value& v, std::string_view key, Config*) {
  return with_key(key, [&] { return v.as_map(); });
}
std::vector<int> Config::read_as(const Value& v, std::string_view key, std::vector<int>*) {
  return with_key(key, [&] { return read_list<int>(v, to_int); });
}
std::vector<std::int64_t> Config::read_as(const Value& v, std::string_view key, std::vector<std::int64_t>*) {
  return with_key(key, [&] { return read_list<std::int64_t>(v, [](const Value& i) { return i.as_integer(); }); });
}
std::vector<double> Config::read_as(const Value& v, std::string_view key, std::vector<double>*) {
  return with_key(key, [&] { return read_list<double>(v, [](const Value& i) { return i.as_double(); }); });
}
std::vector<std::string> Config::read_as(const Value& v, std::string_view key, std::vector<std::string>*) {
  return with_key(key, [&] { return read_list<std::string>(v, [](const Value& i) { return i.as_string(); }); });
}

}  // namespace strata
