// What the files share that hand convolutions to oneDNN.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "kernels/conv.h"
#include "kernels/onednn.h"

namespace strata::kernels::onednn {

// Sizes as oneDNN wants them: channels before the spatial dimensions, which are two where depth is 1.
struct ConvDims {
  explicit ConvDims(const Convolution& c);
  dnnl::memory::dims src, weights, dst, stride, dilation, pad_before, pad_behind;
  dnnl::memory::format_tag activations_tag, weights_tag;  // of arrays as callers hold them
};

// Sets of memory objects wait here, so that a run allocates only when more threads than ever before are at it.
template <class Memories>
class MemorySlots {
  struct Slot {
    std::atomic_flag busy;
    std::unique_ptr<Memories> memories;
  };

 public:
  // Holds a set for one run: that of a slot, or one of its own where all slots are taken.
  class Lease {
   public:
    template <class Make>
    Lease(MemorySlots& all, Make&& make) {
      for (Slot& s : all.slots_) {
        if (s.busy.test_and_set(std::memory_order_acquire)) continue;
        slot_ = &s;
        break;
      }
      std::unique_ptr<Memories>& m = slot_ != nullptr ? slot_->memories : own_;
      if (m == nullptr) m = make();
      memories_ = m.get();
    }
    ~Lease() {
      if (slot_ != nullptr) slot_->busy.clear(std::memory_order_release);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Memories* operator->() const { return memories_; }

   private:
    Slot* slot_ = nullptr;
    std::unique_ptr<Memories> own_;
    Memories* memories_;
  };

 private:
  std::array<Slot, 8> slots_;
};

}  // namespace strata::kernels::onednn
