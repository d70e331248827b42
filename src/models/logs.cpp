#include "strata/logs.h"

#include <cmath>
#include <ostream>

#include "core/decimal.h"
#include "models/log_values.h"
#include "strata/array.h"
#include "strata/error.h"
#include "strata/reduce.h"

namespace strata {

namespace {
template <class Entries>
std::string names_of(const Entries& entries) {
  std::string out;
  for (const auto& e : entries) out += (out.empty() ? "" : ", ") + e.first;
  return out.empty() ? "none" : out;
}

// As Python's repr: the shortest digits that give the number again.
template <class T>
std::string repr(T v) {
  if (!std::isfinite(v)) return std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf";
  const Decimal digits = shortest_decimal(v);
  if (v != 0 && (std::abs(v) < T(1e-4) || std::abs(v) >= T(1e16))) {
    std::string text = scientific(digits, v, 17);
    const std::size_t point = text.find(".e");
    return point == std::string::npos ? text : text.erase(point, 1);
  }
  std::string text = positional(digits, v, 20);
  return text.ends_with('.') ? text + "0" : text;
}

double only_value(const Logs::Entry& entry) {
  const auto& [name, value] = entry;
  if (value.size() != 1)
    throw ValueError("'" + name + "' in these logs has " + std::to_string(value.size()) + " values (shape " +
                     to_string(value.shape()) + "), not one. Read them from entries().");
  return value.item<double>();
}

template <class T>
std::string repr_of(const Tensor& value) {
  if (value.rank() == 0) return repr(value.item<T>());
  std::string out;
  for (const T v : value.to_vector<T>()) out += (out.empty() ? "[" : ", ") + repr(v);
  return (out.empty() ? "[" : out) + "]";
}

template <class Entries, class Write>
std::ostream& write_dict(std::ostream& out, const Entries& entries, Write write) {
  out << '{';
  bool first = true;
  for (const auto& [name, value] : entries) {
    out << (first ? "'" : ", '") << name << "': ";
    write(value);
    first = false;
  }
  return out << '}';
}
}  // namespace

bool Logs::contains(std::string_view name) const {
  for (const Entry& e : entries_)
    if (e.first == name) return true;
  return false;
}

double Logs::at(std::string_view name) const {
  for (const Entry& e : entries_)
    if (e.first == name) return only_value(e);
  throw ValueError("there is no '" + std::string(name) + "' in these logs. There is: " + names_of(entries_) + ".");
}

double Logs::operator[](std::size_t i) const {
  if (i >= entries_.size())
    throw IndexError("log " + std::to_string(i) + " is out of range; there are " + std::to_string(entries_.size()) +
                     ".");
  return only_value(entries_[i]);
}

void Logs::set(const std::string& name, const Tensor& value) {
  for (Entry& e : entries_)
    if (e.first == name) {
      e.second = value;
      return;
    }
  entries_.emplace_back(name, value);
}

std::vector<std::string> Logs::names() const {
  std::vector<std::string> out;
  for (const Entry& e : entries_) out.push_back(e.first);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Logs& logs) {
  return write_dict(out, logs.entries(), [&](const Tensor& value) {
    if (value.is_symbolic())
      out << value;
    else
      out << python_text(value);
  });
}

std::string python_text(const Tensor& value) {
  return value.dtype() == DType::float32 ? repr_of<float>(value) : repr_of<double>(cast(value, float64));
}

double shown_value(const Tensor& value) {
  return value.size() == 1 ? value.item<double>() : reduce_mean(cast(value, float64)).item<double>();
}

void append_values(History::Table& table, const std::string& name, const Tensor& value) {
  table.append(name, shown_value(value));
  if (value.size() == 1) return;
  const std::vector<double> all = cast(value, float64).to_vector<double>();
  for (std::size_t i = 0; i < all.size(); ++i) table.append(name + '[' + std::to_string(i) + ']', all[i]);
}

std::ostream& operator<<(std::ostream& out, const History::Table& table) {
  return write_dict(out, table, [&](const std::vector<double>& values) {
    out << '[';
    for (std::size_t i = 0; i < values.size(); ++i) out << (i > 0 ? ", " : "") << repr(values[i]);
    out << ']';
  });
}

const std::vector<double>& History::Table::at(std::string_view name) const {
  for (const auto& c : columns_)
    if (c.first == name) return c.second;
  throw ValueError("there is no '" + std::string(name) + "' in this history. There is: " + names_of(columns_) + ".");
}

bool History::Table::contains(std::string_view name) const {
  for (const auto& c : columns_)
    if (c.first == name) return true;
  return false;
}

void History::Table::append(const std::string& name, double value) {
  if (std::isnan(value)) value = std::abs(value);  // printed without a sign
  for (auto& c : columns_)
    if (c.first == name) {
      c.second.push_back(value);
      return;
    }
  columns_.push_back({name, {value}});
}

}  // namespace strata
