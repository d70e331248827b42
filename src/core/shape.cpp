#include "strata/shape.h"

#include <algorithm>
#include <ostream>

#include "strata/error.h"

namespace strata {

namespace {

void check_rank(std::size_t rank) {
  if (rank > Shape::kMaxRank)
    throw ShapeError("Shape: " + std::to_string(rank) + " dimensions are too many; tensors have at most " +
                     std::to_string(Shape::kMaxRank) + ".");
}

}  // namespace

Shape::Shape(const std::int64_t* dims, std::size_t rank) : rank_(rank) {
  check_rank(rank);
  std::copy_n(dims, rank, dims_);
}

std::int64_t Shape::at(std::int64_t i) const {
  const std::int64_t index = i < 0 ? i + rank() : i;
  if (index < 0 || index >= rank())
    throw IndexError("Shape::at: index " + std::to_string(i) + " is outside " + to_string(*this) + ", which has " +
                     std::to_string(rank_) + " dimensions.");
  return dims_[index];
}

void Shape::push_back(std::int64_t dim) { insert(rank_, dim); }

void Shape::insert(std::size_t position, std::int64_t dim) {
  check_rank(rank_ + 1);
  if (position > rank_)
    throw IndexError("Shape::insert: position " + std::to_string(position) + " is outside " + to_string(*this) + ".");
  std::copy_backward(dims_ + position, dims_ + rank_, dims_ + rank_ + 1);
  dims_[position] = dim;
  ++rank_;
}

void Shape::erase(std::size_t position) {
  if (position >= rank_)
    throw IndexError("Shape::erase: position " + std::to_string(position) + " is outside " + to_string(*this) + ".");
  std::copy(dims_ + position + 1, dims_ + rank_, dims_ + position);
  --rank_;
}

void Shape::resize(std::size_t rank, std::int64_t fill) {
  check_rank(rank);
  for (std::size_t i = rank_; i < rank; ++i) dims_[i] = fill;
  rank_ = rank;
}

Shape Shape::sub(std::size_t from, std::size_t to) const {
  if (from > to || to > rank_)
    throw IndexError("Shape::sub: [" + std::to_string(from) + ", " + std::to_string(to) + ") is outside " +
                     to_string(*this) + ".");
  return Shape(dims_ + from, to - from);
}

std::int64_t Shape::num_elements() const {
  std::int64_t product = 1;
  bool overflow = false, zero = false;
  for (const std::int64_t dim : *this) {
    if (dim == None)
      throw ShapeError("the number of elements of shape " + to_string(*this) +
                       " is not known yet. While a program is traced use strata::shape(x) or strata::size(x).");
    if (dim < 0) throw ShapeError("shape " + to_string(*this) + " has a negative dimension.");
    zero = zero || dim == 0;
    overflow = __builtin_mul_overflow(product, dim, &product) || overflow;
  }
  if (zero) return 0;
  if (overflow) throw ShapeError("shape " + to_string(*this) + " has more elements than an int64 can count.");
  return product;
}

bool Shape::is_known() const { return std::find(begin(), end(), None) == end(); }

std::string to_string(const Shape& shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ", ";
    out += shape[i] == None ? "None" : std::to_string(shape[i]);
  }
  return out + (shape.size() == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

}  // namespace strata
