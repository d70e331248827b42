// The progress bar of Keras 2.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "strata/export.h"

namespace strata {

class STRATA_API Progbar {
 public:
  using Values = std::vector<std::pair<std::string, double>>;

  // `target` is the number of steps, or -1 where it is not known yet. verbose as in fit(). Writes to std::cout.
  Progbar(std::int64_t target, int verbose);
  // Draws the bar, on a terminal at most every 50 ms. Asks for `values` only where it draws.
  template <class GetValues>
  void update(std::int64_t current, GetValues&& get_values) {
    if (is_due()) draw(current, get_values());
  }
  void finish(std::int64_t current, const Values& values);

  // The texts, for tests: "469/469 [====] - 2s 3ms/step - loss: 7.5747".
  static std::string bar_text(std::int64_t current, std::int64_t target);
  static std::string time_per(double seconds, const char* unit);
  static std::string values_text(const Values& values);

 private:
  bool is_due() const;
  void draw(std::int64_t current, const Values& values);
  double elapsed() const;

  std::int64_t target_;
  int verbose_;
  bool is_terminal_;
  std::size_t drawn_width_ = 0;
  std::chrono::steady_clock::time_point start_, last_draw_;
};

}  // namespace strata
