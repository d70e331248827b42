#include "models/progbar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace strata {

namespace {

constexpr int kWidth = 30;

std::string remaining(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds);
  if (s > 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s % 3600 / 60, s % 60);
  if (s > 60) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}s", s);
}

}  // namespace

Progbar::Progbar(std::int64_t target, int verbose)
    : target_(target),
      verbose_(verbose),
      is_terminal_(isatty(STDOUT_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_draw_(start_ - std::chrono::hours(1)) {}

double Progbar::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string Progbar::bar_text(std::int64_t current, std::int64_t target) {
  if (target < 0) return fmt::format("{:>7}/Unknown", current);
  const int digits = static_cast<int>(std::log10(std::max<std::int64_t>(target, 1))) + 1;
  const double share = target == 0 ? 1 : static_cast<double>(current) / static_cast<double>(target);
  const int done = static_cast<int>(kWidth * share);
  std::string bar;
  if (done > 0) bar = std::string(static_cast<std::size_t>(done - 1), '=') + (current < target ? ">" : "=");
  bar += std::string(static_cast<std::size_t>(kWidth - done), '.');
  return fmt::format("{:>{}}/{} [{}]", current, digits, target, bar);
}

std::string Progbar::time_per(double seconds, const char* unit) {
  if (seconds >= 1 || seconds == 0) return fmt::format(" {:.0f}s/{}", seconds, unit);
  if (seconds >= 1e-3) return fmt::format(" {:.0f}ms/{}", seconds * 1e3, unit);
  return fmt::format(" {:.0f}us/{}", seconds * 1e6, unit);
}

std::string Progbar::values_text(const Values& values) {
  std::string out;
  for (const auto& [name, value] : values)
    if (std::isnan(value))  // without its sign, as Python prints it
      out += fmt::format(" - {}: nan", name);
    else
      out += std::abs(value) > 1e-3 || value == 0 ? fmt::format(" - {}: {:.4f}", name, value)
                                                  : fmt::format(" - {}: {:.4e}", name, value);
  return out;
}

bool Progbar::is_due() const {
  return verbose_ == 1 && is_terminal_ && std::chrono::steady_clock::now() - last_draw_ > std::chrono::milliseconds(50);
}

void Progbar::draw(std::int64_t current, const Values& values) {
  last_draw_ = std::chrono::steady_clock::now();
  std::string line = bar_text(current, target_);
  const double per_step = elapsed() / static_cast<double>(std::max<std::int64_t>(current, 1));
  line += target_ < 0 ? fmt::format(" - {:.0f}s{}", elapsed(), time_per(per_step, "step"))
                      : " - ETA: " + remaining(per_step * static_cast<double>(target_ - current));
  line += values_text(values);
  const std::size_t width = line.size();
  if (width < drawn_width_) line += std::string(drawn_width_ - width, ' ');
  drawn_width_ = width;
  std::cout << '\r' << line << std::flush;
}

void Progbar::finish(std::int64_t current, const Values& values) {
  if (verbose_ == 0) return;
  const double seconds = elapsed(), per_step = seconds / static_cast<double>(std::max<std::int64_t>(current, 1));
  const std::int64_t target = target_ < 0 ? current : target_;
  std::string line;
  if (verbose_ == 1) {
    line = bar_text(current, target) + fmt::format(" - {:.0f}s", seconds) + time_per(per_step, "step") +
           values_text(values);
    if (line.size() < drawn_width_) line += std::string(drawn_width_ - line.size(), ' ');
    if (is_terminal_) line = '\r' + line;
  } else {
    const std::string per_epoch = time_per(seconds, "epoch");
    line = fmt::format("{}/{} - {:.0f}s{} -{} -{}", current, target, seconds, values_text(values), per_epoch,
                       time_per(per_step, "step"));
  }
  std::cout << line << std::endl;
}

}  // namespace strata
