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
  std::size_t offset = 0;  // the answer, a multiple of 64
};

// Gives blocks that are needed at the same time different places; returns the size of the arena.
STRATA_API std::size_t place_blocks(std::vector<Block>& blocks);

}  // namespace strata
