// Stages on single elements: sources, map, filter, batch of whatever comes, unbatch, and choosing elements.
#include <cstring>
#include <mutex>

#include "data/source.h"

namespace strata::data::detail {

namespace {

class Whole final : public Source {
 public:
  explicit Whole(const Tensors& tensors) : tensors_(tensors) {}
  std::unique_ptr<Iterator> iterate() const override {
    struct Run final : Iterator {
      explicit Run(const Tensors& t) : tensors(t) {}
      bool next(Tensors& element) override {
        if (done) return false;
        element = tensors;
        return done = true;
      }
      Tensors tensors;
      bool done = false;
    };
    return std::make_unique<Run>(tensors_);
  }
  std::int64_t cardinality() const override { return 1; }

 private:
  Tensors tensors_;
};

class Range final : public Source {
 public:
  Range(std::int64_t start, std::int64_t stop, std::int64_t step) : start_(start), stop_(stop), step_(step) {}
  std::unique_ptr<Iterator> iterate() const override {
    struct Run final : Iterator {
      Run(std::int64_t start, std::int64_t count, std::int64_t step) : at(start), left(count), step(step) {}
      bool next(Tensors& element) override {
        if (left == 0) return false;
        const Tensor t = strata::detail::allocate({}, int64);
        *strata::detail::mutable_elements<std::int64_t>(t) = at;
        element = {t};
        if (--left > 0) at += step;
        return true;
      }
      std::int64_t at, left, step;
    };
    return std::make_unique<Run>(start_, cardinality(), step_);
  }
  std::int64_t cardinality() const override {
    if (step_ > 0 ? start_ >= stop_ : start_ <= stop_) return 0;
    const auto distance = step_ > 0 ? static_cast<std::uint64_t>(stop_) - static_cast<std::uint64_t>(start_)
                                    : static_cast<std::uint64_t>(start_) - static_cast<std::uint64_t>(stop_);
    const auto step = step_ > 0 ? static_cast<std::uint64_t>(step_) : -static_cast<std::uint64_t>(step_);
    return static_cast<std::int64_t>((distance - 1) / step + 1);
  }

 private:
  std::int64_t start_, stop_, step_;
};

class Generated final : public Source {
 public:
  explicit Generated(std::shared_ptr<const Generator> generator) : generator_(std::move(generator)) {}
  std::unique_ptr<Iterator> iterate() const override {
    struct Run final : Iterator {
      explicit Run(std::unique_ptr<Iterator> f) : in(std::move(f)) {}
      bool next(Tensors& element) override {
        return in_stage("from_generator", at++, [&] {
          if (!in->next(element)) return false;
          for (const Tensor& t : element) eager_data(t, "the generator's result");
          return true;
        });
      }
      std::unique_ptr<Iterator> in;
      std::int64_t at = 0;
    };
    return std::make_unique<Run>(generator_->start());
  }
  std::int64_t cardinality() const override { return UNKNOWN_CARDINALITY; }

 private:
  std::shared_ptr<const Generator> generator_;
};

class Filtered final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const Filtered& of) : in_(of.in_->iterate()), predicate_(of.predicate_), stops_(of.stops_) {}
    bool next(Tensors& element) override {
      while (in_ != nullptr && in_->next(element)) {
        const bool wanted = in_stage(stops_ ? "take_while" : "filter", at_++, [&] {
          const Tensor answer = predicate_->call(element)[0];
          eager_data(answer, "the predicate's result");
          if (answer.size() != 1)
            throw ShapeError("the predicate gave a tensor of shape " + to_string(answer.shape()) +
                             ", but it must give one bool. Use reduce_all or reduce_any.");
          return answer.item<bool>();
        });
        if (wanted) return true;
        if (stops_) in_.reset();
      }
      return false;
    }

   private:
    std::unique_ptr<Iterator> in_;
    FunctionPtr predicate_;
    bool stops_;
    std::int64_t at_ = 0;
  };

 public:
  // Where it stops, what follows the first unwanted element is left out, too.
  Filtered(SourcePtr in, FunctionPtr predicate, bool stops)
      : in_(std::move(in)), predicate_(std::move(predicate)), stops_(stops) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override { return in_->cardinality() == 0 ? 0 : UNKNOWN_CARDINALITY; }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  FunctionPtr predicate_;
  bool stops_;
};

class Batched final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const Batched& of) : in_(of.in_->iterate()), batch_size_(of.batch_size_), drop_(of.drop_) {}
    bool next(Tensors& element) override {
      elements_.clear();
      Tensors one;
      while (static_cast<std::int64_t>(elements_.size()) < batch_size_ && in_->next(one)) elements_.push_back(one);
      if (elements_.empty() || (drop_ && static_cast<std::int64_t>(elements_.size()) < batch_size_)) return false;
      element = stack_elements(elements_, at_);
      at_ += static_cast<std::int64_t>(elements_.size());
      return true;
    }

   private:
    std::unique_ptr<Iterator> in_;
    std::int64_t batch_size_, at_ = 0;
    bool drop_;
    std::vector<Tensors> elements_;
  };

 public:
  Batched(SourcePtr in, std::int64_t batch_size, bool drop_remainder)
      : in_(std::move(in)), batch_size_(batch_size), drop_(drop_remainder) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override {
    const std::int64_t n = in_->cardinality();
    return n < 0 ? n : n / batch_size_ + (!drop_ && n % batch_size_ != 0 ? 1 : 0);
  }
  std::vector<TensorSpec> specs() const override {
    std::vector<TensorSpec> out = in_->specs();
    for (TensorSpec& s : out) s.shape.insert(0, drop_ ? batch_size_ : None);
    return out;
  }

 private:
  SourcePtr in_;
  std::int64_t batch_size_;
  bool drop_;
};

class Unbatched final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(SourcePtr in) : in_(in->iterate()) {}
    bool next(Tensors& element) override {
      while (row_ == rows_) {
        if (!in_->next(batch_)) return false;
        rows_ = in_stage("unbatch", at_++, [&] { return check(); });
        row_ = 0;
      }
      element.clear();
      for (const Tensor& t : batch_) element.push_back(row_of(t, row_));
      ++row_;
      return true;
    }

   private:
    std::int64_t check() const {
      for (const Tensor& t : batch_) {
        if (t.rank() == 0) throw ShapeError("a component is a scalar, which has no rows.");
        if (t.shape()[0] != batch_[0].shape()[0])
          throw ShapeError("components of shapes " + to_string(batch_[0].shape()) + " and " + to_string(t.shape()) +
                           " differ in their number of rows.");
      }
      return batch_[0].shape()[0];
    }
    std::unique_ptr<Iterator> in_;
    Tensors batch_;
    std::int64_t row_ = 0, rows_ = 0, at_ = 0;
  };

 public:
  explicit Unbatched(SourcePtr in) : in_(std::move(in)) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(in_); }
  std::int64_t cardinality() const override {
    const std::int64_t n = in_->cardinality();
    return n == 0 || n == INFINITE_CARDINALITY ? n : UNKNOWN_CARDINALITY;
  }
  std::vector<TensorSpec> specs() const override {
    std::vector<TensorSpec> out = in_->specs();
    for (TensorSpec& s : out) {
      if (s.shape.empty()) throw ShapeError("data::unbatch: a component is a scalar, which has no rows.");
      s.shape.erase(0);
    }
    return out;
  }

 private:
  SourcePtr in_;
};

// All elements of the passes that went through to the end, kept for those that follow.
class Cached final : public Source {
  using Elements = std::vector<Tensors>;
  struct Memory {
    std::mutex mutex;
    std::shared_ptr<const Elements> elements;
  };
  struct Replay final : Iterator {
    explicit Replay(std::shared_ptr<const Elements> elements) : elements(std::move(elements)) {}
    bool next(Tensors& element) override {
      if (at == elements->size()) return false;
      element = (*elements)[at++];
      return true;
    }
    std::shared_ptr<const Elements> elements;
    std::size_t at = 0;
  };
  struct Record final : Iterator {
    Record(std::unique_ptr<Iterator> in, std::shared_ptr<Memory> memory)
        : in(std::move(in)), memory(std::move(memory)) {}
    bool next(Tensors& element) override {
      if (in == nullptr) return false;
      if (in->next(element)) {
        elements.push_back(element);
        return true;
      }
      in.reset();
      const std::lock_guard lock(memory->mutex);
      if (memory->elements == nullptr) memory->elements = std::make_shared<const Elements>(std::move(elements));
      return false;
    }
    std::unique_ptr<Iterator> in;
    std::shared_ptr<Memory> memory;
    Elements elements;
  };

 public:
  explicit Cached(SourcePtr in) : in_(std::move(in)), memory_(std::make_shared<Memory>()) {}
  std::unique_ptr<Iterator> iterate() const override {
    {
      const std::lock_guard lock(memory_->mutex);
      if (memory_->elements != nullptr) return std::make_unique<Replay>(memory_->elements);
    }
    return std::make_unique<Record>(in_->iterate(), memory_);
  }
  std::int64_t cardinality() const override { return in_->cardinality(); }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::shared_ptr<Memory> memory_;
};

[[noreturn]] void differing_elements(const std::vector<Tensors>& elements, std::size_t component, std::size_t i,
                                     std::int64_t first) {
  const Tensor &a = elements[0][component], &b = elements[i][component];
  const std::string who = "data::batch: component " + std::to_string(component) + " of element " +
                          std::to_string(first + static_cast<std::int64_t>(i)) + " has ";
  const std::string other = ", that of element " + std::to_string(first) + " has ";
  if (a.shape() != b.shape())
    throw ShapeError(who + "shape " + to_string(b.shape()) + other + "shape " + to_string(a.shape()) +
                     ". Elements of one batch need one shape: map() them to it first.");
  throw DTypeError(who + "dtype " + to_string(b.dtype()) + other + "dtype " + to_string(a.dtype()) +
                   ". Use cast in map().");
}

Tensor stack_component(const std::vector<Tensors>& elements, std::size_t component, std::int64_t first) {
  const auto& like = eager_data(elements[0][component], "data::batch");
  Shape shape = like.shape;
  if (shape.size() == Shape::kMaxRank)
    throw ShapeError("data::batch: elements of shape " + to_string(shape) + " have too many dimensions to be stacked.");
  shape.insert(0, static_cast<std::int64_t>(elements.size()));
  const Tensor out = strata::detail::allocate(shape, like.dtype);
  const std::size_t bytes = elements[0][component].bytes();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto& d = eager_data(elements[i][component], "data::batch");
    if (d.shape != like.shape || d.dtype != like.dtype) differing_elements(elements, component, i, first);
    if (bytes > 0) std::memcpy(static_cast<char*>(out.impl()->raw()) + i * bytes, d.raw(), bytes);
  }
  return out;
}

}  // namespace

Tensors stack_elements(const std::vector<Tensors>& elements, std::int64_t first) {
  Tensors out;
  for (std::size_t c = 0; c < elements[0].size(); ++c) out.push_back(stack_component(elements, c, first));
  return out;
}

SourcePtr whole(const Tensors& tensors) {
  for (const Tensor& t : tensors) eager_data(t, "data::from_tensors");
  return std::make_shared<Whole>(tensors);
}

SourcePtr range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (step == 0) throw ValueError("data::range: step is 0. Give a positive or negative number.");
  return std::make_shared<Range>(start, stop, step);
}

SourcePtr generated(std::shared_ptr<const Generator> generator) {
  return std::make_shared<Generated>(std::move(generator));
}

SourcePtr filter(const SourcePtr& in, FunctionPtr predicate) {
  return std::make_shared<Filtered>(in, std::move(predicate), false);
}

SourcePtr take_while(const SourcePtr& in, FunctionPtr predicate) {
  return std::make_shared<Filtered>(in, std::move(predicate), true);
}

SourcePtr batch(const SourcePtr& in, std::int64_t batch_size, const BatchOptions& options) {
  if (batch_size < 1)
    throw ValueError("data::batch: batch_size is " + std::to_string(batch_size) + ". Give a positive number.");
  if (const auto rows = rows_of(in)) return batch_rows(rows, batch_size, options.drop_remainder);
  return std::make_shared<Batched>(in, batch_size, options.drop_remainder);
}

SourcePtr unbatch(const SourcePtr& in) { return std::make_shared<Unbatched>(in); }

SourcePtr cache_in_memory(const SourcePtr& in) {
  const auto rows = rows_of(in);
  if (rows != nullptr && rows->has_fixed_order()) return in;  // in memory already
  return std::make_shared<Cached>(in);
}

}  // namespace strata::data::detail
