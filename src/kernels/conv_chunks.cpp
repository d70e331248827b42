// Convolutions into slices of wider rows by kernels that write dense rows: each thread computes a few images at a time
// on its own and copies them into the slice while they lie in its cache.
#include <omp.h>

#include <algorithm>

#include "kernels/conv_plan.h"
#include "kernels/one_thread.h"
#include "kernels/parallel.h"
#include "kernels/round.h"

namespace strata::kernels {
namespace {

ConvTask of_images(const ConvTask& task, std::int64_t images) {
  ConvTask t = task;
  t.geometry.batch = images;
  t.dst_stride = 0;
  return t;
}

ConvPlanPtr prepare_for_one_thread(const ConvTask& task) {
  const OneThread scope;
  return prepare_conv(task);
}

// Rows whose length is a multiple of 16 bytes, in pieces of a size that the compiler knows.
void copy_rows(std::int64_t rows, std::int64_t bytes, const char* from, std::int64_t stride, char* to) {
  constexpr std::int64_t kPiece = 16;
  for (std::int64_t r = 0; r < rows; ++r, from += bytes, to += stride) {
    std::int64_t i = 0;
    for (; i + kPiece <= bytes; i += kPiece) __builtin_memcpy(to + i, from + i, kPiece);
    if (i < bytes) __builtin_memcpy(to + i, from + i, static_cast<std::size_t>(bytes - i));
  }
}

class ChunksPlan final : public ConvPlan {
 public:
  ChunksPlan(const ConvTask& t, std::int64_t images, std::int64_t parts)
      : ConvPlan(t), inner_(prepare_for_one_thread(of_images(t, images))), images_(images), parts_(parts) {
    dst_at_ = rounded(inner_->scratch_size(), 64);
    part_size_ = dst_at_ + rounded(static_cast<std::size_t>(inner_->task().geometry.dst_size()) * size_of(t.dtype), 64);
  }

  std::string implementation() const override { return inner_->implementation() + " by images"; }
  int reorders() const override { return inner_->reorders() + 1; }
  std::size_t packed_size() const override { return inner_->packed_size(); }
  std::size_t scratch_size() const override { return static_cast<std::size_t>(parts_) * part_size_; }
  void pack(const void* weights, void* packed) const override { inner_->pack(weights, packed); }

  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const Convolution& c = task().geometry;
    const auto width = static_cast<std::int64_t>(size_of(task().dtype));
    const std::int64_t in_image = c.in[0] * c.in[1] * c.in[2] * task().src_step() * width;
    const std::int64_t rows = c.out[0] * c.out[1] * c.out[2] * images_, chunks = c.batch / images_;
    const std::int64_t row = c.out_channels * width, stride = task().dst_step() * width;
    char* const to = static_cast<char*>(const_cast<void*>(dst));
    parallel_for(parts_, kParallelWork, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        char* own = static_cast<char*>(scratch) + static_cast<std::size_t>(part) * part_size_;
        for (std::int64_t i = chunks * part / parts_; i < chunks * (part + 1) / parts_; ++i) {
          inner_->run(static_cast<const char*>(src) + i * images_ * in_image, weights, own + dst_at_, own, bias);
          copy_rows(rows, row, own + dst_at_, stride, to + i * rows * stride);
        }
      }
    });
  }

 private:
  ConvPlanPtr inner_;
  std::int64_t images_, parts_;
  std::size_t dst_at_ = 0, part_size_ = 0;
};

}  // namespace

ConvPlanPtr make_chunks_plan(const ConvTask& task) {
  const Convolution& c = task.geometry;
  const std::int64_t parts = omp_get_max_threads();
  if (task.kind != ConvKind::forward || task.is_dense() || task.src_step() != c.in_channels || c.batch % parts != 0)
    return nullptr;
  // As many images as lie in half a second-level cache with their results.
  constexpr std::int64_t kBytes = 1 << 20;
  const std::int64_t bytes = (c.src_size() + c.dst_size()) / c.batch * static_cast<std::int64_t>(size_of(task.dtype));
  std::int64_t images = std::clamp<std::int64_t>(kBytes / std::max<std::int64_t>(bytes, 1), 1, c.batch / parts);
  while (c.batch / parts % images != 0) --images;
  return std::make_shared<ChunksPlan>(task, images, parts);
}

}  // namespace strata::kernels
