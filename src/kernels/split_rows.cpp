#include "kernels/split_rows.h"

#include <algorithm>

#include "kernels/amx_split.h"
#include "kernels/round.h"
#include "kernels/small_gemm.h"

namespace strata::kernels {
namespace {

using std::int64_t;

constexpr int64_t kStrip = amx::kStripLines;
constexpr std::size_t kCached = 512 << 10;  // of the second-level cache

// What a thread keeps: B, a strip of A, and the sums of two strips.
struct Rooms {
  explicit Rooms(const SplitGemm& g)
      : strips(parts_of(g.n, kStrip)),
        blocks(parts_of(g.k, amx::kDepth)),
        strip_bytes(static_cast<std::size_t>(blocks) * amx::kSplitBytes),
        sums_bytes(static_cast<std::size_t>(kStrip * g.n) * sizeof(float)) {}
  std::size_t bytes() const { return static_cast<std::size_t>(strips + 1) * strip_bytes + 2 * sums_bytes; }
  int64_t strips, blocks;  // of B; of a strip
  std::size_t strip_bytes, sums_bytes;
};

void make_step(void* product) {
  auto* const p = static_cast<amx::StripProduct*>(product);
  if (!p->is_done()) p->step();
}

}  // namespace

bool split_rows_pays(int64_t m, int64_t n, int64_t k) {
  return split_gemm_pays(m, n, k) && m >= n && n % amx::kColumns == 0 &&
         Rooms({m, n, k, 0, 0, 0, 0, 0, {}}).bytes() <= kCached;
}

std::size_t split_rows_room(const SplitGemm& g) { return rounded(Rooms(g).bytes(), 4096); }

void split_rows(const SplitGemm& g, const float* a, const float* b, Share rows, std::byte* room, RowsUser& user) {
  const Rooms r(g);
  std::byte *of_b = room, *of_a = room + static_cast<std::size_t>(r.strips) * r.strip_bytes;
  auto* sums = reinterpret_cast<float*>(of_a + r.strip_bytes);
  const amx::Session session;
  bool b_is_finite = true;
  for (int64_t j = 0; j < r.strips; ++j)
    b_is_finite &= amx::split(
        {amx::Side::b, b + j * kStrip * g.b_step, g.b_step, g.b_row, std::min(kStrip, g.n - j * kStrip), g.k},
        of_b + static_cast<std::size_t>(j) * r.strip_bytes);
  const auto lines_from = [&](int64_t i) { return std::min(kStrip, rows.end - i); };
  const float* made = nullptr;  // the strip before
  for (int64_t i = rows.begin; made != nullptr || i < rows.end; i += kStrip) {
    const int64_t lines = lines_from(i);  // none behind the last strip
    const float* from = a + i * g.a_row;
    float* to = made == sums ? sums + kStrip * g.n : sums;
    amx::StripProduct product(of_a, of_b, r.blocks, lines, g.n, to);
    const bool on_tiles =
        lines > 0 && b_is_finite && amx::split({amx::Side::a, from, g.a_row, g.a_step, lines, g.k}, of_a);
    Between between;
    if (on_tiles) between = {make_step, &product, rounded(kStrip * g.n / product.steps(), 16)};
    if (made != nullptr) user.use(i - kStrip, lines_from(i - kStrip), made, between);
    if (on_tiles)
      product.finish();
    else if (lines > 0)
      small_gemm(DType::float32, {lines, g.n, g.k, g.a_row, g.a_step, g.b_row, g.b_step}, from, b, to);
    made = lines > 0 ? to : nullptr;
  }
}

}  // namespace strata::kernels
