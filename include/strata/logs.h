/// \file
/// Logs: the named numbers of a training step or epoch, in order; and History.
#pragma once

#include <array>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/tensor.h"

namespace strata {

/// Named scalars in order: what a step returns and callbacks see. Values may be symbolic inside function().
class STRATA_API Logs {
 public:
  using Entry = std::pair<std::string, Tensor>;
  Logs() = default;
  Logs(std::initializer_list<Entry> entries) : entries_(entries) {}

  bool contains(std::string_view name) const;
  /// The value. Throws ValueError that lists the names there are.
  double at(std::string_view name) const;
  double operator[](std::string_view name) const { return at(name); }
  double operator[](std::size_t i) const;
  double get(std::string_view name, double otherwise) const { return contains(name) ? at(name) : otherwise; }
  /// Sets or replaces.
  void set(const std::string& name, const Tensor& value);
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  /// The first N values: `auto [loss, accuracy] = model.evaluate(x, y).as<2>();`. Throws IndexError where there are
  /// less.
  template <std::size_t N>
  std::array<double, N> as() const {
    std::array<double, N> values;
    for (std::size_t i = 0; i < N; ++i) values[i] = (*this)[i];
    return values;
  }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<std::string> names() const;
  template <class V>
  void visit_tensors(V&& visit) {
    for (Entry& e : entries_) visit(e.second);
  }

 private:
  std::vector<Entry> entries_;
};

/// As Python prints a dict: `{'loss': 0.25, 'accuracy': 0.9375}`.
STRATA_API std::ostream& operator<<(std::ostream& out, const Logs& logs);

/// What fit() returns: for each name the values of the epochs.
struct STRATA_API History {
  class STRATA_API Table {
   public:
    /// Throws ValueError that lists the names there are.
    const std::vector<double>& at(std::string_view name) const;
    const std::vector<double>& operator[](std::string_view name) const { return at(name); }
    bool contains(std::string_view name) const;
    std::size_t size() const { return columns_.size(); }
    auto begin() const { return columns_.begin(); }
    auto end() const { return columns_.end(); }
    void append(const std::string& name, double value);

   private:
    std::vector<std::pair<std::string, std::vector<double>>> columns_;
  };
  Table history;
  std::vector<int> epoch;
};

/// As Python prints a dict of lists: `{'loss': [0.5, 0.25]}`.
STRATA_API std::ostream& operator<<(std::ostream& out, const History::Table& table);

}  // namespace strata
