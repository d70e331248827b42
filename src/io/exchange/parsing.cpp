#include "io/exchange/parsing.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/file.h"

namespace strata::exchange {

std::string read_file(const std::string& path, std::uint64_t limit) {
  const InputFile file(path);
  if (file.size() > limit)
    throw FileError(path + ": the file has " + std::to_string(file.size()) + " bytes, more than the limit of " +
                    std::to_string(limit) + ".");
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  if (!bytes.empty()) file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

double decimal_of(float value) {
  if (!std::isfinite(value)) return static_cast<double>(value);
  std::array<char, 64> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  double number = 0;
  std::from_chars(digits.data(), end, number);
  return number;
}

std::uint64_t checked_bytes(const Shape& shape, DType dtype, const std::string& where) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  std::uint64_t bytes = size_of(dtype);
  bool empty = false;
  for (const std::int64_t d : shape) empty = empty || d == 0;
  if (empty) return 0;
  for (const std::int64_t d : shape) {
    if (d < 0 || static_cast<std::uint64_t>(d) > kMost / bytes)
      throw FileError(where + ": a tensor of shape " + to_string(shape) + " is too large.");
    bytes *= static_cast<std::uint64_t>(d);
  }
  return bytes;
}

}  // namespace strata::exchange
