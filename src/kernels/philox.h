// Many blocks of a random stream at once, by vector instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/generator.h"

namespace strata::kernels {

// Writes what stream.block(first), stream.block(first + 1), ... give: 4 * count words.
STRATA_API void philox_blocks(const RandomStream& stream, std::uint64_t first, std::size_t count, std::uint32_t* words);

}  // namespace strata::kernels
