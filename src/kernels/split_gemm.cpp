#include "kernels/split_gemm.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/tensor_data.h"
#include "kernels/amx_split.h"
#include "kernels/parallel.h"
#include "kernels/prefetch.h"
#include "kernels/round.h"
#include "kernels/subnormal.h"

namespace strata::kernels {
namespace {

using std::int64_t;

constexpr int64_t kStrip = amx::kStripLines, kTerms = amx::kDepth;
// The outer factor is split strip by strip, in blocks that stay in the first-level cache; the inner one as far as the
// second-level cache holds it beside the rest.
constexpr int64_t kOuterBlocks = 2, kInnerStrips = 8, kInnerBlocks = 40;
static_assert(kInnerStrips * kOuterBlocks <= kInnerBlocks);

// Where few rows are multiplied, halves of long sums are the work of different threads: each reads the rows of the
// weights that it updates, while what another has written lies in that one's cache.
constexpr int64_t kFewRows = 48, kLongSum = 512;

// One part of the product: some rows of A times some columns of B over some terms.
struct Part {
  int64_t i0, i1, j0, j1, l0, l1;
};

// What a thread splits into, and a place for sums that are not whole tiles.
struct Room {
  static constexpr std::size_t kBytes =
      (kInnerBlocks + kOuterBlocks) * amx::kSplitBytes + kStrip * kStrip * sizeof(float);
  explicit Room(std::byte* memory)
      : inner(memory),
        outer(inner + kInnerBlocks * amx::kSplitBytes),
        sums(reinterpret_cast<float*>(outer + kOuterBlocks * amx::kSplitBytes)) {}
  std::byte *inner, *outer;
  float* sums;
};

// A block of sums of two strips, in dst where it is of whole tiles.
class Block {
 public:
  Block(float* dst, int64_t step, int64_t rows, int64_t columns, float* room)
      : dst_(dst),
        step_(step),
        rows_(rows),
        columns_(columns),
        whole_(rows % amx::kRows == 0 && columns % amx::kColumns == 0),
        room_(room),
        tiles_{static_cast<int>(parts_of(rows, amx::kRows)), static_cast<int>(parts_of(columns, amx::kColumns))} {}

  void clear() const {
    for (int64_t i = 0; whole_ && i < rows_; ++i)
      for (int64_t j = 0; j < columns_; j += amx::kColumns) prefetch_to_write(dst_ + i * step_ + j);
    tiles_.clear();
  }
  void load() const {
    if (whole_) return tiles_.load(dst_, step_);
    for (int64_t i = 0; i < rows_; ++i) std::copy_n(dst_ + i * step_, columns_, room_ + i * kStrip);
    tiles_.load(room_, kStrip);
  }
  void add(const std::byte* a, const std::byte* b, int64_t blocks) const { tiles_.add(a, b, blocks); }
  void store() const {
    if (whole_) return tiles_.store(dst_, step_);
    tiles_.store(room_, kStrip);
    for (int64_t i = 0; i < rows_; ++i) std::copy_n(room_ + i * kStrip, columns_, dst_ + i * step_);
  }

 private:
  float* dst_;
  int64_t step_, rows_, columns_;
  bool whole_;
  float* room_;
  amx::SplitTiles tiles_;
};

// A part of the product by one thread, in a Session. The factor with fewer lines is the inner one.
class Multiplication {
 public:
  Multiplication(const SmallGemm& g, const Part& p, const float* a, const float* b, float* dst, Room& room)
      : a_{amx::Side::a, a + p.i0 * g.a_row + p.l0 * g.a_step, g.a_row, g.a_step, p.i1 - p.i0, p.l1 - p.l0},
        b_{amx::Side::b, b + p.l0 * g.b_row + p.j0 * g.b_step, g.b_step, g.b_row, p.j1 - p.j0, p.l1 - p.l0},
        dst_(dst + p.i0 * g.n + p.j0),
        step_(g.n),
        a_is_inner_(a_.lines <= b_.lines),
        room_(room) {}

  // False where a number was not finite.
  bool run() {
    const amx::Strip& inner = a_is_inner_ ? a_ : b_;
    for (int64_t line = 0; line < inner.lines; line += kInnerStrips * kStrip) {
      const int64_t lines = std::min(kInnerStrips * kStrip, inner.lines - line), strips = parts_of(lines, kStrip);
      const int64_t blocks = parts_of(inner.terms, kTerms),
                    at_once = strips * blocks <= kInnerBlocks ? blocks : kOuterBlocks;
      for (int64_t block = 0; block < blocks; block += at_once)
        run_segment(line, lines, block * kTerms, std::min(inner.terms, (block + at_once) * kTerms));
    }
    return finite_;
  }

 private:
  // Terms [begin, end) of some lines of the inner factor with all lines of the outer one.
  void run_segment(int64_t line, int64_t lines, int64_t begin, int64_t end) {
    const amx::Strip &inner = a_is_inner_ ? a_ : b_, &outer = a_is_inner_ ? b_ : a_;
    const int64_t strip_bytes = parts_of(end - begin, kTerms) * amx::kSplitBytes;
    for (int64_t i = 0; i < lines; i += kStrip)
      split(inner, line + i, lines - i, begin, end, room_.inner + i / kStrip * strip_bytes);
    for (int64_t o = 0; o < outer.lines; o += kStrip)
      for (int64_t t = begin; t < end; t += kOuterBlocks * kTerms) {
        const int64_t stop = std::min(end, t + kOuterBlocks * kTerms);
        split(outer, o, outer.lines - o, t, stop, room_.outer);
        for (int64_t i = 0; i < lines; i += kStrip) {
          const Block block = block_of(line + i, lines - i, o, outer.lines - o);
          const bool alone = lines <= kStrip;  // its sums stay in the tiles
          if (t == 0)
            block.clear();
          else if (!alone || t == begin)
            block.load();
          const std::byte* from = room_.inner + i / kStrip * strip_bytes + (t - begin) / kTerms * amx::kSplitBytes;
          block.add(a_is_inner_ ? from : room_.outer, a_is_inner_ ? room_.outer : from, parts_of(stop - t, kTerms));
          if (!alone || stop == end) block.store();
        }
      }
  }

  void split(const amx::Strip& factor, int64_t line, int64_t lines, int64_t begin, int64_t end, std::byte* to) {
    amx::Strip s = factor;
    s.from += line * s.line_step + begin * s.term_step;
    s.lines = std::min(kStrip, lines), s.terms = end - begin;
    finite_ &= amx::split(s, to);
  }

  Block block_of(int64_t inner, int64_t inner_lines, int64_t outer, int64_t outer_lines) const {
    const int64_t i = a_is_inner_ ? inner : outer, j = a_is_inner_ ? outer : inner;
    const int64_t rows = a_is_inner_ ? inner_lines : outer_lines, columns = a_is_inner_ ? outer_lines : inner_lines;
    return {dst_ + i * step_ + j, step_, std::min(kStrip, rows), std::min(kStrip, columns), room_.sums};
  }

  const amx::Strip a_, b_;
  float* dst_;
  int64_t step_;
  bool a_is_inner_;
  Room& room_;
  bool finite_ = true;
};

// Units of work, shared out evenly. Each thread has its room where it had it in the last product, and so in its cache.
template <class F>
bool share(int64_t units, int64_t cost, F&& part_of) {
  const detail::Buffer rooms(static_cast<std::size_t>(team_size(units * cost, units)) * Room::kBytes);
  std::atomic<bool> finite{true};
  parallel_threads(units * cost, units, [&](int64_t index, int64_t threads) {
    const FlushSubnormals flush;  // parts of small numbers
    const amx::Session session;
    Room room(static_cast<std::byte*>(rooms.data()) + static_cast<std::size_t>(index) * Room::kBytes);
    const Share share = share_of(units, index, threads);
    if (!part_of(share.begin, share.end, room)) finite = false;
  });
  return finite;
}

// Products that take as long as an elementary step of parallel_for().
constexpr int64_t kProductsOfStep = 64;

bool multiply_halves(const SmallGemm& g, const float* a, const float* b, float* dst) {
  const detail::Buffer sums(static_cast<std::size_t>(2 * g.m * g.n) * sizeof(float));
  float* halves = static_cast<float*>(sums.data());
  const int64_t half = parts_of(parts_of(g.k, amx::kRows), 2) * amx::kRows, strips = parts_of(g.n, kStrip);
  const bool finite =
      share(2 * strips, g.m * g.k * kStrip / 2 / kProductsOfStep, [&](int64_t begin, int64_t end, Room& room) {
        bool all = true;
        for (int64_t i = 0; i < 2; ++i) {
          const int64_t first = std::max(begin, i * strips) - i * strips,
                        last = std::min(end, (i + 1) * strips) - i * strips;
          if (first >= last) continue;
          const Part part{
              0, g.m, first * kStrip, std::min(g.n, last * kStrip), i * half, std::min(g.k, (i + 1) * half)};
          all &= Multiplication(g, part, a, b, halves + i * g.m * g.n, room).run();
        }
        return all;
      });
  parallel_for(g.m * g.n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) dst[e] = halves[e] + halves[g.m * g.n + e];
  });
  return finite;
}

}  // namespace

bool split_gemm_pays(const SmallGemm& g) {
  static const bool available = amx::available();
  return available && g.m >= 32 && g.n >= 32 && g.k >= 32 && g.m * g.n * g.k >= (1 << 19);
}

bool split_gemm(const SmallGemm& g, const float* a, const float* b, float* dst) {
  if (g.m <= kFewRows && g.k >= kLongSum && g.b_step == 1) return multiply_halves(g, a, b, dst);
  const bool by_rows = g.m >= g.n;
  const int64_t lines = by_rows ? g.m : g.n, other = by_rows ? g.n : g.m, unit = amx::kRows;
  return share(parts_of(lines, unit), unit * other * g.k / kProductsOfStep,
               [&](int64_t begin, int64_t end, Room& room) {
                 Part part{0, g.m, 0, g.n, 0, g.k};
                 (by_rows ? part.i0 : part.j0) = begin * unit;
                 (by_rows ? part.i1 : part.j1) = std::min(lines, end * unit);
                 return Multiplication(g, part, a, b, dst, room).run();
               });
}

}  // namespace strata::kernels
