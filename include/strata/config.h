/// \file
/// Config: the named values from which a layer, loss, metric, optimizer or op can be made again.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/error.h"
#include "strata/shape.h"

namespace strata {

/// An ordered map of names to values. A value is empty (Python's None), a bool, an integer, a double, a string, a list,
/// a map, or an object (layer, loss, metric, initializer, regularizer, constraint, optimizer) kept by its handle.
///
///     Config c = {{"units", 10}, {"activation", "relu"}};
///     c.get<int>("units");
class STRATA_API Config {
 public:
  class STRATA_API Value {
   public:
    enum class Kind { none, boolean, integer, real, string, list, map, object };
    using List = std::vector<Value>;

    Value() = default;
    Value(bool v) : kind_(Kind::boolean), integer_(v) {}
    Value(int v) : kind_(Kind::integer), integer_(v) {}
    Value(std::int64_t v) : kind_(Kind::integer), integer_(v) {}
    Value(float v) : kind_(Kind::real), real_(v) {}
    Value(double v) : kind_(Kind::real), real_(v) {}
    Value(const char* v) : kind_(Kind::string), string_(v) {}
    Value(const std::string& v) : kind_(Kind::string), string_(v) {}
    Value(const Shape& v);  // a list of integers; None becomes empty
    Value(const List& v) : kind_(Kind::list), list_(std::make_shared<List>(v)) {}
    Value(const std::vector<int>& v);
    Value(const std::vector<std::int64_t>& v);
    Value(const std::vector<double>& v);
    Value(const std::vector<std::string>& v);
    Value(const Config& v);
    /// A handle that says what it is: any type with `Config::Value to_config_value() const`.
    template <class T>
      requires requires(const T& v) { { v.to_config_value() } -> std::same_as<Value>; }
    Value(const T& v) : Value(v.to_config_value()) {}

    /// An object: its handle, and the class name and configuration under which files keep it.
    static Value object(std::string class_name, const Config& config, std::shared_ptr<const void> handle,
                        std::string_view role);

    Kind kind() const { return kind_; }
    bool is_none() const { return kind_ == Kind::none; }
    bool as_bool() const;
    std::int64_t as_integer() const;
    double as_double() const;  ///< integers convert
    const std::string& as_string() const;
    const List& as_list() const;
    const Config& as_map() const;     ///< of an object: its configuration
    const std::string& role() const;  ///< of an object: "layer", "initializer", ...
    const std::string& class_name() const { return string_; }
    const std::shared_ptr<const void>& handle() const { return handle_; }
    friend STRATA_API bool operator==(const Value& a, const Value& b);

   private:
    [[noreturn]] void wrong_kind(const char* wanted) const;
    Kind kind_ = Kind::none;
    std::int64_t integer_ = 0;
    double real_ = 0;
    std::string string_;
    std::string role_;
    std::shared_ptr<const List> list_;
    std::shared_ptr<const Config> map_;
    std::shared_ptr<const void> handle_;
  };
  using Entry = std::pair<std::string, Value>;

  Config() = default;
  Config(std::initializer_list<std::pair<const char*, Value>> entries);

  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Null where the key is missing.
  const Value* find(std::string_view key) const;
  /// Throws ValueError that lists the keys there are.
  const Value& at(std::string_view key) const;
  /// Sets or replaces.
  void set(std::string_view key, const Value& value);
  /// Sets or replaces every entry of `other`.
  Config& update(const Config& other);
  void erase(std::string_view key);
  /// The value converted to T: bool, int, std::int64_t, double, float, std::string, Shape, std::vector of numbers or
  /// strings, Config, or a handle such as Layer. Throws ValueError that names the key.
  template <class T>
  T get(std::string_view key) const {
    return ConfigReader<T>::read(at(key), key);
  }
  template <class T>
  T get(std::string_view key, const T& otherwise) const {
    const Value* v = find(key);
    return v != nullptr && !v->is_none() ? ConfigReader<T>::read(*v, key) : otherwise;
  }

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const& { return entries_; }
  /// Of a temporary, by value: `for (auto& [key, value] : layer.get_config().entries())` is safe.
  std::vector<Entry> entries() && { return std::move(entries_); }
  /// As JSON, keys in order.
  std::string to_json() const;
  friend STRATA_API bool operator==(const Config& a, const Config& b);

  /// How `get<T>` reads a T; handles specialize it by `static T from_config_value(const Value&)`.
  template <class T>
  struct ConfigReader {
    static T read(const Value& v, std::string_view key) {
      if constexpr (requires { T::from_config_value(v); })
        return T::from_config_value(v);
      else
        return read_as(v, key, static_cast<T*>(nullptr));
    }
  };

 private:
  static bool read_as(const Value& v, std::string_view key, bool*);
  static int read_as(const Value& v, std::string_view key, int*);
  static std::int64_t read_as(const Value& v, std::string_view key, std::int64_t*);
  static double read_as(const Value& v, std::string_view key, double*);
  static float read_as(const Value& v, std::string_view key, float*);
  static std::string read_as(const Value& v, std::string_view key, std::string*);
  static Shape read_as(const Value& v, std::string_view key, Shape*);
  static Config read_as(const Value& v, std::string_view key, Config*);
  static std::vector<int> read_as(const Value& v, std::string_view key, std::vector<int>*);
  static std::vector<std::int64_t> read_as(const Value& v, std::string_view key, std::vector<std::int64_t>*);
  static std::vector<double> read_as(const Value& v, std::string_view key, std::vector<double>*);
  static std::vector<std::string> read_as(const Value& v, std::string_view key, std::vector<std::string>*);
  std::vector<Entry> entries_;
};

}  // namespace strata
