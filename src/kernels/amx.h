// Products of bfloat16 on the tile registers of AMX (Intel Architecture SDM vol. 1, chapter 18): sums of float32 over
// 16 rows x 32 terms x 16 columns an instruction. One thread at a time; on machines without AMX only available() may
// run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/export.h"

namespace strata::kernels::amx {

inline constexpr std::int64_t kRows = 16, kColumns = 16, kDepth = 32;
inline constexpr std::int64_t kTileBytes = 1024;               // of either factor, and of sums
inline constexpr std::int64_t kTileFloats = kRows * kColumns;  // of sums
inline constexpr std::int64_t kMaxTiles = 4;                   // of sums that one call makes

// Whether this machine has AMX for bfloat16 and the system lets this process use it. Asks once.
STRATA_API bool available();

// Configures the tile registers of this thread, and gives them back.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

// sums[m][n] = sum over k of a[m] at offsets[k] times panel n's tile k, plus what they begin with. m x n of at most 4
// tiles.
struct Product {
  const std::byte* a[kMaxTiles];  // the first row of each tile of rows
  std::int64_t a_step;            // bytes from one row to the next
  const std::int64_t* offsets;    // bytes from the first term of a row to the terms of block k
  std::int64_t blocks;            // of 32 terms
  const std::byte* panels;        // of packed columns, tile after tile; see pack()
  std::int64_t panel_step;        // bytes from one panel to the next
  int rows, columns;              // tiles
  const float* added;             // what is added to the sums, tile after tile as they are; may be the same memory
  const float* start;             // where that is null: what sums begin with, 16 for each panel; zeros if null
  float* sums;                    // tile after tile, n fastest
};
void multiply(const Product& p);  // inside a Session

// Rows of one or two neighbouring tiles of sums, as up to 32 columns of bfloat16 in rows `to_step` apart: max(0, x),
// where wanted, rounded to nearest even.
struct Results {
  const float* sums[2];
  std::int64_t rows, columns;
  bool relu;
  std::uint16_t* to;
  std::int64_t to_step;
};
void store(const Results& r);

// The tile of a panel that holds terms `from[0..depth)`, each `columns` long, of a matrix of rows `step` apart: what is
// beyond depth or columns is zero. For float32 and bfloat16.
void pack(const float* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile);
void pack(const std::uint16_t* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile);
// The same of a transposed matrix: `depth` neighbours of each of `columns` rows.
void pack_transposed(const float* from, std::int64_t step, std::int64_t depth, std::int64_t columns, std::byte* tile);
void pack_transposed(const std::uint16_t* from, std::int64_t step, std::int64_t depth, std::int64_t columns,
                     std::byte* tile);

// 32 rows of `columns` <= 16 elements from column `first` on: as 16 rows of 32 elements, `to_step` bytes apart, or as
// the tile of a panel. What is beyond `columns` is zero.
void transpose(const std::uint16_t* const* rows, std::int64_t first, std::int64_t columns, std::byte* to,
               std::int64_t to_step);
void interleave(const std::uint16_t* const* rows, std::int64_t first, std::int64_t columns, std::byte* tile);

// Copies elements of 16 bits, any number.
void copy(const std::uint16_t* from, std::int64_t count, std::uint16_t* to);

// `rows` runs of `length` <= 32 elements, `step` apart.
struct Window {
  std::int64_t rows, length, step;
};
// Copies windows, each run behind the other, and zeros up to 32 elements behind their ends; windows ascend in `to`.
void copy_windows(const std::uint16_t* from, Window w, std::int64_t count, std::int64_t from_step, std::uint16_t* to,
                  std::int64_t to_step);

}  // namespace strata::kernels::amx
