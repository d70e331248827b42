// The CRC-32 of zip archives (reflected polynomial 0xedb88320).
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/export.h"

namespace strata {

// That of bytes behind others whose checksum is `crc`; 0 at the beginning. By carry-less products where the processor
// has them (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009),
// else by zlib.
STRATA_API std::uint32_t crc32(std::uint32_t crc, const void* bytes, std::size_t count);

}  // namespace strata
