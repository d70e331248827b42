// Curves as text and as a page.
#include "strata/board.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iostream>
#include <thread>

#include "report/axes.h"
#include "report/html.h"
#include "strata/error.h"
#include "strata/plot.h"

namespace strata::board {

namespace {

struct Group {
  std::string tag;
  std::vector<const Curve*> curves;
};

std::vector<Group> groups_of(const std::vector<Curve>& curves, const std::string& filter) {
  std::vector<Group> out;
  for (const Curve& c : curves) {
    if (c.tag.find(filter) == std::string::npos) continue;
    if (out.empty() || out.back().tag != c.tag) out.push_back({c.tag, {}});
    out.back().curves.push_back(&c);
  }
  return out;
}

constexpr std::array<int, 6> kAnsi = {34, 33, 32, 35, 36, 31};
constexpr const char* kMarks = "*o+x#@";

// A raster of Braille: each character has 2 x 4 dots, and the colour of the last curve that touched it.
class Raster {
 public:
  Raster(int width, int height) : width_(width), height_(height), dots_(cells(), 0), owner_(cells(), -1) {}

  void line(double x0, double y0, double x1, double y1, int owner) {
    const int steps = static_cast<int>(std::max(std::abs(x1 - x0), std::abs(y1 - y0))) + 1;
    for (int i = 0; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      dot(static_cast<int>(std::lround(x0 + (x1 - x0) * t)), static_cast<int>(std::lround(y0 + (y1 - y0) * t)), owner);
    }
  }
  int dots_wide() const { return width_ * 2; }
  int dots_high() const { return height_ * 4; }

  std::string row(int y, bool color) const {
    std::string out;
    for (int x = 0; x < width_; ++x) {
      const auto at = static_cast<std::size_t>(y * width_ + x);
      const unsigned code = 0x2800 + dots_[at];
      const std::string cell = {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
                                static_cast<char>(0x80 | (code & 0x3f))};
      if (dots_[at] == 0)
        out += ' ';
      else if (color)
        out += fmt::format("\x1b[{}m{}\x1b[0m", kAnsi[static_cast<std::size_t>(owner_[at]) % kAnsi.size()], cell);
      else
        out += cell;
    }
    return out;
  }

 private:
  std::size_t cells() const { return static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_); }
  void dot(int x, int y, int owner) {
    if (x < 0 || y < 0 || x >= dots_wide() || y >= dots_high()) return;
    // Braille's dots are numbered down the left column, then the right one, the lowest row last.
    static constexpr unsigned bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const auto at = static_cast<std::size_t>(y / 4 * width_ + x / 2);
    dots_[at] |= bits[y % 4][x % 2];
    owner_[at] = owner;
  }

  int width_, height_;
  std::vector<unsigned> dots_;
  std::vector<int> owner_;
};

plot::Range steps_of(const Group& group) {
  std::vector<double> steps;
  for (const Curve* c : group.curves)
    for (const Point& p : c->points) steps.push_back(static_cast<double>(p.step));
  plot::Range r = plot::range_of(steps, 0);
  if (!(r.high > r.low)) r.high = r.low + 1;
  return r;
}

std::string draw_group(const Group& group, const DrawOptions& options) {
  const int label = 11;
  Raster raster(std::max(10, options.width - label), std::max(3, options.height));
  std::vector<double> values;
  for (const Curve* c : group.curves)
    for (const Point& p : c->points) values.push_back(p.value);
  const plot::Range x = steps_of(group), y = plot::range_of(values, 0.02);
  const auto to_x = [&](const Point& p) {
    return (static_cast<double>(p.step) - x.low) / (x.high - x.low) * (raster.dots_wide() - 1);
  };
  const auto to_y = [&](const Point& p) { return (y.high - p.value) / (y.high - y.low) * (raster.dots_high() - 1); };
  for (std::size_t c = 0; c < group.curves.size(); ++c) {
    const Point* last = nullptr;
    for (const Point& p : group.curves[c]->points) {
      if (!std::isfinite(p.value)) {
        last = nullptr;
        continue;
      }
      const Point& from = last != nullptr ? *last : p;
      raster.line(to_x(from), to_y(from), to_x(p), to_y(p), static_cast<int>(c));
      last = &p;
    }
  }
  std::string out = group.tag + "\n";
  const int height = std::max(3, options.height);
  for (int i = 0; i < height; ++i) {
    const bool labelled = i == 0 || i == height - 1 || i == height / 2;
    const double v = y.high - (y.high - y.low) * i / (height - 1);
    out += (labelled ? fmt::format("{:>9.4g} ", v) : std::string(10, ' ')) + "│" + raster.row(i, options.color) + "\n";
  }
  out += fmt::format("{:10}└ step {:.0f} to {:.0f}\n", "", x.low, x.high);
  for (std::size_t c = 0; c < group.curves.size(); ++c) {
    const Curve& curve = *group.curves[c];
    const std::string mark =
        options.color ? fmt::format("\x1b[{}m●\x1b[0m", kAnsi[c % kAnsi.size()]) : std::string(1, kMarks[c % 6]);
    out += fmt::format("{:10}{} {}: {:.6g} at step {}\n", "", mark, curve.run, curve.points.back().value,
                       curve.points.back().step);
  }
  return out + "\n";
}

}  // namespace

std::string draw(const std::string& logdir, const DrawOptions& options) {
  const auto curves = read_scalars(logdir);
  std::string out;
  for (const Group& g : groups_of(curves, options.filter)) out += draw_group(g, options);
  return out.empty() ? "There are no scalars" + (options.filter.empty() ? "" : " with '" + options.filter + "'") + ".\n"
                     : out;
}

void write_html(const std::string& logdir, const std::string& path, const DrawOptions& options) {
  const auto curves = read_scalars(logdir);
  html::Page page("Curves of " + logdir);
  html::Table table;
  table.head = {"tag", "run", "last value", "step", "smallest", "largest"};
  std::string figures;
  for (const Group& g : groups_of(curves, options.filter)) {
    std::vector<plot::Series> series;
    for (const Curve* c : g.curves) {
      plot::Series s;
      s.name = c->run;
      double low = INFINITY, high = -INFINITY;
      for (const Point& p : c->points) {
        s.x.push_back(static_cast<double>(p.step));
        s.y.push_back(p.value);
        low = std::fmin(low, p.value);
        high = std::fmax(high, p.value);
      }
      series.push_back(std::move(s));
      table.rows.push_back({g.tag, c->run, fmt::format("{:.6g}", c->points.back().value),
                            std::to_string(c->points.back().step), fmt::format("{:.6g}", low),
                            fmt::format("{:.6g}", high)});
    }
    figures += html::figure(plot::lines(series, {.title = g.tag, .x_label = "step", .figure_size = {5.6, 3.8}}));
  }
  page.add("<div class=\"grid\">" + figures + "</div>");
  page.section("Last values", html::table(table));
  page.save(path);
}

void follow(const std::string& logdir, const DrawOptions& options, double seconds, int times) {
  for (int i = 0; times == 0 || i < times; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    // Home and clear below, so that the picture does not flicker.
    std::cout << "\x1b[H\x1b[J" << draw(logdir, options) << std::flush;
  }
}

int main(const std::vector<std::string>& arguments) {
  const char* usage = "usage: strata board LOGDIR [--follow] [--html FILE] [--filter TEXT]\n";
  std::string logdir, page;
  bool live = false;
  DrawOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    const bool has_next = i + 1 < arguments.size();
    if (a == "--follow")
      live = true;
    else if (a == "--html" && has_next)
      page = arguments[++i];
    else if (a == "--filter" && has_next)
      options.filter = arguments[++i];
    else if (!a.starts_with("-") && logdir.empty())
      logdir = a;
    else {
      std::cerr << "strata board: '" << a << "' is not understood.\n" << usage;
      return 2;
    }
  }
  if (logdir.empty()) {
    std::cerr << usage;
    return 2;
  }
  if (isatty(STDOUT_FILENO) != 0) {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 30) options.width = size.ws_col - 1;
    options.color = std::getenv("NO_COLOR") == nullptr;
  }
  try {
    if (!page.empty()) write_html(logdir, page, options);
    if (live)
      follow(logdir, options);
    else if (page.empty())
      std::cout << draw(logdir, options);
  } catch (const Error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace strata::board
