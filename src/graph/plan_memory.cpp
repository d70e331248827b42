#include "graph/plan_memory.h"

#include <algorithm>
#include <numeric>

#include "kernels/round.h"

namespace strata {

namespace {

constexpr std::size_t kAlignment = 64;

bool overlap(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

std::size_t place_blocks(std::vector<Block>& blocks) {
  // Large ones first, each into the lowest gap that is wide enough.
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::size_t scratch = 0;
  for (const Block& b : blocks) scratch += b.scratch ? b.bytes : 0;
  const bool own = scratch <= kOwnScratch;
  std::vector<std::size_t> placed;  // by offset
  std::size_t arena = 0;
  for (const std::size_t i : order) {
    Block& block = blocks[i];
    block.bytes = kernels::rounded(block.bytes, kAlignment);
    std::size_t offset = 0;
    for (const std::size_t p : placed) {
      const Block& other = blocks[p];
      const bool apart = own && (block.scratch || other.scratch);
      if (!apart && !overlap(block, other)) continue;
      if (offset + block.bytes <= other.offset) break;
      offset = std::max(offset, other.offset + other.bytes);
    }
    block.offset = offset;
    arena = std::max(arena, offset + block.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset,
                                   [&](std::size_t o, std::size_t p) { return o < blocks[p].offset; }),
                  i);
  }
  return arena;
}

}  // namespace strata
