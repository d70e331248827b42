// What the array and index ops share: checks of axes and sizes, and the order of registration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/op.h"
#include "graph/registry.h"

namespace strata::array {

// `axis` counted from the front. Throws IndexError that names the op, the axis and the shape. `extra` axes are added by
// the op (expand_dims, stack: 1).
std::int64_t normalize_axis(std::string_view op, std::int64_t axis, const Shape& shape, std::int64_t extra = 0);
// The same for a list, whose entries must differ.
std::vector<std::int64_t> normalize_axes(std::string_view op, const std::vector<std::int64_t>& axes,
                                         const Shape& shape);

// Throws ShapeError unless the rank is at least `rank`.
void check_rank(std::string_view op, const Shape& shape, std::int64_t rank);
// Throws DTypeError unless the dtype is int32 or int64.
void check_index_dtype(std::string_view op, DType dtype);

// Whether the dimensions cannot be equal; None may be anything.
inline bool certainly_differ(std::int64_t a, std::int64_t b) { return a != None && b != None && a != b; }
// The dimension of which at least one is known.
inline std::int64_t known_of(std::int64_t a, std::int64_t b) { return a == None ? b : a; }

// The product of dimensions [from, to): None where one of them is None, unless another is 0.
std::int64_t product(const Shape& shape, std::size_t from, std::size_t to);

// Where `sizes` is shape(x) of a traced program: notes that `size` is its number i, for Dim.
void note_size(const Tensor& sizes, std::int64_t i, const Tensor& size);

// Elements of an int32 or int64 tensor.
std::vector<std::int64_t> integers(const Tensor& t);
// Reads an int32 or int64 tensor as 64-bit integers; an int64 one is not copied.
class IndexReader {
 public:
  explicit IndexReader(const Tensor& t);
  const std::int64_t* data() const { return data_; }
  std::int64_t operator[](std::int64_t i) const { return data_[i]; }

 private:
  std::vector<std::int64_t> owned_;
  const std::int64_t* data_;
};

inline void* raw_out(RunContext& c, std::size_t i = 0) { return detail::data_of(c.out[i]).raw(); }
inline const void* raw_in(const RunContext& c, std::size_t i = 0) { return detail::data_of(c.in[i]).raw(); }

// Each file's rows, called by register_array and register_index.
void register_like(Registry& r);
void register_dims(Registry& r);
void register_create(Registry& r);
void register_cast(Registry& r);
void register_shape_ops(Registry& r);
void register_join(Registry& r);
void register_repeat(Registry& r);
void register_pad(Registry& r);
void register_matrix(Registry& r);
void register_slice(Registry& r);
void register_gather(Registry& r);
void register_scatter(Registry& r);
void register_mask(Registry& r);

}  // namespace strata::array
