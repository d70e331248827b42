#include "core/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace strata {

namespace {

// Reads "-1.2345e-07".
Decimal parse(std::string_view text) {
  Decimal out;
  if (text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  for (const char c : text.substr(0, e))
    if (c != '.') out.digits += c;
  out.point = std::atoi(text.data() + e + 1) + 1;
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  if (out.digits.empty()) out = {out.negative, "0", 1};
  return out;
}

template <class T, class... Format>
std::string text_of(T v, Format... format) {
  char buffer[512];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer - 1, v, format...);
  *result.ptr = '\0';
  return {buffer, result.ptr};
}

// Whether `candidate` lies between the midpoints from |v| to its neighbours, so that it reads as |v| again.
bool reads_as(Float16 v, double candidate) {
  const auto magnitude = static_cast<std::uint16_t>(v.bits & 0x7fffu);
  auto value = [](std::uint32_t bits) {
    Float16 h;
    h.bits = static_cast<std::uint16_t>(bits);
    return bits == 0x7c00u ? 65536. : static_cast<double>(static_cast<float>(h));
  };
  const double here = value(magnitude);
  const double low = (value(magnitude - 1u) + here) / 2, high = (here + value(magnitude + 1u)) / 2;
  const bool even = (magnitude & 1u) == 0;
  return even ? low <= candidate && candidate <= high : low < candidate && candidate < high;
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

Decimal shortest_decimal(double v) { return parse(text_of(v, std::chars_format::scientific)); }
Decimal shortest_decimal(float v) { return parse(text_of(v, std::chars_format::scientific)); }

Decimal shortest_decimal(Float16 v) {
  const double exact = static_cast<float>(v);
  if (exact == 0) return shortest_decimal(exact);
  for (int count = 1;; ++count) {
    Decimal near = parse(text_of(std::fabs(exact), std::chars_format::scientific, count - 1));
    near.digits.resize(static_cast<std::size_t>(count), '0');
    const long digits = std::atol(near.digits.c_str());
    // Next to a power of two the nearest decimal can miss the interval where another one hits.
    for (const long candidate : {digits, digits - 1, digits + 1}) {
      const std::string text = std::to_string(candidate) + "e" + std::to_string(near.point - count);
      const double value = std::strtod(text.c_str(), nullptr);
      if (!reads_as(v, value)) continue;
      Decimal out = shortest_decimal(value);
      out.negative = exact < 0;
      return out;
    }
  }
}

std::string positional(const Decimal& d, double exact, int precision) {
  const int count = static_cast<int>(d.digits.size());
  if (count - d.point > precision) return trimmed(text_of(exact, std::chars_format::fixed, precision));
  std::string out(d.negative ? "-" : "");
  if (d.point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-d.point), '0').append(d.digits);
  } else {
    const auto whole = static_cast<std::size_t>(std::min(d.point, count));
    out.append(d.digits, 0, whole).append(static_cast<std::size_t>(d.point) - whole, '0').append(1, '.');
    out.append(d.digits, whole);
  }
  return out;
}

std::string scientific(double exact, int precision) {
  std::string out = text_of(exact, std::chars_format::scientific, precision);
  if (precision == 0) out.insert(out.find('e'), 1, '.');
  return out;
}

std::string scientific(const Decimal& d, double exact, int precision) {
  if (static_cast<int>(d.digits.size()) - 1 > precision) {
    const std::string text = scientific(exact, precision);
    const std::size_t e = text.find('e');
    return trimmed(text.substr(0, e)).append(text, e);
  }
  const int exponent = d.digits == "0" ? 0 : d.point - 1;
  std::string out(d.negative ? "-" : "");
  out.append(d.digits, 0, 1).append(1, '.').append(d.digits, 1).append(exponent < 0 ? "e-" : "e+");
  if (std::abs(exponent) < 10) out.append(1, '0');
  return out.append(std::to_string(std::abs(exponent)));
}

}  // namespace strata
