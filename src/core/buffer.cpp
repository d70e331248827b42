// The memory of tensors: blocks kept in free lists by size class, so that a training step reuses the memory of the step
// before instead of asking the system for pages that it has to clear again.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor_data.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace strata::detail {

namespace {

// Lets AddressSanitizer see the end of each buffer, and uses of what is only cached.
void hide([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(block, bytes);
#endif
}
void reveal([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
#endif
}

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Blocks from here on come straight from the system, in large pages, and go back to it.
constexpr std::size_t kLarge = std::size_t{4} << 20;
constexpr std::size_t kMaxBytes = std::size_t{1} << 46;
constexpr std::size_t kClasses = 8 * (46 - 9 + 1) + 1;

// Multiples of 64 up to 512, then eight steps for each doubling: at most an eighth of a block is wasted.
std::size_t capacity_of(std::size_t bytes) {
  const std::size_t step = bytes <= 512 ? kAlignment : std::bit_floor(bytes - 1) / 8;
  return std::max(kAlignment, (bytes + step - 1) / step * step);
}

std::size_t class_of(std::size_t capacity) {
  if (capacity <= 512) return capacity / kAlignment - 1;
  const std::size_t floor = std::bit_floor(capacity - 1);
  const auto doublings = static_cast<std::size_t>(std::countr_zero(floor)) - 9;
  return 8 + 8 * doublings + (capacity - floor) / (floor / 8) - 1;
}

void* map_large(std::size_t capacity) {
  // Room to start at a huge page; the rest before and behind is given back at once.
  const std::size_t room = capacity + kHugePage;
  void* mapped = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uintptr_t start = (begin + kHugePage - 1) / kHugePage * kHugePage;
  char* block = static_cast<char*>(mapped) + (start - begin);
  if (start > begin) munmap(mapped, start - begin);
  munmap(block + capacity, begin + room - start - capacity);
  madvise(block, capacity, MADV_HUGEPAGE);
  return block;
}

void* system_allocate(std::size_t capacity) {
  return capacity >= kLarge ? map_large(capacity) : std::aligned_alloc(kAlignment, capacity);
}

void system_free(void* block, std::size_t capacity) {
  reveal(block, capacity);
  if (capacity >= kLarge)
    munmap(block, capacity);
  else
    std::free(block);
}

class Pool {
 public:
  // Never destroyed: tensors in static variables outlive it otherwise.
  static Pool& get() {
    static Pool& pool = *new Pool;
    return pool;
  }

  void* take(std::size_t bytes, std::size_t& capacity) {
    if (bytes > kMaxBytes) throw_out_of_memory(bytes);
    capacity = capacity_of(bytes);
    const std::lock_guard lock(mutex_);
    tick();
    Class& c = classes_[class_of(capacity)];
    void* block = nullptr;
    if (!c.free.empty()) {
      block = c.free.back();
      c.free.pop_back();
      cached_ -= capacity;
    } else {
      block = system_allocate(capacity);
      if (block == nullptr) {
        release_all();
        block = system_allocate(capacity);
      }
      if (block == nullptr) throw_out_of_memory(bytes);
    }
    c.capacity = capacity;
    c.peak = std::max(c.peak, ++c.in_use);
    in_use_ += capacity;
    hide(block, capacity);
    reveal(block, bytes);
    return block;
  }

  void give_back(void* block, std::size_t capacity) noexcept {
    hide(block, capacity);
    const std::lock_guard lock(mutex_);
    Class& c = classes_[class_of(capacity)];
    --c.in_use;
    in_use_ -= capacity;
    try {
      c.free.push_back(block);
      cached_ += capacity;
    } catch (const std::bad_alloc&) {
      system_free(block, capacity);
    }
  }

  std::size_t in_use() {
    const std::lock_guard lock(mutex_);
    return in_use_;
  }
  std::size_t cached() {
    const std::lock_guard lock(mutex_);
    return cached_;
  }
  void next_window() {
    const std::lock_guard lock(mutex_);
    start_window();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Class {
    std::vector<void*> free;
    std::size_t capacity = 0, in_use = 0;
    std::size_t peak = 0, previous_peak = 0;  // most blocks in use in this window of time and in the one before
  };

  // A window is long enough to hold whole training steps: 2 s and 16384 requests, or half a minute.
  void tick() {
    if (++requests_ % 64 != 0) return;
    const auto now = Clock::now();
    const auto elapsed = now - window_start_;
    if (elapsed < std::chrono::seconds(2) || (requests_ < 16384 && elapsed < std::chrono::seconds(30))) return;
    window_start_ = now;
    requests_ = 0;
    start_window();
  }

  // Gives back what neither this window nor the one before needed at once.
  void start_window() {
    for (Class& c : classes_) {
      const std::size_t wanted = std::max(c.peak, c.previous_peak) - c.in_use;
      release(c, wanted);
      c.previous_peak = std::exchange(c.peak, c.in_use);
    }
  }
  void release(Class& c, std::size_t keep) {
    for (; c.free.size() > keep; c.free.pop_back()) {
      system_free(c.free.back(), c.capacity);
      cached_ -= c.capacity;
    }
  }
  void release_all() {
    for (Class& c : classes_) release(c, 0);
  }
  [[noreturn]] void throw_out_of_memory(std::size_t bytes) const {
    throw Error("out of memory: a tensor needs " + std::to_string(bytes) + " bytes more, and tensors use " +
                std::to_string(in_use_) + " already. Use a smaller batch, or release tensors that are not needed.");
  }

  std::mutex mutex_;
  std::array<Class, kClasses> classes_;
  std::size_t in_use_ = 0, cached_ = 0, requests_ = 0;
  Clock::time_point window_start_ = Clock::now();
};

}  // namespace

Buffer::Buffer(std::size_t bytes) : data_(nullptr), bytes_(bytes) { data_ = Pool::get().take(bytes, capacity_); }

Buffer::Buffer(const void* foreign, std::size_t bytes, std::shared_ptr<void> owner)
    : data_(const_cast<void*>(foreign)), bytes_(bytes), owner_(std::move(owner)) {}

Buffer::~Buffer() {
  if (!is_foreign()) Pool::get().give_back(data_, capacity_);
}

std::size_t pool_bytes_in_use() { return Pool::get().in_use(); }
std::size_t pool_bytes_cached() { return Pool::get().cached(); }
void pool_next_window() { Pool::get().next_window(); }

}  // namespace strata::detail
