// Reading within bounds: every byte of an HDF5 file passes through here.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "strata/error.h"

namespace strata::hdf5 {

using Bytes = std::span<const unsigned char>;
inline constexpr std::uint64_t kUndefined = ~std::uint64_t{0};

// Reads little-endian values from front to back. Throws FileError, which names the file and the part, at the end.
class Cursor {
 public:
  Cursor(Bytes bytes, const std::string& file, const char* part) : bytes_(bytes), file_(file), part_(part) {}

  std::size_t remaining() const { return bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  Bytes take(std::uint64_t n) {
    if (n > remaining()) fail("it ends too early");
    const Bytes out = bytes_.subspan(at_, static_cast<std::size_t>(n));
    at_ += static_cast<std::size_t>(n);
    return out;
  }
  void skip(std::uint64_t n) { take(n); }
  // An unsigned integer of 1 to 8 bytes.
  std::uint64_t uint(std::size_t size) {
    if (size > 8) fail("an integer has " + std::to_string(size) + " bytes");
    std::uint64_t v = 0;
    const Bytes b = take(size);
    for (std::size_t i = size; i-- > 0;) v = v << 8 | b[i];
    return v;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(uint(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(uint(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(uint(4)); }
  // An address, or kUndefined where all its bits are set.
  std::uint64_t address(std::size_t size) {
    const std::uint64_t v = uint(size);
    return size < 8 && v == (std::uint64_t{1} << (8 * size)) - 1 ? kUndefined : v;
  }
  // Text up to the first zero byte, which must be there.
  std::string zero_ended() {
    const Bytes rest = bytes_.subspan(at_);
    const auto* end =
        static_cast<const unsigned char*>(rest.empty() ? nullptr : std::memchr(rest.data(), 0, rest.size()));
    if (end == nullptr) fail("a name does not end");
    const auto n = static_cast<std::size_t>(end - rest.data());
    at_ += n + 1;
    return {reinterpret_cast<const char*>(rest.data()), n};
  }
  std::string text(std::uint64_t n) {
    const Bytes b = take(n);
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  void expect(std::string_view signature) {
    const Bytes b = take(signature.size());
    if (std::memcmp(b.data(), signature.data(), signature.size()) != 0)
      fail("its signature is not '" + std::string(signature) + "'");
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError("'" + file_ + "': the HDF5 file is damaged or cut: " + part_ + ": " + what + ".");
  }
  // Something that the format has and strata does not read.
  [[noreturn]] void unsupported(const std::string& what) const {
    throw FileError("'" + file_ + "': strata does not read this part of HDF5: " + what +
                    ". Write the file again with h5py's defaults.");
  }

 private:
  Bytes bytes_;
  const std::string& file_;
  const char* part_;
  std::size_t at_ = 0;
};

}  // namespace strata::hdf5
