// Data sets whose elements are rows of tensors in memory. Shuffling, taking and repeating work on row numbers; a batch
// is gathered in one go.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

#include "data/order_state.h"
#include "data/source.h"
#include "kernels/copy_rows.h"

namespace strata::data::detail {

namespace {

using strata::detail::TensorData;

constexpr std::size_t kAlignment = 64;
// Gathering a batch of so many bytes takes a few tens of microseconds, as waking a thread that does it.
constexpr std::size_t kQuickBytes = std::size_t{256} << 10;

std::size_t row_bytes(const TensorData& d) {
  return static_cast<std::size_t>(d.shape.sub(1).num_elements()) * size_of(d.dtype);
}

// Rows [first, first + count) without copying them.
Tensor view_rows(const TensorData& from, std::int64_t first, const Shape& shape) {
  auto data = std::make_shared<TensorData>();
  data->shape = shape;
  data->dtype = from.dtype;
  data->buffer = from.buffer;
  data->offset = from.offset + static_cast<std::size_t>(first) * row_bytes(from);
  return Tensor(std::move(data));
}

Tensor gather_rows(const TensorData& from, const std::vector<std::int64_t>& rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  Shape shape = from.shape;
  shape[0] = count;
  const bool in_order = rows.back() - rows.front() == count - 1 && std::is_sorted(rows.begin(), rows.end()) &&
                        std::adjacent_find(rows.begin(), rows.end()) == rows.end();
  if (in_order) {  // nothing to copy, as long as kernels find the alignment that a buffer of their own would have
    const Tensor view = view_rows(from, rows.front(), shape);
    if (reinterpret_cast<std::uintptr_t>(view.impl()->raw()) % kAlignment == 0) return view;
  }
  const Tensor out = strata::detail::allocate(shape, from.dtype);
  kernels::copy_rows(out.impl()->raw(), from.raw(), rows.data(), count, row_bytes(from));
  return out;
}

class InOrder final : public IndexStream {
 public:
  explicit InOrder(std::int64_t count) : count_(count) {}
  std::int64_t next(std::int64_t* out, std::int64_t n) override {
    n = std::min(n, count_ - at_);
    std::iota(out, out + n, at_);
    at_ += n;
    return n;
  }

 private:
  std::int64_t count_, at_ = 0;
};

class RowIterator final : public Iterator {
 public:
  RowIterator(std::shared_ptr<const Tensors> tensors, std::unique_ptr<IndexStream> stream)
      : tensors_(std::move(tensors)), stream_(std::move(stream)) {}
  bool next(Tensors& element) override {
    std::int64_t index = 0;
    if (stream_->next(&index, 1) == 0) return false;
    element.clear();
    for (const Tensor& t : *tensors_) element.push_back(row_of(t, index));
    return true;
  }

 private:
  std::shared_ptr<const Tensors> tensors_;
  std::unique_ptr<IndexStream> stream_;
};

class RowBatchIterator final : public Iterator {
 public:
  RowBatchIterator(std::shared_ptr<const Tensors> tensors, std::unique_ptr<IndexStream> stream, std::int64_t batch_size,
                   bool drop_remainder)
      : tensors_(std::move(tensors)), stream_(std::move(stream)), batch_size_(batch_size), drop_(drop_remainder) {}
  bool next(Tensors& element) override {
    rows_.resize(static_cast<std::size_t>(batch_size_));
    const std::int64_t n = stream_->next(rows_.data(), batch_size_);
    if (n == 0 || (drop_ && n < batch_size_)) return false;
    rows_.resize(static_cast<std::size_t>(n));
    element.clear();
    for (const Tensor& t : *tensors_) element.push_back(gather_rows(*t.impl(), rows_));
    return true;
  }

 private:
  std::shared_ptr<const Tensors> tensors_;
  std::unique_ptr<IndexStream> stream_;
  std::int64_t batch_size_;
  bool drop_;
  std::vector<std::int64_t> rows_;
};

class RowBatches final : public Source {
 public:
  RowBatches(std::shared_ptr<const RowSource> in, std::int64_t batch_size, bool drop_remainder)
      : in_(std::move(in)), batch_size_(batch_size), drop_(drop_remainder) {}
  std::unique_ptr<Iterator> iterate() const override {
    const std::int64_t rows = in_->cardinality();
    if (drop_ && rows >= 0 && rows < batch_size_)
      return std::make_unique<RowBatchIterator>(in_->tensors(), std::make_unique<InOrder>(0), 1, drop_);
    // A batch is never longer than the data, whatever was asked for.
    const std::int64_t most = rows > 0 ? std::min(batch_size_, rows) : rows == 0 ? 1 : batch_size_;
    return std::make_unique<RowBatchIterator>(in_->tensors(), in_->indices(), most, drop_);
  }
  std::int64_t cardinality() const override {
    const std::int64_t n = in_->cardinality();
    return n < 0 ? n : n / batch_size_ + (!drop_ && n % batch_size_ != 0 ? 1 : 0);
  }
  std::vector<TensorSpec> specs() const override {
    std::vector<TensorSpec> out = in_->specs();
    for (TensorSpec& s : out) s.shape.insert(0, drop_ ? batch_size_ : None);
    return out;
  }
  bool is_quick() const override {
    std::size_t bytes = 0;
    for (const Tensor& t : *in_->tensors()) bytes += row_bytes(*t.impl());
    return bytes == 0 || static_cast<std::size_t>(batch_size_) <= kQuickBytes / bytes;
  }

 private:
  std::shared_ptr<const RowSource> in_;
  std::int64_t batch_size_;
  bool drop_;
};

class Slices final : public RowSource {
 public:
  explicit Slices(std::shared_ptr<const Tensors> tensors) : RowSource(std::move(tensors)) {}
  std::unique_ptr<IndexStream> indices() const override { return std::make_unique<InOrder>(cardinality()); }
  std::int64_t cardinality() const override { return tensors()->front().shape()[0]; }
  bool has_fixed_order() const override { return true; }
};

// All row numbers in a random order.
class Permuted final : public IndexStream {
 public:
  Permuted(IndexStream& in, std::int64_t count, OrderRandom random) : order_(static_cast<std::size_t>(count)) {
    order_.resize(static_cast<std::size_t>(in.next(order_.data(), count)));
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
  }
  std::int64_t next(std::int64_t* out, std::int64_t n) override {
    n = std::min(n, static_cast<std::int64_t>(order_.size()) - at_);
    std::copy_n(order_.data() + at_, n, out);
    at_ += n;
    return n;
  }

 private:
  std::vector<std::int64_t> order_;
  std::int64_t at_ = 0;
};

// An endless sequence of row numbers has no order of the whole: a buffer of them is drawn from, as in tf.data.
class Buffered final : public IndexStream {
 public:
  Buffered(std::unique_ptr<IndexStream> in, std::int64_t buffer_size, OrderRandom random)
      : in_(std::move(in)), random_(random), buffer_(static_cast<std::size_t>(buffer_size)) {
    buffer_.resize(static_cast<std::size_t>(in_->next(buffer_.data(), buffer_size)));
  }
  std::int64_t next(std::int64_t* out, std::int64_t n) override {
    for (std::int64_t i = 0; i < n; ++i) {
      if (buffer_.empty()) return i;
      std::int64_t& slot = buffer_[random_.below(buffer_.size())];
      out[i] = slot;
      if (in_->next(&slot, 1) == 0) {
        slot = buffer_.back();
        buffer_.pop_back();
      }
    }
    return n;
  }

 private:
  std::unique_ptr<IndexStream> in_;
  OrderRandom random_;
  std::vector<std::int64_t> buffer_;
};

class ShuffledRows final : public RowSource {
 public:
  ShuffledRows(std::shared_ptr<const RowSource> in, std::int64_t buffer_size, std::uint64_t seed, bool reshuffle)
      : RowSource(in->tensors()),
        in_(std::move(in)),
        buffer_size_(buffer_size),
        order_(new_order_state(seed)),
        reshuffle_(reshuffle) {}
  std::unique_ptr<IndexStream> indices() const override {
    const OrderRandom random(order_->seed, reshuffle_ ? order_->passes++ : 0);
    auto in = in_->indices();
    const std::int64_t n = in_->cardinality();
    if (n >= 0) return std::make_unique<Permuted>(*in, n, random);
    return std::make_unique<Buffered>(std::move(in), buffer_size_, random);
  }
  std::int64_t cardinality() const override { return in_->cardinality(); }
  bool has_fixed_order() const override { return !reshuffle_ && in_->has_fixed_order(); }

 private:
  std::shared_ptr<const RowSource> in_;
  std::int64_t buffer_size_;
  std::shared_ptr<OrderState> order_;
  bool reshuffle_;
};

class RepeatedRows final : public RowSource {
  class Stream final : public IndexStream {
   public:
    explicit Stream(const RepeatedRows& of) : in_(of.in_), left_(of.count_) {}
    std::int64_t next(std::int64_t* out, std::int64_t n) override {
      std::int64_t done = 0;
      while (done < n) {
        if (pass_ == nullptr) {
          if (left_ == 0) break;
          if (left_ > 0) --left_;
          pass_ = in_->indices();
          seen_ = false;
        }
        const std::int64_t got = pass_->next(out + done, n - done);
        seen_ |= got > 0;
        done += got;
        if (done == n) break;
        pass_.reset();
        if (!seen_) break;  // an empty data set stays empty, however often it is repeated
      }
      return done;
    }

   private:
    std::shared_ptr<const RowSource> in_;
    std::int64_t left_;
    std::unique_ptr<IndexStream> pass_;
    bool seen_ = false;
  };

 public:
  RepeatedRows(std::shared_ptr<const RowSource> in, std::int64_t count)
      : RowSource(in->tensors()), in_(std::move(in)), count_(count) {}
  std::unique_ptr<IndexStream> indices() const override { return std::make_unique<Stream>(*this); }
  std::int64_t cardinality() const override { return times(in_->cardinality(), count_); }
  bool has_fixed_order() const override { return in_->has_fixed_order(); }

 private:
  std::shared_ptr<const RowSource> in_;
  std::int64_t count_;
};

class SelectedRows final : public RowSource {
  class Stream final : public IndexStream {
   public:
    explicit Stream(const SelectedRows& of)
        : in_(of.in_->indices()), skip_(of.first_), left_(of.cardinality()), step_(of.step_) {}
    std::int64_t next(std::int64_t* out, std::int64_t n) override {
      if (left_ >= 0) n = std::min(n, left_);
      std::int64_t done = 0;
      if (step_ == 1) {
        if (advance(skip_)) done = in_->next(out, n);
        skip_ = 0;
        n = done;
      }
      for (; done < n; ++done) {
        if (!advance(skip_) || in_->next(out + done, 1) == 0) break;
        skip_ = step_ - 1;
      }
      if (left_ >= 0) left_ -= done;
      return done;
    }

   private:
    bool advance(std::int64_t count) {
      std::int64_t ignored[256];
      while (count > 0) {
        const std::int64_t part = std::min<std::int64_t>(count, 256);
        if (in_->next(ignored, part) < part) return false;
        count -= part;
      }
      return true;
    }
    std::unique_ptr<IndexStream> in_;
    std::int64_t skip_, left_, step_;
  };

 public:
  SelectedRows(std::shared_ptr<const RowSource> in, std::int64_t first, std::int64_t stop, std::int64_t step)
      : RowSource(in->tensors()), in_(std::move(in)), first_(first), stop_(stop), step_(step) {}
  std::unique_ptr<IndexStream> indices() const override { return std::make_unique<Stream>(*this); }
  std::int64_t cardinality() const override {
    std::int64_t n = in_->cardinality();
    if (stop_ >= 0) n = smaller(n, stop_);
    return n < 0 ? n : n <= first_ ? 0 : (n - first_ - 1) / step_ + 1;
  }
  bool has_fixed_order() const override { return in_->has_fixed_order(); }

 private:
  std::shared_ptr<const RowSource> in_;
  std::int64_t first_, stop_, step_;
};

}  // namespace

std::unique_ptr<Iterator> RowSource::iterate() const { return std::make_unique<RowIterator>(tensors_, indices()); }

std::vector<TensorSpec> RowSource::specs() const {
  std::vector<TensorSpec> out;
  for (const Tensor& t : *tensors_) out.push_back({t.shape().sub(1), t.dtype()});
  return out;
}

Tensor row_of(const Tensor& tensor, std::int64_t index) {
  return view_rows(*tensor.impl(), index, tensor.shape().sub(1));
}

SourcePtr slices(const Tensors& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    eager_data(tensors[i], "data::from_tensor_slices");
    if (tensors[i].rank() == 0)
      throw ShapeError("data::from_tensor_slices: argument " + std::to_string(i) +
                       " is a scalar, which has no rows. Use data::from_tensors for a data set of one element.");
    if (tensors[i].shape()[0] != tensors[0].shape()[0])
      throw ShapeError("data::from_tensor_slices: argument 0 has " + std::to_string(tensors[0].shape()[0]) +
                       " rows (shape " + to_string(tensors[0].shape()) + "), argument " + std::to_string(i) + " has " +
                       std::to_string(tensors[i].shape()[0]) + " (shape " + to_string(tensors[i].shape()) +
                       "). All need the same first dimension.");
  }
  return std::make_shared<Slices>(std::make_shared<const Tensors>(tensors));
}

SourcePtr shuffle_rows(const std::shared_ptr<const RowSource>& in, std::int64_t buffer_size, std::uint64_t seed,
                       bool reshuffle) {
  return std::make_shared<ShuffledRows>(in, buffer_size, seed, reshuffle);
}

SourcePtr repeat_rows(const std::shared_ptr<const RowSource>& in, std::int64_t count) {
  return std::make_shared<RepeatedRows>(in, count);
}

SourcePtr select_rows(const std::shared_ptr<const RowSource>& in, std::int64_t first, std::int64_t stop,
                      std::int64_t step) {
  return std::make_shared<SelectedRows>(in, first, stop, step);
}

SourcePtr batch_rows(const std::shared_ptr<const RowSource>& in, std::int64_t batch_size, bool drop_remainder) {
  return std::make_shared<RowBatches>(in, batch_size, drop_remainder);
}

}  // namespace strata::data::detail
