#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/canvas.h"

namespace strata::plot {

namespace {

struct Colormap {
  const char* name;
  std::vector<std::uint32_t> stops;  // at equal distances
};

// Each is even to the eye along its whole length; "coolwarm" has its middle at zero.
const std::array<Colormap, 5>& colormaps() {
  static const std::array<Colormap, 5> all = {{
      {"blues", {0xf7fbff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b}},
      {"viridis", {0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725}},
      {"magma", {0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf}},
      {"gray", {0x000000, 0xffffff}},
      {"coolwarm", {0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b}},
  }};
  return all;
}

const Colormap* find_colormap(const std::string& name) {
  for (const Colormap& m : colormaps())
    if (name == m.name) return &m;
  return nullptr;
}

}  // namespace

Color series_color(std::size_t i) {
  constexpr std::array<std::uint32_t, 7> colors = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7,
                                                   0xe69f00, 0x56b4e9, 0x333333};
  return rgb(colors[i % colors.size()]);
}

void check_colormap(const std::string& colormap, const std::string& where) {
  if (find_colormap(colormap) != nullptr) return;
  std::string names;
  for (const Colormap& m : colormaps()) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", m.name);
  throw ValueError(fmt::format("{}: colormap \"{}\" is not known. Use one of {}.", where, colormap, names));
}

Color map_color(const std::string& colormap, double share) {
  const Colormap* m = find_colormap(colormap);
  if (m == nullptr || !std::isfinite(share)) return rgb(0xcccccc);
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(m->stops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), m->stops.size() - 2);
  const double t = at - static_cast<double>(low);
  const Color a = rgb(m->stops[low]), b = rgb(m->stops[low + 1]);
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t, 1};
}

Color readable_on(const Color& c) { return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b > 0.55 ? kInk : kWhite; }

}  // namespace strata::plot
