// Memory for what the ops of a program keep, weights in the layout of their kernels above all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "core/tensor_data.h"
#include "kernels/round.h"

namespace strata {

// Hands out pieces of blocks that grow with the program: small programs take little, and most of what large ones keep
// lies in blocks that the system backs with large pages, since a run reads all of it once. Pieces outlive this.
class PackedMemory {
 public:
  // 64-byte aligned.
  std::shared_ptr<void> take(std::size_t bytes) {
    bytes = kernels::rounded(std::max<std::size_t>(bytes, 1), 64);
    if (block_ == nullptr || bytes > block_->bytes() - used_) {
      block_ = std::make_shared<detail::Buffer>(std::max({bytes, taken_, kSmallest}));
      used_ = 0;
    }
    void* piece = static_cast<std::byte*>(block_->data()) + used_;
    used_ += bytes;
    taken_ += bytes;
    return {block_, piece};
  }

 private:
  static constexpr std::size_t kSmallest = 4096;
  std::shared_ptr<detail::Buffer> block_;
  std::size_t used_ = 0, taken_ = 0;
};

}  // namespace strata
