// Source: a data set without types. Each stage of a pipeline is one that refers to the stage before it.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor_data.h"
#include "strata/data_source.h"
#include "strata/error.h"

namespace strata::data::detail {

class RowSource;

class STRATA_API Source {
 public:
  virtual ~Source();
  virtual std::unique_ptr<Iterator> iterate() const = 0;
  // As AnyDataset::cardinality().
  virtual std::int64_t cardinality() const = 0;
  virtual std::vector<TensorSpec> specs() const;
  // Not null where the elements are rows of tensors in memory, so that a batch can be gathered in one go.
  virtual const RowSource* as_rows() const { return nullptr; }
  // Whether an element costs less than handing it from one thread to another, which takes a core from the training step
  // besides.
  virtual bool is_quick() const { return false; }
};

// One pass over row numbers.
class IndexStream {
 public:
  virtual ~IndexStream();
  // Writes up to n numbers and returns how many; fewer than n only at the end.
  virtual std::int64_t next(std::int64_t* out, std::int64_t n) = 0;
};

// The rows of tensors in some order.
class RowSource : public Source {
 public:
  explicit RowSource(std::shared_ptr<const Tensors> tensors) : tensors_(std::move(tensors)) {}
  virtual std::unique_ptr<IndexStream> indices() const = 0;
  // The same order in each pass.
  virtual bool has_fixed_order() const = 0;
  const std::shared_ptr<const Tensors>& tensors() const { return tensors_; }

  std::unique_ptr<Iterator> iterate() const override;
  std::vector<TensorSpec> specs() const override;
  const RowSource* as_rows() const override { return this; }

 private:
  std::shared_ptr<const Tensors> tensors_;
};

// Stages on row numbers alone (rows.cpp).
SourcePtr shuffle_rows(const std::shared_ptr<const RowSource>& in, std::int64_t buffer_size, std::uint64_t seed,
                       bool reshuffle);
SourcePtr repeat_rows(const std::shared_ptr<const RowSource>& in, std::int64_t count);
// Positions first, first + step, ... below `stop` of the order (stop = -1: to the end).
SourcePtr select_rows(const std::shared_ptr<const RowSource>& in, std::int64_t first, std::int64_t stop,
                      std::int64_t step);
SourcePtr batch_rows(const std::shared_ptr<const RowSource>& in, std::int64_t batch_size, bool drop_remainder);

SourcePtr cache_in_memory(const SourcePtr& in);

// `in` as rows, or null.
inline std::shared_ptr<const RowSource> rows_of(const SourcePtr& in) {
  const RowSource* rows = in->as_rows();
  return rows == nullptr ? nullptr : std::shared_ptr<const RowSource>(in, rows);
}

// Row `index` without copying it.
Tensor row_of(const Tensor& tensor, std::int64_t index);
// The tensor, or an error that says why it has no elements to read.
const strata::detail::TensorData& eager_data(const Tensor& tensor, const char* where);
// Stacks equal components of elements; `first` is the number of the first one, for messages.
Tensors stack_elements(const std::vector<Tensors>& elements, std::int64_t first);

// How often `count` passes of `inner` elements give, and similar arithmetic with unknown and infinite numbers.
std::int64_t times(std::int64_t cardinality, std::int64_t count);
std::int64_t smaller(std::int64_t a, std::int64_t b);
std::int64_t plus(std::int64_t a, std::int64_t b);

// Throws the current exception again, of the same type where it is strata's, with `where` in front of its message.
[[noreturn]] void rethrow_with(const std::string& where);

// Runs f, whose errors get "data::map, element 17: " in front.
template <class F>
auto in_stage(const char* stage, std::int64_t element, F&& f) {
  try {
    return f();
  } catch (...) {
    rethrow_with("data::" + std::string(stage) + ", element " + std::to_string(element) + ": ");
  }
}

// Random numbers for orders: small, fast, and equal on all machines.
class STRATA_API OrderRandom {
 public:
  OrderRandom(std::uint64_t seed, std::uint64_t pass);
  // 0 <= result < n.
  std::uint64_t below(std::uint64_t n);

 private:
  std::uint64_t bits();
  std::uint64_t state_;
};

}  // namespace strata::data::detail
