// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as TFRecord files and tensor bundles use it.
#pragma once

#include <cstdint>
#include <string_view>

#include "strata/export.h"

namespace strata {

// By the processor's own instruction where it has one.
STRATA_API std::uint32_t crc32c(std::string_view bytes);
// The same without that instruction.
STRATA_API std::uint32_t crc32c_by_tables(std::string_view bytes);

// What TFRecord stores: a checksum of data that holds checksums itself would be weak, so it is rotated and shifted.
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace strata
