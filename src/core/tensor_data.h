// What a Tensor handle points to: elements in a buffer, a value of a traced graph, or an output of a recorded layer
// call.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "strata/tensor.h"

namespace strata {

class Graph;
struct SymbolicNode;
struct LayerState;

namespace detail {

// A block of memory, 64-byte aligned when it is our own.
class STRATA_API Buffer {
 public:
  explicit Buffer(std::size_t bytes);                                                // from the pool, not initialized
  Buffer(const void* foreign, std::size_t bytes, std::shared_ptr<void> owner = {});  // borrowed or adopted
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool is_foreign() const { return capacity_ == 0; }

 private:
  void* data_;
  std::size_t bytes_, capacity_ = 0;
  std::shared_ptr<void> owner_;
};

// Bytes handed out by the pool now, and those it keeps for reuse.
STRATA_API std::size_t pool_bytes_in_use();
STRATA_API std::size_t pool_bytes_cached();
// Ends a window of time, which happens by itself every few seconds: what was not in use at once in the last two windows
// goes back to the system.
STRATA_API void pool_next_window();

struct TensorData {
  Shape shape;
  DType dtype = DType::float32;
  bool weak = false;  // a bare number: takes the dtype of the tensor that it meets

  std::shared_ptr<Buffer> buffer;  // eager
  std::size_t offset = 0;          // bytes

  std::shared_ptr<Graph> graph;  // traced: a value of this graph
  int value = -1;

  std::shared_ptr<const SymbolicNode> node;  // from Input(): output `output` of this recorded call
  int output = 0;

  mutable std::weak_ptr<LayerState> origin;            // the innermost layer that returned this tensor
  mutable std::shared_ptr<const TensorData> logits;    // of a softmax or sigmoid: losses on probabilities use them
  mutable std::shared_ptr<const TensorData> sizes_of;  // of shape(x), symbolic: x,
  mutable std::int64_t size_axis = -1;                 // and of shape(x)[i]: i

  bool is_eager() const { return buffer != nullptr; }
  void* raw() const { return static_cast<char*>(buffer->data()) + offset; }
};

// A new eager tensor with its own uninitialized buffer.
STRATA_API Tensor allocate(const Shape& shape, DType dtype);
// The same elements under another shape (equal number of elements) or dtype of equal width.
STRATA_API Tensor view(const Tensor& tensor, const Shape& shape);
STRATA_API Tensor make_weak(const Tensor& scalar);

inline const TensorData& data_of(const Tensor& t) { return *t.impl(); }
inline bool is_traced(const Tensor& t) { return t.defined() && t.impl()->graph != nullptr; }
inline bool is_recorded(const Tensor& t) { return t.defined() && t.impl()->node != nullptr; }

// Raw access for kernels. `mutable_data` is for tensors that were allocated a moment ago and that nobody else has seen.
template <class T>
const T* elements(const Tensor& t) {
  return static_cast<const T*>(t.impl()->raw());
}
template <class T>
T* mutable_elements(const Tensor& t) {
  return static_cast<T*>(t.impl()->raw());
}

}  // namespace detail
}  // namespace strata
