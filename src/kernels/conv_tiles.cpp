// Direct convolutions of bfloat16 on the tile registers of AMX: forward, and the gradient of src.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/amx.h"
#include "kernels/conv_tiles_layout.h"
#include "kernels/parallel.h"
#include "kernels/round.h"

namespace strata::kernels {
namespace {

using conv_tiles::Block;
using conv_tiles::Element;
using conv_tiles::kWidth;
using conv_tiles::Layout;
using conv_tiles::Shape;
using conv_tiles::Source;

void clear(Element* to, std::int64_t count) {
  if (count > 0) std::memset(to, 0, static_cast<std::size_t>(count * kWidth));
}

// Fills gathered memory with the terms of an image.
class Gatherer {
 public:
  Gatherer(const Shape& s, const Layout& l) : s_(s), l_(l) {
    const bool dense = s.in_step == s.in_channels && s.dilation_h == 1 && s.dilation_w == 1;
    if (l.source != Source::windows || !dense || s.kernel_w * s.in_channels > amx::kDepth) return;
    inner_first_ = parts_of(s.zeros_before(), s.step_w);
    inner_last_ = std::min((s.in_w + s.pad_w - s.kernel_w) / s.step_w + 1, s.out_w);
  }

  // What rows of results from `first` on want of the image; `done` of them have it already, and `wanted` shall.
  void run(const Element* image, std::int64_t first, std::int64_t done, std::int64_t wanted, std::byte* to) const {
    if (l_.source == Source::windows) {
      for (std::int64_t y = done; y < wanted; ++y) windows(image, first + y, to + y * l_.row);
      return;
    }
    const std::int64_t last_tap = (s_.kernel_h - 1) * s_.dilation_h;
    for (std::int64_t plane = 0; plane < std::min(s_.step_h, last_tap + 1); ++plane) {
      const std::int64_t reach = (last_tap - plane) / s_.step_h;
      for (std::int64_t q = done > 0 ? done + reach : 0; q < wanted + reach; ++q) {
        const std::int64_t y = (first + q) * s_.step_h + plane - s_.pad_h;
        auto* row = reinterpret_cast<Element*>(to + plane * l_.plane + q * l_.row);
        const bool inside = y >= 0 && y < s_.in_h;
        const Element* from = image + (inside ? y : 0) * s_.in_w * s_.in_step;
        if (l_.source == Source::pixels)
          pixels(inside ? from : nullptr, row);
        else
          columns(inside ? from : nullptr, row);
      }
    }
  }

 private:
  void pixels(const Element* from, Element* to) const {
    const std::int64_t pixel = l_.pixel / kWidth;
    const std::int64_t width = std::max(l_.row / l_.pixel, s_.row_needs());
    if (from == nullptr) return clear(to, width * pixel);
    const std::int64_t before = s_.zeros_before(), copied = s_.columns_read();
    clear(to, before * pixel);
    to += before * pixel;
    from += s_.left_out() * s_.in_step;
    if (pixel == s_.in_step && pixel == s_.in_channels) {
      amx::copy(from, copied * pixel, to);
      to += copied * pixel;
    } else {
      for (std::int64_t x = 0; x < copied; ++x, from += s_.in_step, to += pixel) {
        amx::copy(from, s_.in_channels, to);
        clear(to + s_.in_channels, rounded(s_.in_channels, amx::kDepth) - s_.in_channels);
      }
    }
    clear(to, (width - before - copied) * pixel);
  }

  void columns(const Element* from, Element* to) const {
    const std::int64_t terms = s_.kernel_w * s_.in_channels;
    for (std::int64_t x = 0; x < s_.out_w; ++x, to += l_.step / kWidth) {
      row_of_terms(from, x, to);
      clear(to + terms, rounded(terms, amx::kDepth) - terms);
    }
  }

  void windows(const Element* image, std::int64_t y, std::byte* to) const {
    const std::int64_t row_terms = s_.kernel_w * s_.in_channels;
    for (std::int64_t x = 0; x < s_.out_w; ++x, to += l_.step) {
      const std::int64_t first = y * s_.step_h - s_.pad_h;
      if (x == inner_first_ && inner_last_ > x && first >= 0 && first + s_.kernel_h <= s_.in_h) {
        amx::copy_windows(image + (first * s_.in_w + x * s_.step_w - s_.pad_w) * s_.in_channels,
                          {s_.kernel_h, row_terms, s_.in_w * s_.in_channels}, inner_last_ - x,
                          s_.step_w * s_.in_channels, reinterpret_cast<Element*>(to), l_.step / kWidth);
        to += (inner_last_ - x - 1) * l_.step;
        x = inner_last_ - 1;
        continue;
      }
      auto* terms = reinterpret_cast<Element*>(to);
      for (std::int64_t k = 0; k < s_.kernel_h; ++k, terms += row_terms) {
        const std::int64_t from_row = y * s_.step_h + k * s_.dilation_h - s_.pad_h;
        const bool inside = from_row >= 0 && from_row < s_.in_h;
        row_of_terms(inside ? image + from_row * s_.in_w * s_.in_step : nullptr, x, terms);
      }
      clear(terms, rounded(s_.terms(), amx::kDepth) - s_.terms());
    }
  }

  // The terms of a row of the kernel for the result in column x.
  void row_of_terms(const Element* from, std::int64_t x, Element* to) const {
    if (from == nullptr) return clear(to, s_.kernel_w * s_.in_channels);
    const std::int64_t first = x * s_.step_w - s_.pad_w;
    const bool dense = s_.in_step == s_.in_channels && (s_.dilation_w == 1 || s_.kernel_w == 1);
    if (dense && first >= 0 && first + s_.kernel_w <= s_.in_w)
      return amx::copy(from + first * s_.in_channels, s_.kernel_w * s_.in_channels, to);
    for (std::int64_t k = 0; k < s_.kernel_w; ++k, to += s_.in_channels) {
      const std::int64_t column = first + k * s_.dilation_w;
      if (column < 0 || column >= s_.in_w)
        clear(to, s_.in_channels);
      else
        amx::copy(from + column * s_.in_step, s_.in_channels, to);
    }
  }

  const Shape& s_;
  const Layout& l_;
  std::int64_t inner_first_ = 0, inner_last_ = 0;  // columns of windows that lie in the image, where they can be copied
};

class TilesPlan final : public ConvPlan {
 public:
  TilesPlan(const ConvTask& t, const Shape& s, int threads) : ConvPlan(t), shape_(s), layout_(s, threads) {
    panel_size_ = static_cast<std::int64_t>(layout_.blocks.size()) * amx::kTileBytes;
    parts_ = std::min<std::int64_t>(threads, layout_.units);
    // The last tiles read beyond what is gathered, and drop what comes of it; the zeros behind the last row lie there.
    const std::int64_t behind = std::max(amx::kRows * layout_.step, s.row_needs() * layout_.pixel);
    sums_at_ = rounded(layout_.images * layout_.image + behind, 64);
    const bool by_passes = layout_.blocks_at_once < static_cast<std::int64_t>(layout_.blocks.size());
    bias_at_ =
        sums_at_ + (kWaiting + (by_passes ? layout_.panels : 0)) * kSums * static_cast<std::int64_t>(sizeof(float));
    part_size_ = bias_at_ + layout_.panels * amx::kColumns * static_cast<std::int64_t>(sizeof(float));
  }

  std::string implementation() const override { return "amx tiles"; }
  std::size_t packed_size() const override { return static_cast<std::size_t>(layout_.panels * panel_size_); }
  std::size_t scratch_size() const override { return static_cast<std::size_t>(parts_ * part_size_); }

  void pack(const void* weights, void* packed) const override {
    if (task().weights_dtype == DType::float32)
      pack_as(static_cast<const float*>(weights), static_cast<std::byte*>(packed));
    else
      pack_as(static_cast<const Element*>(weights), static_cast<std::byte*>(packed));
  }

  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const bool forward = task().kind == ConvKind::forward;
    parallel_for(parts_, kParallelWork, [&](std::int64_t first, std::int64_t last) {
      const amx::Session session;
      for (std::int64_t part = first; part < last; ++part) {
        std::byte* own = static_cast<std::byte*>(scratch) + part * part_size_;
        const Call call{static_cast<const Element*>(forward ? src : dst), static_cast<const std::byte*>(weights),
                        static_cast<Element*>(const_cast<void*>(forward ? dst : src)) + shape_.out_first,
                        task().bias ? whole_panels(static_cast<const float*>(bias), own) : nullptr};
        for (std::int64_t u = layout_.units * part / parts_; u < layout_.units * (part + 1) / parts_; ++u)
          run_unit(call, u, own);
      }
    });
  }

 private:
  struct Call {
    const Element* from;
    const std::byte* packed;
    Element* to;
    const float* bias;  // for whole panels
  };

  const float* whole_panels(const float* bias, std::byte* own) const {
    float* copy = reinterpret_cast<float*>(own + bias_at_);
    std::fill(std::copy_n(bias, shape_.out_channels, copy), copy + layout_.panels * amx::kColumns, 0.f);
    return copy;
  }

  // Neighbours among the results of a tile that are neighbours in dst.
  struct Run {
    std::int64_t tile, row, rows;
    Element* to;
  };

  // Up to four tiles of positions, and where their results go.
  struct Group {
    int tiles = 0;
    std::array<const std::byte*, amx::kMaxTiles> terms;
    int runs = 0;
    std::array<Run, amx::kMaxTiles * amx::kRows> run;
  };

  template <class T>
  void pack_as(const T* weights, std::byte* packed) const {
    parallel_for(layout_.panels, shape_.terms() * 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        std::byte* tile = packed + n * panel_size_;
        for (const Block& b : layout_.blocks) {
          pack_tile(weights, b, n * amx::kColumns, tile);
          tile += amx::kTileBytes;
        }
      }
    });
  }

  template <class T>
  void pack_tile(const T* weights, const Block& b, std::int64_t column, std::byte* tile) const {
    const std::int64_t out = shape_.out_channels, columns = std::min(amx::kColumns, out - column);
    if (task().kind == ConvKind::forward)
      return amx::pack(weights + b.first_row * out + column, out, b.rows, columns, tile);
    // Row r of the flipped weights is channel r % in of tap r / in.
    const std::int64_t in = shape_.in_channels;
    const auto at = [&](std::int64_t r) {
      return weights + (shape_.taps[static_cast<std::size_t>(r / in)] * out + column) * in + r % in;
    };
    if (b.first_row / in == (b.first_row + b.rows - 1) / in)
      return amx::pack_transposed(at(b.first_row), in, b.rows, columns, tile);
    T joined[amx::kColumns * amx::kDepth] = {};
    for (std::int64_t r = 0; r < b.rows; ++r)
      for (std::int64_t n = 0; n < columns; ++n) joined[n * amx::kDepth + r] = at(b.first_row + r)[n * in];
    amx::pack_transposed(joined, amx::kDepth, b.rows, columns, tile);
  }

  // What the groups of a unit share.
  struct Unit {
    std::int64_t first_image, first_row, images, positions, tiles;  // positions and tiles of an image
    std::int64_t image = 0, gathered = 0;                           // rows of that image whose terms are there
  };

  void run_unit(const Call& call, std::int64_t unit, std::byte* own) const {
    const std::int64_t part = unit % layout_.panel_parts, band = unit / layout_.panel_parts % layout_.bands;
    Unit u{};
    u.first_image = unit / layout_.panel_parts / layout_.bands * layout_.images;
    u.first_row = band * layout_.band;
    u.images = std::min(layout_.images, shape_.batch - u.first_image);
    u.positions = (std::min(layout_.band, shape_.out_h - u.first_row) - 1) * layout_.positions + shape_.out_w;
    u.tiles = parts_of(u.positions, amx::kRows);
    const std::int64_t first = layout_.panels * part / layout_.panel_parts,
                       last = layout_.panels * (part + 1) / layout_.panel_parts;
    const std::int64_t count = parts_of(u.images * u.tiles, amx::kMaxTiles);
    // Terms are gathered while the tiles are at work on those of the group before.
    Group groups[3];
    Waiting waiting;
    prepare(call, u, 0, own, groups[0]);
    auto* sums = reinterpret_cast<float*>(own + sums_at_);
    for (std::int64_t i = 0; i < count; ++i) {
      if (i + 1 < count) prepare(call, u, i + 1, own, groups[(i + 1) % 3]);
      multiply(call, groups[i % 3], first, last, sums, waiting);
    }
    store(waiting);
  }

  void prepare(const Call& call, Unit& u, std::int64_t group, std::byte* own, Group& g) const {
    const std::int64_t first_tile = group * amx::kMaxTiles;
    g.runs = 0;
    g.tiles = static_cast<int>(std::min(amx::kMaxTiles, u.images * u.tiles - first_tile));
    for (int m = 0; m < g.tiles; ++m) {
      const std::int64_t image = (first_tile + m) / u.tiles, tile = (first_tile + m) % u.tiles;
      if (image != u.image) u.image = image, u.gathered = 0;
      // The last tile starts early enough to be whole: what overlaps is computed twice, with one result.
      const std::int64_t first = std::max<std::int64_t>(std::min(tile * amx::kRows, u.positions - amx::kRows), 0);
      const std::int64_t last = std::min(first + amx::kRows, u.positions);
      add_runs(g, m, first, last, call.to + (u.first_image + image) * shape_.out_image + u.first_row * shape_.out_row);
      if (layout_.source == Source::direct) {
        g.terms[static_cast<std::size_t>(m)] = direct(call, u.first_row + first, last - first, own);
        continue;
      }
      std::byte* terms = own + image * layout_.image;
      const std::int64_t wanted = (last - 1) / layout_.positions + 1;
      if (wanted > u.gathered) {
        const Element* from = call.from + (u.first_image + image) * shape_.in_h * shape_.in_w * shape_.in_step;
        gatherer_.run(from, u.first_row, u.gathered, wanted, terms);
        u.gathered = wanted;
      }
      g.terms[static_cast<std::size_t>(m)] = terms + first * layout_.step;
    }
  }

  void add_runs(Group& g, int tile, std::int64_t first, std::int64_t last, Element* to) const {
    if (layout_.positions == shape_.out_w && shape_.out_row == shape_.out_w * shape_.out_step) {
      g.run[static_cast<std::size_t>(g.runs++)] = {tile, 0, last - first, to + first * shape_.out_step};
      return;
    }
    for (std::int64_t p = first; p < last;) {
      const std::int64_t y = p / layout_.positions, x = p % layout_.positions;
      const std::int64_t next = std::min(last, (y + 1) * layout_.positions),
                         rows = std::min(next - p, shape_.out_w - x);
      if (rows > 0)
        g.run[static_cast<std::size_t>(g.runs++)] = {tile, p - first, rows,
                                                     to + y * shape_.out_row + x * shape_.out_step};
      p = next;
    }
  }

  // The rows of a tile in src; a copy where src has fewer than 16.
  const std::byte* direct(const Call& call, std::int64_t first, std::int64_t rows, std::byte* own) const {
    const auto* from = reinterpret_cast<const std::byte*>(call.from + first * shape_.in_step);
    if (rows == amx::kRows) return from;
    for (std::int64_t r = 0; r < rows; ++r)
      std::memcpy(own + r * layout_.step, from + r * layout_.step,
                  static_cast<std::size_t>(shape_.in_channels * kWidth));
    return own;
  }

  // Results wait in memory while the next products run on the tiles, and are stored beside them, two panels at a time.
  // There is memory for two such pairs, which take turns, before the sums of earlier blocks.
  static constexpr std::int64_t kSums = amx::kMaxTiles * amx::kTileFloats;  // of a product
  static constexpr std::int64_t kWaiting = 4;                               // products
  struct Waiting {
    const Group* group = nullptr;
    std::int64_t panel = 0, columns = 0;          // first one, and how many
    std::int64_t tile_step = 0, column_step = 0;  // of sums
    float* sums = nullptr;
  };

  void multiply(const Call& call, const Group& g, std::int64_t first, std::int64_t last, float* sums,
                Waiting& waiting) const {
    const auto count = static_cast<std::int64_t>(layout_.blocks.size());
    const std::int64_t wide = amx::kMaxTiles / g.tiles;  // panels at once
    amx::Product p;
    std::copy(g.terms.begin(), g.terms.end(), p.a);
    p.a_step = layout_.step;
    p.panel_step = panel_size_;
    p.rows = g.tiles;
    for (std::int64_t k = 0; k < count; k += layout_.blocks_at_once) {
      p.offsets = layout_.offsets.data() + k;
      p.blocks = std::min(layout_.blocks_at_once, count - k);
      float* earlier = sums + kWaiting * kSums;
      for (std::int64_t n = first; n < last; n += wide, earlier += kSums) {
        p.panels = call.packed + n * panel_size_ + k * amx::kTileBytes;
        p.columns = static_cast<int>(std::min(wide, last - n));
        p.start = call.bias != nullptr ? call.bias + n * amx::kColumns : nullptr;
        p.added = k > 0 ? earlier : nullptr;
        p.sums = earlier;
        const bool ends = k + p.blocks == count, joins = wide == 1 && (n - first) % 2 == 1;
        if (ends) p.sums = joins ? waiting.sums + kSums : waiting.sums == sums ? sums + 2 * kSums : sums;
        amx::multiply(p);
        if (!ends) continue;
        if (joins) {
          ++waiting.columns;
          continue;
        }
        store(waiting);
        waiting = {&g, n, p.columns, p.columns * amx::kTileFloats, wide == 1 ? kSums : amx::kTileFloats, p.sums};
      }
    }
  }

  void store(const Waiting& w) const {
    if (w.group == nullptr) return;
    amx::Results results{};
    results.relu = task().relu;
    results.to_step = shape_.out_step;
    for (int i = 0; i < w.group->runs; ++i) {
      const Run& r = w.group->run[static_cast<std::size_t>(i)];
      results.rows = r.rows;
      for (std::int64_t c = 0; c < w.columns; c += 2) {
        const std::int64_t column = (w.panel + c) * amx::kColumns;
        const float* sums = w.sums + r.tile * w.tile_step + c * w.column_step + r.row * amx::kColumns;
        results.sums[0] = sums, results.sums[1] = sums + w.column_step;
        results.columns =
            std::min(std::min<std::int64_t>(w.columns - c, 2) * amx::kColumns, shape_.out_channels - column);
        results.to = r.to + column;
        amx::store(results);
      }
    }
  }

  Shape shape_;
  Layout layout_;
  Gatherer gatherer_{shape_, layout_};
  std::int64_t panel_size_, parts_, sums_at_, bias_at_, part_size_;
};

// The gradient of src of a convolution that takes steps: for each image a convolution for each remainder of its rows
// and columns, while they lie in the cache of the thread.
class RemaindersPlan final : public ConvPlan {
 public:
  RemaindersPlan(const ConvTask& t, const std::vector<Shape>& shapes)
      : ConvPlan(t), parts_(std::min<std::int64_t>(conv_tiles::threads_for(t.geometry), t.geometry.batch)) {
    for (const Shape& s : shapes) {
      if (s.is_empty()) continue;
      if (s.has_no_taps()) {
        zeros_.push_back(s);
        continue;
      }
      remainders_.push_back({std::make_unique<TilesPlan>(t, s, 1), packed_size_});
      packed_size_ += remainders_.back().plan->packed_size();
      part_size_ = std::max(part_size_, remainders_.back().plan->scratch_size());
    }
  }

  std::string implementation() const override { return "amx tiles"; }
  std::size_t packed_size() const override { return packed_size_; }
  std::size_t scratch_size() const override { return static_cast<std::size_t>(parts_) * part_size_; }
  void pack(const void* weights, void* packed) const override {
    for (const Remainder& r : remainders_) r.plan->pack(weights, static_cast<std::byte*>(packed) + r.packed_at);
  }
  void run(const void* src, const void* weights, const void* dst, void* scratch, const void*) const override {
    const Convolution& c = task().geometry;
    const std::int64_t src_image = c.in[1] * c.in[2] * task().src_step(),
                       dst_image = c.out[1] * c.out[2] * task().dst_step();
    parallel_for(parts_, kParallelWork, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part)
        for (std::int64_t i = c.batch * part / parts_; i < c.batch * (part + 1) / parts_; ++i) {
          auto* to = static_cast<Element*>(const_cast<void*>(src)) + i * src_image;
          for (const Remainder& r : remainders_)
            r.plan->run(to, static_cast<const std::byte*>(weights) + r.packed_at,
                        static_cast<const Element*>(dst) + i * dst_image,
                        static_cast<std::byte*>(scratch) + static_cast<std::size_t>(part) * part_size_, nullptr);
          for (const Shape& s : zeros_)
            for (std::int64_t y = 0; y < s.out_h; ++y)
              for (std::int64_t x = 0; x < s.out_w; ++x)
                clear(to + s.out_first + y * s.out_row + x * s.out_step, s.out_channels);
        }
    });
  }

 private:
  struct Remainder {
    std::unique_ptr<TilesPlan> plan;  // for one image
    std::size_t packed_at;
  };
  std::vector<Remainder> remainders_;
  std::vector<Shape> zeros_;
  std::int64_t parts_;
  std::size_t packed_size_ = 0, part_size_ = 0;
};

}  // namespace

ConvPlanPtr make_tiles_plan(const ConvTask& task) {
  const Convolution& c = task.geometry;
  const bool types =
      task.dtype == DType::bfloat16 && (task.weights_dtype == DType::float32 || task.weights_dtype == DType::bfloat16);
  if (!types || !c.is_flat() || c.groups != 1 || !amx::available()) return nullptr;
  if (task.kind == ConvKind::backward_weights) return make_tiles_weights_plan(task);
  const int threads = conv_tiles::threads_for(c);
  if (task.kind == ConvKind::forward) return std::make_shared<TilesPlan>(task, Shape(task), threads);
  const bool steps = c.stride[1] > 1 || c.stride[2] > 1, dilated = c.dilation[1] > 1 || c.dilation[2] > 1;
  if (!steps) return std::make_shared<TilesPlan>(task, Shape(task, 0, 0), threads);
  if (dilated) return nullptr;
  ConvTask of_image = task;
  of_image.geometry.batch = 1;
  std::vector<Shape> shapes;
  for (std::int64_t row = 0; row < c.stride[1]; ++row)
    for (std::int64_t column = 0; column < c.stride[2]; ++column) shapes.emplace_back(of_image, row, column);
  return std::make_shared<RemaindersPlan>(task, shapes);
}

}  // namespace strata::kernels
