// Stages with threads: map, in order, and prefetch.
#include "kernels/threads.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "core/generator.h"
#include "data/source.h"

namespace strata::data::detail {

namespace {

// Threads of the pipeline work beside those of a training step, so their tensor operations start none of their own.
using kernels::become_background_thread;

Tensors mapped(const Function& function, const Tensors& element, std::int64_t number, std::uint64_t seed) {
  return in_stage("map", number, [&] {
    const ElementStreams streams(seed, static_cast<std::uint64_t>(number));
    Tensors out = function.call(element);
    for (const Tensor& t : out) eager_data(t, "the function's result");
    return out;
  });
}

class SerialMap final : public Iterator {
 public:
  SerialMap(std::unique_ptr<Iterator> in, FunctionPtr function, std::uint64_t seed)
      : in_(std::move(in)), function_(std::move(function)), seed_(seed) {}
  bool next(Tensors& element) override {
    if (!in_->next(element)) return false;
    element = mapped(*function_, element, at_++, seed_);
    return true;
  }

 private:
  std::unique_ptr<Iterator> in_;
  FunctionPtr function_;
  std::uint64_t seed_;
  std::int64_t at_ = 0;
};

// Threads take elements in turn; the results wait in a ring until those before them have been taken.
class ParallelMap final : public Iterator {
  struct Slot {
    bool ready = false, end = false;
    Tensors element;
    std::exception_ptr error;
  };

 public:
  ParallelMap(std::unique_ptr<Iterator> in, FunctionPtr function, std::uint64_t seed, std::int64_t threads)
      : in_(std::move(in)), function_(std::move(function)), seed_(seed), slots_(static_cast<std::size_t>(threads) * 2) {
    for (std::int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~ParallelMap() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  bool next(Tensors& element) override {
    std::unique_lock lock(mutex_);
    Slot& slot = slots_[taken_ % slots_.size()];
    changed_.wait(lock, [&] { return slot.ready; });
    if (slot.error != nullptr) {
      const std::exception_ptr error = slot.error;
      slot = Slot{true, true, {}, nullptr};  // nothing comes after an error
      std::rethrow_exception(error);
    }
    if (slot.end) return false;
    element = std::move(slot.element);
    slot = Slot{};
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    return true;
  }

 private:
  void work() {
    become_background_thread();
    while (true) {
      Slot result{true, false, {}, nullptr};
      std::uint64_t number = 0;
      {
        const std::lock_guard reading(reading_);
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stop_ || ended_ || given_ - taken_ < slots_.size(); });
        if (stop_ || ended_) return;
        number = given_++;
        lock.unlock();
        try {
          result.end = !in_->next(result.element);
        } catch (...) {
          result.error = std::current_exception();
        }
        lock.lock();
        ended_ = result.end || result.error != nullptr;
      }
      if (!result.end && result.error == nullptr) {
        try {
          result.element = mapped(*function_, result.element, static_cast<std::int64_t>(number), seed_);
        } catch (...) {
          result.error = std::current_exception();
        }
      }
      {
        const std::lock_guard lock(mutex_);
        slots_[number % slots_.size()] = std::move(result);
      }
      changed_.notify_all();
    }
  }

  std::unique_ptr<Iterator> in_;
  FunctionPtr function_;
  std::uint64_t seed_;
  std::mutex reading_;  // elements are read one after another, and numbered in that order
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::uint64_t given_ = 0, taken_ = 0;
  bool ended_ = false, stop_ = false;
  std::vector<std::thread> threads_;
};

class Mapped final : public Source {
 public:
  Mapped(SourcePtr in, FunctionPtr function, std::int64_t threads)
      : in_(std::move(in)), function_(std::move(function)), threads_(threads) {}
  std::unique_ptr<Iterator> iterate() const override {
    const std::uint64_t seed = next_random_seed();
    if (threads_ == 1) return std::make_unique<SerialMap>(in_->iterate(), function_, seed);
    return std::make_unique<ParallelMap>(in_->iterate(), function_, seed, threads_);
  }
  std::int64_t cardinality() const override { return in_->cardinality(); }

 private:
  SourcePtr in_;
  FunctionPtr function_;
  std::int64_t threads_;
};

class PrefetchIterator final : public Iterator {
 public:
  PrefetchIterator(std::unique_ptr<Iterator> in, std::int64_t buffer_size)
      : in_(std::move(in)), buffer_size_(static_cast<std::size_t>(buffer_size)), thread_([this] { work(); }) {}
  ~PrefetchIterator() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  bool next(Tensors& element) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    if (ready_.empty()) {
      if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
      return false;
    }
    element = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return true;
  }

 private:
  void work() {
    become_background_thread();
    std::exception_ptr error;
    try {
      Tensors element;
      while (wait_for_room() && in_->next(element)) {
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::exchange(element, {}));
        changed_.notify_all();
      }
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error;
    ended_ = true;
    changed_.notify_all();
  }
  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stop_ || ready_.size() < buffer_size_; });
    return !stop_;
  }

  std::unique_ptr<Iterator> in_;
  std::size_t buffer_size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Tensors> ready_;
  std::exception_ptr error_;
  bool ended_ = false, stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

class Prefetched final : public Source {
 public:
  Prefetched(SourcePtr in, std::int64_t buffer_size) : in_(std::move(in)), buffer_size_(buffer_size) {}
  std::unique_ptr<Iterator> iterate() const override {
    if (in_->is_quick()) return in_->iterate();
    return std::make_unique<PrefetchIterator>(in_->iterate(), buffer_size_);
  }
  bool is_quick() const override { return in_->is_quick(); }
  std::int64_t cardinality() const override { return in_->cardinality(); }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::int64_t buffer_size_;
};

}  // namespace

SourcePtr map(const SourcePtr& in, FunctionPtr function, const MapOptions& options) {
  std::int64_t threads = options.num_parallel_calls;
  if (threads == AUTOTUNE) threads = std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, 64);
  if (threads < 1 || threads > 1024)
    throw ValueError("data::map: num_parallel_calls is " + std::to_string(threads) +
                     ". Give a number from 1 to 1024, or data::AUTOTUNE.");
  return std::make_shared<Mapped>(in, std::move(function), threads);
}

SourcePtr prefetch(const SourcePtr& in, std::int64_t buffer_size) {
  if (buffer_size < AUTOTUNE)
    throw ValueError("data::prefetch: buffer_size is " + std::to_string(buffer_size) +
                     ". Give a positive number, 0 for none, or data::AUTOTUNE.");
  if (buffer_size == 0) return in;
  return std::make_shared<Prefetched>(in, buffer_size == AUTOTUNE ? 2 : buffer_size);
}

}  // namespace strata::data::detail
