#include "ops/fake_quant.h"

#include "graph/op.h"
#include "ops/like.h"
#include "ops/nn_families.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {
namespace {

// FakeQuant(x, min, max), all float32.
struct FakeQuant final : OpBase<FakeQuant> {
  FakeQuant() = default;
  FakeQuant(const kernels::GridBits& b, bool keep) : num_bits(b.bits), narrow_range(b.narrow), keep_unseen(keep) {}
  std::int64_t num_bits = 8;
  bool narrow_range = false, keep_unseen = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("num_bits", s.num_bits), v("narrow_range", s.narrow_range), v("keep_unseen", s.keep_unseen);
  }
  std::string_view name() const override { return "fake_quant"; }
  kernels::GridBits bits() const { return {static_cast<int>(num_bits), narrow_range}; }
  Specs infer(const Specs& in) const override { return {in[0]}; }
  void run(RunContext& c) const override {
    const std::int64_t channels = c.in[1].size();
    kernels::fake_quant(bits(), keep_unseen, channels > 0 ? c.in[0].size() / channels : 0, channels, c.src<float>(0),
                        c.src<float>(1), c.src<float>(2), c.dst<float>());
  }
  bool is_differentiable() const override { return true; }
  // What is clipped gives its gradient to the bound, all else passes it on.
  Tensors grad(const GradContext& c) const override {
    const Tensor &x = c.input(0), &min = c.input(1), &max = c.input(2), dy = c.grad(), none = zeros_like(dy);
    const float lowest = bits().lowest(), highest = bits().highest();
    const Tensor step = (max - min) / (highest - lowest), inverse = divide_no_nan(Tensor(1.f), step);
    const Tensor zero = clip(floor(lowest - min * inverse + 0.5f), lowest, highest);
    const Tensor clips = not_equal(min, max), below = logical_and(clips, less(x, (lowest - zero) * step)),
                 above = logical_and(clips, greater(x, (highest - zero) * step));
    auto sum = [&](const Tensor& where_clipped, const Tensor& bound) {
      return sum_to_like(where(where_clipped, dy, none), bound);
    };
    return {c.needed(0) ? where(logical_or(below, above), none, dy) : Tensor(),
            c.needed(1) ? sum(below, min) : Tensor(), c.needed(2) ? sum(above, max) : Tensor()};
  }
};

}  // namespace

Tensor quantize::fake_quant(const kernels::GridBits& bits, bool keep_unseen, const Tensor& x, const Tensor& min,
                            const Tensor& max) {
  return apply1(make_op<FakeQuant>(bits, keep_unseen), {x, min, max});
}

void register_fake_quant(Registry& r) { r.add<FakeQuant>(); }

}  // namespace strata
