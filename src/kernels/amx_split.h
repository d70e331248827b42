// Products of float32 on the tile registers of AMX, which multiply bfloat16: the 24 bits of a number are cut into three
// parts of 8, which a bfloat16 holds exactly. Of the nine products of parts the six largest are added up in float32;
// the others are below 2^-23 of the product. Subnormal parts count as zero. Where there is an infinity or a NaN, parts
// say nothing: split() tells.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/amx.h"
#include "kernels/between.h"

namespace strata::kernels::amx {

inline constexpr std::int64_t kStripLines = 32;              // two tiles
inline constexpr std::int64_t kSplitBytes = 6 * kTileBytes;  // of the parts of a strip's lines in a block of 32 terms
inline constexpr int kProducts = 6;                          // of parts, that count

enum class Side { a, b };

// Up to 32 rows of A or columns of B: term t of line i at from[i * line_step + t * term_step], where one of the steps
// is 1.
struct Strip {
  Side side;
  const float* from;
  std::int64_t line_step, term_step, lines, terms;
};

// Writes kSplitBytes for each block of 32 terms, to a multiple of 64 bytes. False where it met an infinity or a NaN.
bool split(const Strip& s, std::byte* to);
// Whether parts of a strip are written in the order in which its numbers lie: rows of A one after the other, or rows of
// columns of B.
inline bool keeps_order(const Strip& s) { return (s.side == Side::a) == (s.term_step == 1); }
// split() of 32 lines in a block of 32 terms that keep their order; elements of `between` are 64 numbers.
bool split_block(const Strip& s, std::byte* to, const Between& between);

// The sums of a strip of A with a strip of B, in 2 x 2 tile registers, of which `rows` x `columns` tiles are wanted.
// All calls for one sum inside one Session; `step` counts floats from a row to the next one.
struct SplitTiles {
  int rows, columns;
  void clear() const;
  void load(const float* from, std::int64_t step) const;
  void add(const std::byte* a, const std::byte* b, std::int64_t blocks) const;
  void store(float* to, std::int64_t step) const;
  // One of the kProducts products of parts that add() makes of a block; they come in order.
  void add_product(int product, const std::byte* a, const std::byte* b) const;
};

// The sums of a strip of A with all strips of B, made in steps of a few instructions that leave the vector units to
// others. All steps inside one Session.
class StripProduct {
 public:
  // Strips as split() writes them, of `blocks` blocks of terms each; `rows` lines of A and `columns` of B, the latter a
  // multiple of 16. Sums go to rows `columns` floats apart, of which up to 31 beyond `rows` may be written.
  StripProduct(const std::byte* a, const std::byte* b, std::int64_t blocks, std::int64_t rows, std::int64_t columns,
               float* to);
  std::int64_t steps() const { return strips_ * blocks_ * kProducts; }
  bool is_done() const { return strip_ == strips_; }
  void step();
  void finish() {
    while (!is_done()) step();
  }

 private:
  const std::byte *a_, *b_;
  std::int64_t blocks_, rows_, columns_, strips_;
  float* to_;
  std::int64_t strip_ = 0, block_ = 0;
  int product_ = 0;  // of those of a block
};

}  // namespace strata::kernels::amx
