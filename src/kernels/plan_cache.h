// Prepared kernels by key, for eager ops. The least recently used go where there are too many. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace strata::kernels {

template <class Plan>
class PlanCache {
 public:
  using Pointer = std::shared_ptr<const Plan>;

  explicit PlanCache(std::size_t capacity) : capacity_(capacity) {}
  // What `make()` gives for this key.
  template <class Make>
  Pointer get(const std::string& key, Make&& make) {
    {
      const std::lock_guard lock(mutex_);
      if (auto found = index_.find(key); found != index_.end()) {
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
      }
    }
    Pointer made = make();
    const std::lock_guard lock(mutex_);
    if (auto found = index_.find(key); found != index_.end())
      return found->second->second;  // another thread was faster
    order_.emplace_front(key, made);
    index_.emplace(order_.front().first, order_.begin());
    if (order_.size() > capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return made;
  }

 private:
  using Entry = std::pair<std::string, Pointer>;
  std::mutex mutex_;
  std::size_t capacity_;
  std::list<Entry> order_;
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> index_;
};

// Appends the bytes of numbers to a cache key.
template <class... T>
void append_key(std::string& key, const T&... values) {
  (key.append(reinterpret_cast<const char*>(&values), sizeof(values)), ...);
}

}  // namespace strata::kernels
