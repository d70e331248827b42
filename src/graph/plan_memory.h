// Where the values of a plan lie in its arena.
#pragma once

#include <cstddef>
#include <vector>

#include "strata/export.h"

namespace strata {

// A block that is needed from step `first` to step `last`, both included.
struct Block {
  std::size_t bytes = 0;
  int first = 0, last = 0;
  bool scratch = false;    // of a step, not a value
  std::size_t offset = 0;  // the answer, a multiple of 64
};

// So much scratch memory of a plan has places of its own. Threads cut it otherwise than values: in a place that is
// both, lines would go from the cache of one thread to that of another in each step. More of it is worth more than
// that.
inline constexpr std::size_t kOwnScratch = std::size_t{1} << 20;

// Gives blocks that are needed at the same time different places, as it does to scratch memory and all other blocks up
// to kOwnScratch; returns the size of the arena.
STRATA_API std::size_t place_blocks(std::vector<Block>& blocks);

}  // namespace strata
