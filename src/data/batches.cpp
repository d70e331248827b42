// Batches of other kinds: padded, of another size, and overlapping windows.
#include <algorithm>
#include <cstring>
#include <deque>

#include "data/source.h"
#include "strata/array.h"

namespace strata::data::detail {

namespace {

// Copies `from` into the corner of row `row` of `to`, which is larger in some dimensions.
void copy_corner(const Tensor& from, const Tensor& to, std::int64_t row) {
  const Shape &small = from.shape(), large = to.shape().sub(1);
  const std::size_t rank = small.size(), item = size_of(from.dtype());
  const auto* src = static_cast<const char*>(from.impl()->raw());
  auto* dst = static_cast<char*>(to.impl()->raw()) + static_cast<std::size_t>(row * large.num_elements()) * item;
  const std::int64_t run = rank == 0 ? 1 : small[rank - 1], runs = run == 0 ? 0 : from.size() / run;
  for (std::int64_t n = 0; n < runs; ++n) {
    std::int64_t rest = n, at = 0, step = rank == 0 ? 1 : large[rank - 1];
    for (std::size_t d = rank; d-- > 1;) {
      at += rest % small[d - 1] * step;
      rest /= small[d - 1];
      step *= large[d - 1];
    }
    std::memcpy(dst + static_cast<std::size_t>(at) * item, src + static_cast<std::size_t>(n * run) * item,
                static_cast<std::size_t>(run) * item);
  }
}

class PaddedBatches final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const PaddedBatches& of) : in_(of.in_->iterate()), size_(of.size_), options_(of.options_) {}
    bool next(Tensors& element) override {
      std::vector<Tensors> elements;
      Tensors one;
      while (static_cast<std::int64_t>(elements.size()) < size_ && in_->next(one)) elements.push_back(one);
      if (elements.empty() || (options_.drop_remainder && static_cast<std::int64_t>(elements.size()) < size_))
        return false;
      element.clear();
      for (std::size_t c = 0; c < elements[0].size(); ++c) element.push_back(stack(elements, c));
      at_ += static_cast<std::int64_t>(elements.size());
      return true;
    }

   private:
    Tensor stack(const std::vector<Tensors>& elements, std::size_t c) const {
      Shape largest = elements[0][c].shape();
      for (std::size_t i = 0; i < elements.size(); ++i) {
        const Tensor& t = elements[i][c];
        eager_data(t, "data::padded_batch");
        if (t.rank() != largest.rank() || t.dtype() != elements[0][c].dtype())
          throw ShapeError("data::padded_batch: component " + std::to_string(c) + " of element " +
                           std::to_string(at_ + static_cast<std::int64_t>(i)) + " is " + to_string(t.dtype()) +
                           " of shape " + to_string(t.shape()) + ", that of element " + std::to_string(at_) + " " +
                           to_string(elements[0][c].dtype()) + " of " + to_string(largest) +
                           ". The number of dimensions and the dtype must be the same.");
        for (std::size_t d = 0; d < largest.size(); ++d) largest[d] = std::max(largest[d], t.shape()[d]);
      }
      if (c < options_.padded_shapes.size()) largest = wanted(largest, options_.padded_shapes[c], c);
      largest.insert(0, static_cast<std::int64_t>(elements.size()));
      const Tensor value = c < options_.padding_values.size() ? options_.padding_values[c] : Tensor(0);
      const Tensor out = full(largest, cast(value, elements[0][c].dtype())).copy();
      for (std::size_t i = 0; i < elements.size(); ++i) copy_corner(elements[i][c], out, static_cast<std::int64_t>(i));
      return out;
    }
    static Shape wanted(const Shape& needed, const Shape& given, std::size_t c) {
      Shape out = needed;
      bool fits = given.size() == needed.size();
      for (std::size_t d = 0; fits && d < given.size(); ++d) {
        fits = given[d] == None || given[d] >= needed[d];
        if (given[d] != None) out[d] = given[d];
      }
      if (!fits)
        throw ShapeError("data::padded_batch: component " + std::to_string(c) + " needs shape " + to_string(needed) +
                         ", but padded_shapes says " + to_string(given) + ". Give larger numbers, or None.");
      return out;
    }
    std::unique_ptr<Iterator> in_;
    std::int64_t size_, at_ = 0;
    PaddedBatchOptions options_;
  };

 public:
  PaddedBatches(SourcePtr in, std::int64_t size, const PaddedBatchOptions& options)
      : in_(std::move(in)), size_(size), options_(options) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override {
    const std::int64_t n = in_->cardinality();
    return n < 0 ? n : n / size_ + (!options_.drop_remainder && n % size_ != 0 ? 1 : 0);
  }

 private:
  SourcePtr in_;
  std::int64_t size_;
  PaddedBatchOptions options_;
};

class Windows final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const Windows& of) : in_(of.in_->iterate()), o_(of.options_), size_(of.size_), shift_(of.shift_) {}
    bool next(Tensors& element) override {
      const auto reach = static_cast<std::size_t>((size_ - 1) * o_.stride + 1);
      for (; skip_ > 0 && !kept_.empty(); --skip_) kept_.pop_front();
      Tensors one;
      for (; skip_ > 0 && in_->next(one); --skip_) {
      }
      while (kept_.size() < reach && in_->next(one)) kept_.push_back(one);
      std::vector<Tensors> chosen;
      for (std::size_t i = 0; i < kept_.size() && i < reach; i += static_cast<std::size_t>(o_.stride))
        chosen.push_back(kept_[i]);
      if (chosen.empty() || (o_.drop_remainder && static_cast<std::int64_t>(chosen.size()) < size_)) return false;
      element = stack_elements(chosen, at_);
      at_ += shift_;
      skip_ = shift_;
      return true;
    }

   private:
    std::unique_ptr<Iterator> in_;
    WindowOptions o_;
    std::int64_t size_, shift_, skip_ = 0, at_ = 0;
    std::deque<Tensors> kept_;
  };

 public:
  Windows(SourcePtr in, std::int64_t size, const WindowOptions& options)
      : in_(std::move(in)), options_(options), size_(size), shift_(options.shift.value_or(size)) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override {
    const std::int64_t n = in_->cardinality(), reach = (size_ - 1) * options_.stride + 1;
    if (n < 0) return n;
    if (!options_.drop_remainder) return (n + shift_ - 1) / shift_;
    return n < reach ? 0 : (n - reach) / shift_ + 1;
  }

 private:
  SourcePtr in_;
  WindowOptions options_;
  std::int64_t size_, shift_;
};

// The elements of the data sets that a function gives, `cycle` of them in turns of `block` elements.
class Interleaved final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const Interleaved& of)
        : in_(of.in_->iterate()), function_(of.function_), cycle_(of.cycle_), block_(of.block_) {}
    bool next(Tensors& element) override {
      while (true) {
        while (!ended_ && static_cast<std::int64_t>(open_.size()) < cycle_ && open_next()) {
        }
        if (open_.empty()) return false;
        if (turn_ >= open_.size()) turn_ = 0;
        if (open_[turn_]->next(element)) {
          if (++taken_ >= block_) {
            taken_ = 0;
            ++turn_;
          }
          return true;
        }
        taken_ = 0;
        // Another data set takes the place of one that has ended.
        Tensors one;
        if (!ended_ && in_->next(one)) {
          open_[turn_] = start(one);
        } else {
          ended_ = true;
          open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(turn_));
        }
      }
    }

   private:
    bool open_next() {
      Tensors one;
      if (!in_->next(one)) {
        ended_ = true;
        return false;
      }
      open_.push_back(start(one));
      return true;
    }
    std::unique_ptr<Iterator> start(const Tensors& one) {
      return in_stage("interleave", at_++, [&] { return function_->call(one)->iterate(); });
    }
    std::unique_ptr<Iterator> in_;
    SourceFunctionPtr function_;
    std::int64_t cycle_, block_;
    std::vector<std::unique_ptr<Iterator>> open_;
    std::size_t turn_ = 0;
    std::int64_t taken_ = 0, at_ = 0;
    bool ended_ = false;
  };

 public:
  Interleaved(SourcePtr in, SourceFunctionPtr function, std::int64_t cycle, std::int64_t block)
      : in_(std::move(in)), function_(std::move(function)), cycle_(cycle), block_(block) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override { return in_->cardinality() == 0 ? 0 : UNKNOWN_CARDINALITY; }

 private:
  SourcePtr in_;
  SourceFunctionPtr function_;
  std::int64_t cycle_, block_;
};

void check_positive(const char* stage, const char* name, std::int64_t value) {
  if (value < 1)
    throw ValueError(std::string("data::") + stage + ": " + name + " is " + std::to_string(value) +
                     ". Give a positive number.");
}

}  // namespace

SourceFunction::~SourceFunction() = default;

SourcePtr padded_batch(const SourcePtr& in, std::int64_t batch_size, const PaddedBatchOptions& options) {
  check_positive("padded_batch", "batch_size", batch_size);
  return std::make_shared<PaddedBatches>(in, batch_size, options);
}

SourcePtr window(const SourcePtr& in, std::int64_t size, const WindowOptions& options) {
  check_positive("window", "size", size);
  check_positive("window", "shift", options.shift.value_or(size));
  check_positive("window", "stride", options.stride);
  return std::make_shared<Windows>(in, size, options);
}

SourcePtr interleave(const SourcePtr& in, SourceFunctionPtr function, const InterleaveOptions& options) {
  check_positive("interleave", "cycle_length", options.cycle_length);
  check_positive("interleave", "block_length", options.block_length);
  return std::make_shared<Interleaved>(in, std::move(function), options.cycle_length, options.block_length);
}

}  // namespace strata::data::detail
