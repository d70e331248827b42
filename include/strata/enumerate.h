/// \file
/// enumerate(): counts while it walks, as Python's.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace strata {

/// What enumerate() returns: a range of pairs {index, element}. It keeps a temporary range, and refers to a named one.
template <class Range>
class Enumerated {
  using Inner = decltype(std::declval<const std::remove_reference_t<Range>&>().begin());
  using InnerEnd = decltype(std::declval<const std::remove_reference_t<Range>&>().end());
  // References where the range gives references, so that nothing is copied.
  using Value = decltype(*std::declval<Inner&>());

 public:
  struct sentinel {
    InnerEnd end;
  };
  class iterator {
   public:
    iterator(Inner inner, std::int64_t index) : inner_(std::move(inner)), index_(index) {}
    std::pair<std::int64_t, Value> operator*() { return {index_, *inner_}; }
    iterator& operator++() {
      ++inner_;
      ++index_;
      return *this;
    }
    friend bool operator!=(const iterator& a, const sentinel& b) { return a.inner_ != b.end; }
    friend bool operator==(const iterator& a, const sentinel& b) { return !(a.inner_ != b.end); }

   private:
    Inner inner_;
    std::int64_t index_;
  };

  Enumerated(Range range, std::int64_t start) : range_(std::forward<Range>(range)), start_(start) {}
  iterator begin() const { return {std::as_const(range_).begin(), start_}; }
  sentinel end() const { return {std::as_const(range_).end()}; }

 private:
  Range range_;
  std::int64_t start_;
};

/// `for (auto [i, batch] : enumerate(dataset))`, or of any other range.
template <class Range>
Enumerated<Range> enumerate(Range&& range, std::int64_t start = 0) {
  return {std::forward<Range>(range), start};
}

}  // namespace strata
