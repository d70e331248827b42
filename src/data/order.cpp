// Stages that choose and order elements: shuffle, repeat, take, skip, shard, concatenate and zip.
#include <algorithm>
#include <atomic>

#include "core/generator.h"
#include "data/order_state.h"
#include "data/source.h"

namespace strata::data::detail {

namespace {

class Shuffled final : public Source {
  class Run final : public Iterator {
   public:
    Run(std::unique_ptr<Iterator> in, std::int64_t buffer_size, OrderRandom random)
        : in_(std::move(in)), buffer_size_(static_cast<std::size_t>(buffer_size)), random_(random) {}
    bool next(Tensors& element) override {
      Tensors one;
      while (in_ != nullptr && buffer_.size() < buffer_size_) {
        if (in_->next(one))
          buffer_.push_back(one);
        else
          in_.reset();
      }
      if (buffer_.empty()) return false;
      std::swap(buffer_[random_.below(buffer_.size())], buffer_.back());
      element = std::move(buffer_.back());
      buffer_.pop_back();
      return true;
    }

   private:
    std::unique_ptr<Iterator> in_;
    std::size_t buffer_size_;
    OrderRandom random_;
    std::vector<Tensors> buffer_;
  };

 public:
  Shuffled(SourcePtr in, std::int64_t buffer_size, std::uint64_t seed, bool reshuffle)
      : in_(std::move(in)), buffer_size_(buffer_size), order_(new_order_state(seed)), reshuffle_(reshuffle) {}
  std::unique_ptr<Iterator> iterate() const override {
    const OrderRandom random(order_->seed, reshuffle_ ? order_->passes++ : 0);
    return std::make_unique<Run>(in_->iterate(), buffer_size_, random);
  }
  std::int64_t cardinality() const override { return in_->cardinality(); }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::int64_t buffer_size_;
  std::shared_ptr<OrderState> order_;
  bool reshuffle_;
};

class Repeated final : public Source {
  class Run final : public Iterator {
   public:
    Run(SourcePtr in, std::int64_t count) : in_(std::move(in)), left_(count) {}
    bool next(Tensors& element) override {
      while (true) {
        if (pass_ == nullptr) {
          if (left_ == 0) return false;
          if (left_ > 0) --left_;
          pass_ = in_->iterate();
          seen_ = false;
        }
        if (pass_->next(element)) return seen_ = true;
        pass_.reset();
        if (!seen_) left_ = 0;  // an empty data set stays empty, however often it is repeated
      }
    }

   private:
    SourcePtr in_;
    std::int64_t left_;
    std::unique_ptr<Iterator> pass_;
    bool seen_ = false;
  };

 public:
  Repeated(SourcePtr in, std::int64_t count) : in_(std::move(in)), count_(count) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(in_, count_); }
  std::int64_t cardinality() const override { return times(in_->cardinality(), count_); }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::int64_t count_;
};

// Elements first, first + step, ... below stop (-1: to the end).
class Selected final : public Source {
  class Run final : public Iterator {
   public:
    explicit Run(const Selected& of) : in_(of.in_->iterate()), wanted_(of.first_), stop_(of.stop_), step_(of.step_) {}
    bool next(Tensors& element) override {
      if (stop_ >= 0 && wanted_ >= stop_) return false;
      for (; at_ <= wanted_; ++at_)
        if (!in_->next(element)) return false;
      wanted_ += step_;
      return true;
    }

   private:
    std::unique_ptr<Iterator> in_;
    std::int64_t wanted_, stop_, step_, at_ = 0;
  };

 public:
  Selected(SourcePtr in, std::int64_t first, std::int64_t stop, std::int64_t step)
      : in_(std::move(in)), first_(first), stop_(stop), step_(step) {}
  std::unique_ptr<Iterator> iterate() const override { return std::make_unique<Run>(*this); }
  std::int64_t cardinality() const override {
    std::int64_t n = in_->cardinality();
    if (stop_ >= 0 && (n != UNKNOWN_CARDINALITY || stop_ == 0)) n = smaller(n, stop_);
    return n < 0 ? n : n <= first_ ? 0 : (n - first_ - 1) / step_ + 1;
  }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::int64_t first_, stop_, step_;
};

class Concatenated final : public Source {
 public:
  Concatenated(SourcePtr a, SourcePtr b) : a_(std::move(a)), b_(std::move(b)) {}
  std::unique_ptr<Iterator> iterate() const override {
    struct Run final : Iterator {
      Run(std::unique_ptr<Iterator> first, SourcePtr second) : in(std::move(first)), then(std::move(second)) {}
      bool next(Tensors& element) override {
        if (in->next(element)) return true;
        if (then == nullptr) return false;
        in = then->iterate();
        then.reset();
        return in->next(element);
      }
      std::unique_ptr<Iterator> in;
      SourcePtr then;
    };
    return std::make_unique<Run>(a_->iterate(), b_);
  }
  std::int64_t cardinality() const override { return plus(a_->cardinality(), b_->cardinality()); }
  std::vector<TensorSpec> specs() const override { return a_->specs(); }

 private:
  SourcePtr a_, b_;
};

class Zipped final : public Source {
 public:
  Zipped(SourcePtr a, SourcePtr b) : a_(std::move(a)), b_(std::move(b)) {}
  std::unique_ptr<Iterator> iterate() const override {
    struct Run final : Iterator {
      Run(std::unique_ptr<Iterator> left, std::unique_ptr<Iterator> right) : a(std::move(left)), b(std::move(right)) {}
      bool next(Tensors& element) override {
        Tensors more;
        if (!a->next(element) || !b->next(more)) return false;
        element.insert(element.end(), more.begin(), more.end());
        return true;
      }
      std::unique_ptr<Iterator> a, b;
    };
    return std::make_unique<Run>(a_->iterate(), b_->iterate());
  }
  std::int64_t cardinality() const override { return smaller(a_->cardinality(), b_->cardinality()); }
  std::vector<TensorSpec> specs() const override {
    std::vector<TensorSpec> out = a_->specs();
    for (const TensorSpec& s : b_->specs()) out.push_back(s);
    return out;
  }

 private:
  SourcePtr a_, b_;
};

// Each element from one of several, drawn by weights.
class Sampled final : public Source {
  class Run final : public Iterator {
   public:
    Run(const Sampled& of, OrderRandom random)
        : weights_(of.options_.weights), stops_(of.options_.stop_on_empty_dataset), random_(random) {
      for (const SourcePtr& source : of.from_) runs_.push_back(source->iterate());
    }
    bool next(Tensors& element) override {
      while (!runs_.empty()) {
        const std::size_t i = draw();
        if (runs_[i]->next(element)) return true;
        if (stops_)
          runs_.clear();
        else
          erase(i);
      }
      return false;
    }

   private:
    std::size_t draw() {
      double total = 0;
      for (const double w : weights_) total += w;
      double at = static_cast<double>(random_.below(std::uint64_t{1} << 53)) / 9007199254740992.0 * total;
      std::size_t i = 0;
      while (i + 1 < weights_.size() && (at -= weights_[i]) >= 0) ++i;
      return i;
    }
    void erase(std::size_t i) {
      runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(i));
      weights_.erase(weights_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::vector<std::unique_ptr<Iterator>> runs_;
    std::vector<double> weights_;
    bool stops_;
    OrderRandom random_;
  };

 public:
  Sampled(std::vector<SourcePtr> from, SampleOptions options, std::uint64_t seed)
      : from_(std::move(from)), options_(std::move(options)), order_(new_order_state(seed)) {}
  std::unique_ptr<Iterator> iterate() const override {
    const std::uint64_t pass = options_.rerandomize_each_iteration ? order_->passes++ : 0;
    return std::make_unique<Run>(*this, OrderRandom(order_->seed, pass));
  }
  std::int64_t cardinality() const override {
    if (options_.stop_on_empty_dataset) return UNKNOWN_CARDINALITY;
    std::int64_t n = 0;
    for (const SourcePtr& source : from_) n = plus(n, source->cardinality());
    return n;
  }
  std::vector<TensorSpec> specs() const override { return from_[0]->specs(); }

 private:
  std::vector<SourcePtr> from_;
  SampleOptions options_;
  std::shared_ptr<OrderState> order_;
};

SourcePtr select(const SourcePtr& in, std::int64_t first, std::int64_t stop, std::int64_t step) {
  if (const auto rows = rows_of(in)) return select_rows(rows, first, stop, step);
  return std::make_shared<Selected>(in, first, stop, step);
}

}  // namespace

// SplitMix64 (Steele, Lea, Flood 2014) on a state that the seed and the number of the pass determine.
OrderRandom::OrderRandom(std::uint64_t seed, std::uint64_t pass) : state_(seed) {
  state_ = bits() ^ (pass * 0xd1342543de82ef95ULL);
  state_ = bits();
}

std::uint64_t OrderRandom::bits() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t OrderRandom::below(std::uint64_t n) {
  const std::uint64_t unfair = -n % n;  // 2^64 mod n values would come too often
  std::uint64_t x = bits();
  while (x < unfair) x = bits();
  return x % n;
}

SourcePtr shuffle(const SourcePtr& in, std::int64_t buffer_size, const ShuffleOptions& options) {
  if (buffer_size < 1)
    throw ValueError("data::shuffle: buffer_size is " + std::to_string(buffer_size) +
                     ". Give a positive number, best that of the elements.");
  if (buffer_size == 1) return in;
  const std::uint64_t seed = options.seed ? static_cast<std::uint64_t>(*options.seed) : next_random_seed();
  if (const auto rows = rows_of(in)) return shuffle_rows(rows, buffer_size, seed, options.reshuffle_each_iteration);
  return std::make_shared<Shuffled>(in, buffer_size, seed, options.reshuffle_each_iteration);
}

SourcePtr repeat(const SourcePtr& in, std::int64_t count) {
  if (const auto rows = rows_of(in)) return repeat_rows(rows, count);
  return std::make_shared<Repeated>(in, count);
}

SourcePtr take(const SourcePtr& in, std::int64_t count) { return count < 0 ? in : select(in, 0, count, 1); }

SourcePtr skip(const SourcePtr& in, std::int64_t count) {
  return count < 0 ? select(in, 0, 0, 1) : select(in, count, -1, 1);
}

SourcePtr shard(const SourcePtr& in, std::int64_t num_shards, std::int64_t index) {
  if (num_shards < 1 || index < 0 || index >= num_shards)
    throw ValueError("data::shard: there is no shard " + std::to_string(index) + " of " + std::to_string(num_shards) +
                     ". Shards are numbered from 0 to num_shards - 1.");
  return select(in, index, -1, num_shards);
}

SourcePtr concatenate(const SourcePtr& a, const SourcePtr& b) { return std::make_shared<Concatenated>(a, b); }

SourcePtr zip(const SourcePtr& a, const SourcePtr& b) { return std::make_shared<Zipped>(a, b); }

SourcePtr sample(const std::vector<SourcePtr>& from, const SampleOptions& options) {
  SampleOptions o = options;
  if (from.empty()) throw ValueError("data::sample_from_datasets: there are no data sets.");
  if (o.weights.empty()) o.weights.assign(from.size(), 1.0);
  if (o.weights.size() != from.size())
    throw ValueError("data::sample_from_datasets: " + std::to_string(o.weights.size()) + " weights are given for " +
                     std::to_string(from.size()) + " data sets. Give one for each.");
  for (const double w : o.weights)
    if (!(w > 0))
      throw ValueError("data::sample_from_datasets: a weight is " + std::to_string(w) + ". Give positive numbers.");
  const std::uint64_t seed = o.seed ? static_cast<std::uint64_t>(*o.seed) : next_random_seed();
  return std::make_shared<Sampled>(from, o, seed);
}

}  // namespace strata::data::detail
