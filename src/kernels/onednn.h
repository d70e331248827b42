// What the files that call oneDNN share. Only files of src/kernels include this header.
#pragma once

#include <cstdint>
#include <dnnl.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "strata/dtype.h"

namespace strata::kernels::onednn {

const dnnl::engine& engine();
// One for each thread: a stream must not be used by two threads at a time.
dnnl::stream& stream();

// float32, bfloat16 and float16; throws Error for the others.
dnnl::memory::data_type data_type(DType dtype);

// One argument of a prepared primitive: the layout in which the caller holds it, and the one in which the primitive
// wants it.
struct Argument {
  int id;
  dnnl::memory::desc user, inner;
  bool output = false;
};

// A primitive, and the reorders between the caller's layouts and its own. Immutable, so threads may share it.
class Prepared {
 public:
  Prepared(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad, const std::vector<Argument>& arguments);
  // `data` in the order of the arguments. Converted copies live in buffers of the tensor pool.
  void execute(std::initializer_list<void*> data) const;

 private:
  struct Converted {
    Argument argument;
    dnnl::reorder reorder;
  };
  dnnl::primitive primitive_;
  dnnl::memory::desc scratchpad_;
  std::vector<Converted> arguments_;
};

// Prepared primitives by key; the least recently used go where there are too many. Thread-safe.
class PrimitiveCache {
 public:
  explicit PrimitiveCache(std::size_t capacity) : capacity_(capacity) {}
  // What `make()` gives for this key; null (which is kept, too) where oneDNN has no implementation.
  template <class Make>
  std::shared_ptr<const Prepared> get(const std::string& key, Make&& make) {
    {
      const std::lock_guard lock(mutex_);
      if (auto found = index_.find(key); found != index_.end()) {
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
      }
    }
    std::shared_ptr<const Prepared> made = make();
    insert(key, made);
    return made;
  }
  std::size_t size() const;

 private:
  void insert(const std::string& key, const std::shared_ptr<const Prepared>& value);
  using Entry = std::pair<std::string, std::shared_ptr<const Prepared>>;
  mutable std::mutex mutex_;
  std::size_t capacity_;
  std::list<Entry> order_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};

// Appends the bytes of numbers to a cache key.
template <class... T>
void append_key(std::string& key, const T&... values) {
  (key.append(reinterpret_cast<const char*>(&values), sizeof(values)), ...);
}

}  // namespace strata::kernels::onednn
