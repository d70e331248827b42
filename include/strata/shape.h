/// \file
/// Shapes of tensors, and the ways to index one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <string>
#include <vector>

#include "strata/export.h"

namespace strata {

/// A dimension that is not known yet (the batch of a symbolic tensor), or a bound of a Slice that is left out.
inline constexpr std::int64_t None = std::numeric_limits<std::int64_t>::min();

/// The dimensions of a tensor, outermost first; at most 8. Behaves as a small vector of integers.
class STRATA_API Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;
  using value_type = std::int64_t;
  using iterator = std::int64_t*;
  using const_iterator = const std::int64_t*;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(dims.begin(), dims.size()) {}
  Shape(const std::vector<std::int64_t>& dims) : Shape(dims.data(), dims.size()) {}
  Shape(const std::int64_t* dims, std::size_t rank);

  std::size_t size() const { return rank_; }
  std::int64_t rank() const { return static_cast<std::int64_t>(rank_); }
  bool empty() const { return rank_ == 0; }
  std::int64_t& operator[](std::size_t i) { return dims_[i]; }
  std::int64_t operator[](std::size_t i) const { return dims_[i]; }
  /// Bounds-checked; negative counts from the end. Throws IndexError.
  std::int64_t at(std::int64_t i) const;
  std::int64_t front() const { return at(0); }
  std::int64_t back() const { return at(-1); }
  iterator begin() { return dims_; }
  iterator end() { return dims_ + rank_; }
  const_iterator begin() const { return dims_; }
  const_iterator end() const { return dims_ + rank_; }

  void push_back(std::int64_t dim);
  void insert(std::size_t position, std::int64_t dim);
  void erase(std::size_t position);
  void resize(std::size_t rank, std::int64_t fill = 1);
  /// Dimensions [from, to).
  Shape sub(std::size_t from, std::size_t to) const;
  Shape sub(std::size_t from) const { return sub(from, rank_); }

  /// Product of the dimensions (1 for a scalar). Throws ShapeError where one of them is None.
  std::int64_t num_elements() const;
  /// True where no dimension is None.
  bool is_known() const;
  std::vector<std::int64_t> to_vector() const { return {begin(), end()}; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (std::size_t i = 0; i < a.rank_; ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }

 private:
  std::int64_t dims_[kMaxRank] = {};
  std::size_t rank_ = 0;
};

/// As Python prints a tuple: "(None, 32, 32, 3)", "(10,)", "()".
STRATA_API std::string to_string(const Shape& shape);
STRATA_API std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// Python's start:stop:step. `Slice(a)` runs from a to the end (unlike Python's slice(a)), `Slice()` is all.
struct Slice {
  std::int64_t start, stop, step;
  Slice(std::int64_t start = None, std::int64_t stop = None, std::int64_t step = 1)
      : start(start), stop(stop), step(step) {}
};

struct NewAxisType {};
struct EllipsisType {};
/// In `x[{...}]`: a new axis of size 1, and "all axes that are not named".
inline constexpr NewAxisType NewAxis{};
inline constexpr EllipsisType Ellipsis{};

/// One position of `x[{...}]`: an integer, a Slice, NewAxis or Ellipsis.
struct Index {
  enum class Kind { integer, slice, new_axis, ellipsis } kind;
  std::int64_t integer = 0;
  Slice slice = {};
  Index(int i) : kind(Kind::integer), integer(i) {}
  Index(std::int64_t i) : kind(Kind::integer), integer(i) {}
  Index(Slice s) : kind(Kind::slice), slice(s) {}
  Index(NewAxisType) : kind(Kind::new_axis) {}
  Index(EllipsisType) : kind(Kind::ellipsis) {}
};

}  // namespace strata
