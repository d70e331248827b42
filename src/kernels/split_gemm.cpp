#include "kernels/split_gemm.h"

#include <algorithm>
#include <atomic>
#include <optional>

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
// The inner factor is split as far as the second-level cache holds it beside the rest, the outer one in blocks of one
// strip that stay in the first-level cache.
constexpr int64_t kInnerStrips = 8, kInnerBlocks = 16, kOuterBlocks = 2;

// Where few rows are multiplied, halves of long sums are the work of different threads: each reads the rows of the
// weights that it updates, while what another has written lies in that one's cache.
constexpr int64_t kFewRows = 48, kLongSum = 512;

// Of a split strip.
std::size_t strip_bytes(int64_t terms) { return static_cast<std::size_t>(parts_of(terms, kTerms)) * amx::kSplitBytes; }

// One part of the product: some rows of A times some columns of B over some terms.
struct Part {
  int64_t i0, i1, j0, j1, l0, l1;
};

// How much a thread splits at a time of a product with so many lines of the inner factor and terms.
struct Splits {
  Splits(int64_t lines, int64_t terms)
      : strips(std::min(kInnerStrips, parts_of(lines, kStrip))),
        blocks(std::min(kInnerBlocks, parts_of(terms, kTerms))) {}
  std::size_t inner_bytes() const { return static_cast<std::size_t>(strips * blocks) * amx::kSplitBytes; }
  std::size_t bytes() const {
    return inner_bytes() + kOuterBlocks * amx::kSplitBytes +
           static_cast<std::size_t>(strips * kStrip * kStrip) * sizeof(float);
  }
  int64_t strips, blocks;  // of the inner factor
};

// What a thread splits into, and a place for the sums of a strip of the outer factor.
struct Room {
  Room(std::byte* memory, const Splits& s)
      : inner(memory),
        outer(inner + s.inner_bytes()),
        sums(reinterpret_cast<float*>(outer + kOuterBlocks * amx::kSplitBytes)) {}
  std::byte *inner, *outer;
  float* sums;
};

// Where sums go.
struct Sums {
  float* data;
  int64_t row;  // floats from one to the next
  RowEnd end;
};

// A block of sums of two strips, which ends up in dst. On the way it may wait in a room of its own, whose lines lie
// together: those of dst may compete for a few places of the cache.
class Block {
 public:
  Block(float* dst, int64_t step, int64_t rows, int64_t columns, const RowEnd& end, float* room)
      : dst_(dst),
        step_(step),
        end_(end),
        rows_(rows),
        columns_(columns),
        whole_(rows % amx::kRows == 0 && columns % amx::kColumns == 0),
        room_(room),
        tiles_{static_cast<int>(parts_of(rows, amx::kRows)), static_cast<int>(parts_of(columns, amx::kColumns))} {}

  void clear() const { tiles_.clear(); }
  // Fetches the rows of dst of one of `parts` parts: a few at a time, which other reads do not wait for. All at once
  // they would, so that nothing is fetched for a single part.
  void fetch(int64_t part, int64_t parts) const {
    if (!whole_ || parts == 1) return;
    for (int64_t i = rows_ * part / parts; i < rows_ * (part + 1) / parts; ++i)
      for (int64_t j = 0; j < columns_; j += amx::kColumns) prefetch_to_write(dst_ + i * step_ + j);
  }
  void load() const {
    if (whole_) return tiles_.load(dst_, step_);
    for (int64_t i = 0; i < rows_; ++i) std::copy_n(dst_ + i * step_, columns_, room_ + i * kStrip);
    resume();
  }
  void add(const std::byte* a, const std::byte* b, int64_t blocks) const { tiles_.add(a, b, blocks); }
  void add_product(int product, const std::byte* a, const std::byte* b) const { tiles_.add_product(product, a, b); }
  void pause() const { tiles_.store(room_, kStrip); }
  void resume() const { tiles_.load(room_, kStrip); }
  void store() const {
    if (whole_) return tiles_.store(dst_, step_);
    pause();
    for (int64_t i = 0; i < rows_; ++i) std::copy_n(room_ + i * kStrip, columns_, dst_ + i * step_);
  }
  void add_to_dst() const {
    pause();
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < columns_; ++j) dst_[i * step_ + j] += room_[i * kStrip + j];
  }
  void end_rows() const {
    if (!end_.is_none())
      for (int64_t i = 0; i < rows_; ++i) end_.apply(dst_ + i * step_, columns_);
  }

 private:
  float* dst_;
  int64_t step_;
  RowEnd end_;
  int64_t rows_, columns_;
  bool whole_;
  float* room_;
  amx::SplitTiles tiles_;
};

// A part of the product by one thread, in a Session. The factor with fewer lines is the inner one.
class Multiplication {
 public:
  Multiplication(const SplitGemm& g, const Part& p, const float* a, const float* b, const Sums& dst, const Splits& most,
                 const Room& room)
      : a_{amx::Side::a, a + p.i0 * g.a_row + p.l0 * g.a_step, g.a_row, g.a_step, p.i1 - p.i0, p.l1 - p.l0},
        b_{amx::Side::b, b + p.l0 * g.b_row + p.j0 * g.b_step, g.b_step, g.b_row, p.j1 - p.j0, p.l1 - p.l0},
        dst_(dst.data + p.i0 * dst.row + p.j0),
        step_(dst.row),
        end_(dst.end.from(p.j0)),
        a_is_inner_(a_.lines <= b_.lines),
        most_(most),
        room_(room) {}

  // False where a number was not finite.
  bool run() {
    const amx::Strip& inner = a_is_inner_ ? a_ : b_;
    const int64_t lines = most_.strips * kStrip, terms = most_.blocks * kTerms;
    for (int64_t line = 0; line < inner.lines; line += lines)
      for (int64_t term = 0; term < inner.terms; term += terms)
        run_segment(line, std::min(lines, inner.lines - line), term, std::min(inner.terms, term + terms));
    return finite_;
  }

 private:
  // Terms [begin, end) of some lines of the inner factor with all lines of the outer one.
  void run_segment(int64_t line, int64_t lines, int64_t begin, int64_t end) {
    const amx::Strip &inner = a_is_inner_ ? a_ : b_, &outer = a_is_inner_ ? b_ : a_;
    const bool alone = lines <= kStrip;  // sums stay in the tiles
    if (alone && a_is_inner_ && amx::keeps_order(a_) && amx::keeps_order(b_) && end - begin >= 2 * kTerms)
      return run_strip(line, lines, begin, end);
    const int64_t terms = kOuterBlocks * kTerms;
    const auto of_strip = static_cast<int64_t>(strip_bytes(end - begin));
    for (int64_t i = 0; i < lines; i += kStrip)
      split(inner, line + i, lines - i, begin, end, room_.inner + i / kStrip * of_strip);
    for (int64_t o = 0; o < outer.lines; o += kStrip)
      for (int64_t t = begin; t < end; t += terms) {
        const int64_t stop = std::min(end, t + terms);
        split(outer, o, outer.lines - o, t, stop, room_.outer);
        for (int64_t i = 0; i < lines; i += kStrip) {
          const Block block = block_of(line + i, lines - i, o, outer.lines - o, room_.sums + i * kStrip);
          if (t == begin)
            block.clear();
          else if (!alone)
            block.resume();
          block.fetch((t - begin) / terms, parts_of(end - begin, terms));
          const std::byte* from = room_.inner + i / kStrip * of_strip + (t - begin) / kTerms * amx::kSplitBytes;
          block.add(a_is_inner_ ? from : room_.outer, a_is_inner_ ? room_.outer : from, parts_of(stop - t, kTerms));
          if (stop < end) {
            if (!alone) block.pause();
            continue;
          }
          // Long sums are sums of those of segments, which loses less than adding term after term.
          begin == 0 ? block.store() : block.add_to_dst();
          if (stop == inner.terms) block.end_rows();
        }
      }
  }

  // The same for one strip of A: while tiles multiply a block, the next ones are split.
  void run_strip(int64_t line, int64_t lines, int64_t begin, int64_t end) {
    struct Products {
      const Block* block;
      const std::byte *a, *b;
      int next;
    };
    auto step = [](void* p) {
      auto* const work = static_cast<Products*>(p);
      if (work->next < amx::kProducts) work->block->add_product(work->next++, work->a, work->b);
    };
    const auto of_a = [&](int64_t t) {
      return room_.inner + (t - begin) / kTerms * static_cast<int64_t>(amx::kSplitBytes);
    };
    const auto of_b = [&](int64_t i) { return room_.outer + i % 2 * static_cast<int64_t>(amx::kSplitBytes); };
    int64_t place = 0;
    split(a_, line, lines, begin, std::min(end, begin + kTerms), of_a(begin));
    split(b_, 0, b_.lines, begin, std::min(end, begin + kTerms), of_b(0));
    for (int64_t o = 0; o < b_.lines; o += kStrip) {
      const Block block = block_of(line, lines, o, b_.lines - o, room_.sums);
      block.clear();
      for (int64_t t = begin; t < end; t += kTerms, ++place) {
        block.fetch((t - begin) / kTerms, parts_of(end - begin, kTerms));
        Products work{&block, of_a(t), of_b(place), 0};
        const Between between{step, &work, o == 0 ? 5 : 3};
        const bool same = t + kTerms < end;
        const int64_t next_o = same ? o : o + kStrip, next_t = same ? t + kTerms : begin;
        if (o == 0 && same) split_next(a_, line, lines, next_t, end, of_a(next_t), between);
        if (next_o < b_.lines) split_next(b_, next_o, b_.lines - next_o, next_t, end, of_b(place + 1), between);
        while (work.next < amx::kProducts) step(&work);
      }
      begin == 0 ? block.store() : block.add_to_dst();
      if (end == b_.terms) block.end_rows();
    }
  }

  void split_next(const amx::Strip& factor, int64_t line, int64_t lines, int64_t begin, int64_t end, std::byte* to,
                  const Between& between) {
    end = std::min(end, begin + kTerms);
    if (lines < kStrip || end - begin < kTerms) return split(factor, line, lines, begin, end, to);
    finite_ &= amx::split_block(part_of(factor, line, lines, begin, end), to, between);
  }

  void split(const amx::Strip& factor, int64_t line, int64_t lines, int64_t begin, int64_t end, std::byte* to) {
    finite_ &= amx::split(part_of(factor, line, lines, begin, end), to);
  }

  // Up to 32 of the lines from one on, terms [begin, end).
  static amx::Strip part_of(const amx::Strip& factor, int64_t line, int64_t lines, int64_t begin, int64_t end) {
    amx::Strip s = factor;
    s.from += line * s.line_step + begin * s.term_step;
    s.lines = std::min(kStrip, lines), s.terms = end - begin;
    return s;
  }

  Block block_of(int64_t inner, int64_t inner_lines, int64_t outer, int64_t outer_lines, float* room) const {
    const int64_t i = a_is_inner_ ? inner : outer, j = a_is_inner_ ? outer : inner;
    const int64_t rows = a_is_inner_ ? inner_lines : outer_lines, columns = a_is_inner_ ? outer_lines : inner_lines;
    return {dst_ + i * step_ + j, step_, std::min(kStrip, rows), std::min(kStrip, columns), end_.from(j), room};
  }

  const amx::Strip a_, b_;
  float* dst_;
  int64_t step_;
  RowEnd end_;
  bool a_is_inner_;
  const Splits most_;
  const Room room_;
  bool finite_ = true;
};

// Products that take as long as an elementary step of parallel_for().
constexpr int64_t kProductsOfStep = 40;

// How a product is shared out: in units of 16 rows or columns, or of 32 columns of halves of sums.
struct Work {
  explicit Work(const SplitGemm& g)
      : halves(g.m <= kFewRows && g.k >= kLongSum && g.b_step == 1),
        by_rows(!halves && g.m >= g.n),
        unit(halves ? kStrip : amx::kRows),
        terms(halves ? parts_of(parts_of(g.k, amx::kRows), 2) * amx::kRows : g.k),
        each(parts_of(by_rows ? g.m : g.n, unit)),
        units(halves ? 2 * each : each),
        steps(units * std::max<int64_t>(unit * (by_rows ? g.n : g.m) * terms / kProductsOfStep, 1)),
        splits(std::min(g.m, g.n), terms),
        sums_bytes(halves ? static_cast<std::size_t>(2 * g.m * g.n) * sizeof(float) : 0) {}
  std::size_t bytes() const {
    return rounded(sums_bytes, 64) + static_cast<std::size_t>(team_size(steps, units)) * splits.bytes();
  }
  bool halves, by_rows;
  int64_t unit, terms;  // rows or columns of a unit; terms of a sum or of half of it
  int64_t each, units;  // of a half, if there are any; of all
  int64_t steps;        // for parallel_threads()
  Splits splits;
  std::size_t sums_bytes;  // of both halves
};

// Units [begin, end) of the work by one thread; false where a number was not finite. `sums` may be of halves.
bool multiply_units(const SplitGemm& g, const Work& w, int64_t begin, int64_t end, const float* a, const float* b,
                    Sums sums, const Room& room) {
  bool finite = true;
  for (int64_t half = begin / w.each; half * w.each < end; ++half) {
    const int64_t first = std::max(begin - half * w.each, int64_t{0}) * w.unit,
                  last = std::min(end - half * w.each, w.each) * w.unit;
    Part part{0, g.m, 0, g.n, half * w.terms, std::min(g.k, (half + 1) * w.terms)};
    (w.by_rows ? part.i0 : part.j0) = first;
    (w.by_rows ? part.i1 : part.j1) = std::min(w.by_rows ? g.m : g.n, last);
    finite &=
        Multiplication(g, part, a, b, {sums.data + half * g.m * sums.row, sums.row, sums.end}, w.splits, room).run();
  }
  return finite;
}

void add_halves(const SplitGemm& g, const float* halves, float* dst) {
  parallel_for(g.m, g.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      g.end.apply_to(halves + i * g.n, halves + (g.m + i) * g.n, dst + i * g.dst_row, g.n);
  });
}

}  // namespace

bool split_gemm_pays(int64_t m, int64_t n, int64_t k) {
  if (!amx::available() || std::min({m, n, k}) < 32 || m * n < 4096 || m * n * k < (1 << 17)) return false;
  // Tiles that are not full take as long as full ones.
  return 4 * m * n * k >= 3 * rounded(m, amx::kRows) * rounded(n, amx::kColumns) * rounded(k, kTerms);
}

int64_t split_gemm_steps(const SplitGemm& g) { return g.m * g.n * g.k / kProductsOfStep; }

std::size_t split_gemm_scratch(const SplitGemm& g) { return Work(g).bytes(); }

bool split_gemm(const SplitGemm& g, const float* a, const float* b, float* dst, std::span<std::byte> scratch) {
  const Work w(g);
  std::optional<detail::Buffer> own;
  if (scratch.size() < w.bytes()) own.emplace(w.bytes());
  std::byte* memory = own ? static_cast<std::byte*>(own->data()) : scratch.data();
  float* halves = reinterpret_cast<float*>(memory);
  const Sums sums = w.halves ? Sums{halves, g.n, {}} : Sums{dst, g.dst_row, g.end};
  std::byte* rooms = memory + rounded(w.sums_bytes, 64);
  std::atomic<bool> finite{true};
  parallel_threads(w.steps, w.units, [&](int64_t index, int64_t threads) {
    const FlushSubnormals flush;  // parts of small numbers
    const amx::Session session;
    // Each thread has its room where it had it in the last product, and so in its cache.
    const Room room(rooms + static_cast<std::size_t>(index) * w.splits.bytes(), w.splits);
    const Share share = share_of(w.units, index, threads);
    if (!multiply_units(g, w, share.begin, share.end, a, b, sums, room)) finite = false;
  });
  if (finite && w.halves) add_halves(g, halves, dst);
  return finite;
}

SplitMatrix::SplitMatrix(const float* b, int64_t k, int64_t n, int64_t row, int64_t step)
    : k_(k), n_(n), strips_(static_cast<std::size_t>(parts_of(n, kStrip)) * strip_bytes(k)) {
  const FlushSubnormals flush;
  auto* to = static_cast<std::byte*>(strips_.data());
  for (int64_t j = 0; j < n; j += kStrip, to += strip_bytes(k))
    finite_ &= amx::split({amx::Side::b, b + j * step, step, row, std::min(kStrip, n - j), k}, to);
}

std::size_t SplitMatrix::scratch(int64_t rows) const {
  return static_cast<std::size_t>(parts_of(rows, kStrip)) * strip_bytes(k_) + kStrip * kStrip * sizeof(float);
}

bool SplitMatrix::multiply_add(const float* a, int64_t a_row, int64_t rows, float* dst, int64_t dst_row,
                               std::span<std::byte> scratch) const {
  const FlushSubnormals flush;
  const auto strips = static_cast<std::byte*>(scratch.data());
  auto* room = reinterpret_cast<float*>(strips + scratch.size() - kStrip * kStrip * sizeof(float));
  bool finite = true;
  for (int64_t i = 0; i < rows; i += kStrip)
    finite &= amx::split({amx::Side::a, a + i * a_row, a_row, 1, std::min(kStrip, rows - i), k_},
                         strips + static_cast<std::size_t>(i / kStrip) * strip_bytes(k_));
  if (!finite) return false;
  const amx::Session session;
  const auto* of_b = static_cast<const std::byte*>(strips_.data());
  for (int64_t j = 0; j < n_; j += kStrip, of_b += strip_bytes(k_))
    for (int64_t i = 0; i < rows; i += kStrip) {
      const Block block(dst + i * dst_row + j, dst_row, std::min(kStrip, rows - i), std::min(kStrip, n_ - j), {}, room);
      block.load();
      block.add(strips + static_cast<std::size_t>(i / kStrip) * strip_bytes(k_), of_b, parts_of(k_, kTerms));
      block.store();
    }
  return true;
}

}  // namespace strata::kernels
