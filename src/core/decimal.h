// Decimal digits of floating-point numbers, as NumPy prints them.
#pragma once

#include <string>

#include "core/half.h"

namespace strata {

// A finite number's shortest digits that tell it from its neighbours: 0.d1d2d3... * 10^point.
struct Decimal {
  bool negative = false;
  std::string digits;  // without zeros at its ends; "0" for zero
  int point = 1;
};
Decimal shortest_decimal(double v);
Decimal shortest_decimal(float v);
Decimal shortest_decimal(Float16 v);

// The number with at most `precision` digits behind the point: the shortest digits where they are few enough, else its
// exact value rounded. `exact` is the value itself. No zeros at the end; the point stays: "-1.5", "2.".
std::string positional(const Decimal& d, double exact, int precision);
// The same before an exponent of at least two digits: "1.5e+00".
std::string scientific(const Decimal& d, double exact, int precision);
// The exact value rounded to `precision` digits behind the point: "1.50e+00".
std::string scientific(double exact, int precision);

}  // namespace strata
