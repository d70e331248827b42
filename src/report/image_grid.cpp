// Pictures side by side: samples with their labels, kernels, feature maps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axes.h"
#include "report/pixels.h"
#include "strata/array.h"
#include "strata/layer.h"

namespace strata::plot {

Pixels pixels_of(const Tensor& image, const std::string& colormap, std::optional<Range> range) {
  const Shape& s = image.shape();
  const bool is_color = s.size() == 3 && s[2] >= 3;
  const auto channels = static_cast<std::size_t>(s.size() == 3 ? s[2] : 1);
  Pixels out{static_cast<int>(s[1]), static_cast<int>(s[0]), {}};
  std::vector<float> values = image.to_vector<float>();
  Range r{0, 1};
  if (range) {
    r = *range;
  } else {
    // Floats are 0..1 as networks take them, or 0..255 as files hold them.
    const float most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    if (image.dtype() == DType::uint8 || !is_floating(image.dtype()) || most > 1.5f) r.high = 255;
  }
  const double scale = r.high > r.low ? 1 / (r.high - r.low) : 0;
  out.rgb.reserve(static_cast<std::size_t>(s[0] * s[1]) * 3);
  const auto byte = [](double v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0, 1.0) * 255)); };
  for (std::size_t i = 0; i + channels <= values.size(); i += channels) {
    if (is_color) {
      for (std::size_t c = 0; c < 3; ++c) out.rgb.push_back(byte((values[i + c] - r.low) * scale));
    } else {
      const Color color = map_color(colormap, (values[i] - r.low) * scale);
      for (double v : {color.r, color.g, color.b}) out.rgb.push_back(byte(v));
    }
  }
  return out;
}

namespace {

struct Tile {
  Pixels pixels;
  std::string title;
};

struct GridStyle {
  std::string title;
  double font_size = 9;
};

void draw_grid(Canvas& canvas, const FigureSize& size, const std::vector<Tile>& tiles, int rows, int columns,
               const GridStyle& style) {
  const double top = style.title.empty() ? 4 : style.font_size * 2.6, margin = 4;
  const bool has_titles = std::any_of(tiles.begin(), tiles.end(), [](const Tile& t) { return !t.title.empty(); });
  const double text = has_titles ? style.font_size * 1.6 : 3;
  const double w = (size.width * 72 - 2 * margin) / columns, h = (size.height * 72 - top - margin) / rows;
  canvas.text({size.width * 36, style.font_size * 1.3}, style.title,
              {.size = style.font_size * 1.25, .horizontal = 0.5, .bold = true});
  for (std::size_t k = 0; k < tiles.size(); ++k) {
    const Tile& tile = tiles[k];
    const double x = margin + static_cast<double>(static_cast<int>(k) % columns) * w;
    const double y = top + static_cast<double>(static_cast<int>(k) / columns) * h;
    const double room_x = w - 5, room_y = h - text - 3;
    const double scale = std::min(room_x / tile.pixels.width, room_y / tile.pixels.height);
    const double iw = tile.pixels.width * scale, ih = tile.pixels.height * scale;
    const double ix = x + (w - iw) / 2, iy = y + (room_y - ih) / 2;
    canvas.image(ix, iy, iw, ih, tile.pixels);
    canvas.frame(ix, iy, iw, ih, {rgb(0xbbbbbb), 0.4});
    const double wide = canvas.text_size(tile.title, {.size = style.font_size}).x;
    canvas.text({x + w / 2, iy + ih + text * 0.5}, tile.title,
                {.size = style.font_size * std::min(1.0, (w - 3) / std::max(1.0, wide)), .horizontal = 0.5});
  }
}

std::vector<std::string> titles_of(const ImageGridOptions& o, std::int64_t n) {
  const std::string where = "plot::image_grid";
  if (!o.titles.empty()) {
    if (static_cast<std::int64_t>(o.titles.size()) < n)
      throw ValueError(fmt::format("{}: {} titles are given for {} images.", where, o.titles.size(), n));
    return o.titles;
  }
  if (!o.labels.defined()) return std::vector<std::string>(static_cast<std::size_t>(n));
  const auto labels = o.labels.to_vector<std::int64_t>();
  if (static_cast<std::int64_t>(labels.size()) < n)
    throw ShapeError(
        fmt::format("{}: labels have shape {}, but there are {} images.", where, to_string(o.labels.shape()), n));
  std::vector<std::string> out;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t label = labels[static_cast<std::size_t>(i)];
    if (o.label_names.empty()) {
      out.push_back(std::to_string(label));
      continue;
    }
    if (label < 0 || label >= static_cast<std::int64_t>(o.label_names.size()))
      throw ValueError(
          fmt::format("{}: label {} has no name; {} label_names are given.", where, label, o.label_names.size()));
    out.push_back(o.label_names[static_cast<std::size_t>(label)]);
  }
  return out;
}

// Rows and columns for n tiles where some are not given.
std::pair<int, int> arrange(std::int64_t n, int rows, int columns) {
  const auto count = static_cast<int>(n);
  if (rows <= 0 && columns <= 0) columns = static_cast<int>(std::ceil(std::sqrt(count)));
  if (columns <= 0) columns = (count + rows - 1) / rows;
  if (rows <= 0) rows = (count + columns - 1) / columns;
  return {std::max(rows, 1), std::max(columns, 1)};
}

Figure grid_figure(std::vector<Tile> tiles, int rows, int columns, FigureSize size, double dpi, const GridStyle& style,
                   double tile_inches, const std::string& where) {
  if (size.width == 0 && size.height == 0) {
    size = {tile_inches * columns + 0.1, tile_inches * rows + (style.title.empty() ? 0.1 : 0.4)};
    size.width = std::min(size.width, 60.0);
    size.height = std::min(size.height, 60.0);
  }
  return make_figure(
      size, dpi,
      [=, tiles = std::move(tiles)](Canvas& canvas) { draw_grid(canvas, size, tiles, rows, columns, style); }, where);
}

}  // namespace

Figure image_grid(const Tensor& images, const ImageGridOptions& options) {
  const std::string where = "plot::image_grid";
  const Shape shape = images.defined() ? images.shape() : Shape{};
  const bool fits = shape.size() == 3 || (shape.size() == 4 && (shape[3] == 1 || shape[3] == 3 || shape[3] == 4));
  if (!fits || images.size() == 0)
    throw ShapeError(fmt::format(
        "{}: images have shape {}, but (n, height, width), or with 1, 3 or 4 channels behind, was expected.", where,
        to_string(shape)));
  check_colormap(options.colormap, where);
  const auto [rows, columns] = arrange(shape[0], options.rows, options.columns);
  const std::int64_t n = std::min<std::int64_t>(shape[0], std::int64_t{rows} * columns);
  const std::vector<std::string> titles = titles_of(options, n);
  std::vector<Tile> tiles;
  for (std::int64_t i = 0; i < n; ++i)
    tiles.push_back({pixels_of(images[i], options.colormap), titles[static_cast<std::size_t>(i)]});
  return grid_figure(std::move(tiles), rows, columns, options.figure_size, options.dpi,
                     {options.title, options.font_size}, 1.25, where);
}

Figure weights(const Tensor& kernel, const MapsOptions& options) {
  const std::string where = "plot::weights";
  check_colormap(options.colormap, where);
  if (!kernel.defined() || (kernel.rank() != 4 && kernel.rank() != 2) || kernel.size() == 0)
    throw ShapeError(fmt::format("{}: the kernel has shape {}, but (height, width, in, out) or (in, out) was expected.",
                                 where, kernel.defined() ? to_string(kernel.shape()) : "none"));
  const std::vector<float> values = kernel.to_vector<float>();
  double most = 1e-12;
  for (float v : values) most = std::max(most, std::abs(static_cast<double>(v)));
  if (kernel.rank() == 2)
    return heatmap(kernel, {.title = options.title,
                            .figure_size = options.figure_size,
                            .colormap = options.colormap,
                            .vmin = -most,
                            .vmax = most,
                            .dpi = options.dpi});
  // Filters first; each with its channels last.
  const Tensor filters = transpose(cast(kernel, float32), {3, 0, 1, 2});
  const bool is_color = kernel.shape()[2] == 3;
  std::vector<Tile> tiles;
  const std::int64_t n = std::min<std::int64_t>(filters.shape()[0], options.max_maps);
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensor filter = is_color ? filters[i] : filters[i][{Ellipsis, 0}];
    tiles.push_back({pixels_of(filter, options.colormap, Range{-most, most}), ""});
  }
  const auto [rows, columns] = arrange(n, 0, 0);
  return grid_figure(std::move(tiles), rows, columns, options.figure_size, options.dpi, {options.title}, 0.6, where);
}

Figure weights(const Layer& layer, const MapsOptions& options) {
  for (const Variable& v : layer.weights())
    if (v.shape().size() == 4 || v.shape().size() == 2) {
      MapsOptions named = options;
      if (named.title.empty()) named.title = layer.name() + " " + to_string(v.shape());
      return weights(v.read(), named);
    }
  throw ValueError("plot::weights: layer '" + layer.name() +
                   "' has no kernel (a weight of 2 or 4 dimensions). Is it built?");
}

Figure feature_maps(const Tensor& maps, const MapsOptions& options) {
  const std::string where = "plot::feature_maps";
  check_colormap(options.colormap, where);
  const Tensor one = maps.defined() && maps.rank() == 4 && maps.shape()[0] == 1 ? maps[0] : maps;
  if (!one.defined() || one.rank() != 3 || one.size() == 0)
    throw ShapeError(
        fmt::format("{}: the maps have shape {}, but those of one sample, (height, width, channels), were "
                    "expected.",
                    where, maps.defined() ? to_string(maps.shape()) : "none"));
  const Tensor channels = transpose(cast(one, float32), {2, 0, 1});
  const std::int64_t n = std::min<std::int64_t>(channels.shape()[0], options.max_maps);
  std::vector<Tile> tiles;
  for (std::int64_t i = 0; i < n; ++i)
    tiles.push_back({pixels_of(channels[i], options.colormap, range_of(channels[i].to_vector<double>(), 0)), ""});
  const auto [rows, columns] = arrange(n, 0, 0);
  return grid_figure(std::move(tiles), rows, columns, options.figure_size, options.dpi, {options.title}, 0.8, where);
}

}  // namespace strata::plot
