// The order of operations is Keras's, so that float32 rounds as there; products and sums are not contracted, except by
// Adam's vectors.
// Highway compiles this file once for each set of instructions, for which the compiler then vectorizes plain loops.
#include "kernels/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "kernels/adam_powers.h"
#include "kernels/parallel.h"
#include "kernels/prefetch.h"
#include "kernels/round.h"
#include "kernels/split_rows.h"
#include "kernels/subnormal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizer.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

using std::int64_t;

// Elements of type T as their type of computation, read and written one by one.
template <class T>
struct Elements {
  using C = Compute<T>;
  T* data;
  C operator[](std::int64_t i) const { return static_cast<C>(data[i]); }
  void set(std::int64_t i, C v) const { data[i] = static_cast<T>(v); }
};

// Typed elements [begin, end) of a weight, its gradient and its slots.
template <class T>
struct View {
  using C = Compute<T>;
  View(const Update& u, int64_t begin, int64_t end)
      : begin(begin),
        end(end),
        w{static_cast<T*>(u.weight)},
        g(static_cast<const T*>(u.gradient)),
        squares(static_cast<const T*>(u.magnitudes)),
        a{static_cast<T*>(u.slots[0])},
        b{static_cast<T*>(u.slots[1])},
        c{static_cast<T*>(u.slots[2])},
        learning_rate(static_cast<C>(u.learning_rate)),
        decay(static_cast<C>(u.decay)) {}

  // step(i, weight after decay, gradient) returns the new weight.
  template <class F>
  void each(F&& step) const {
    if (decay != 0) {
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) {
        const C weight = w[i];
        w.set(i, step(i, weight - weight * decay * learning_rate, static_cast<C>(g[i])));
      }
    } else {
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) w.set(i, step(i, w[i], static_cast<C>(g[i])));
    }
  }

  // What stands for g * g.
  C square(std::int64_t i, C g) const { return squares == nullptr ? g * g : static_cast<C>(squares[i]); }

  int64_t begin, end;
  Elements<T> w;
  const T *g, *squares;
  Elements<T> a, b, c;
  C learning_rate, decay;
};

template <class T>
void Run(const Update& u, const SgdStep& s, int64_t begin, int64_t end) {
  using C = Compute<T>;
  const View<T> v(u, begin, end);
  const C lr = v.learning_rate, momentum = static_cast<C>(s.momentum);
  if (v.a.data == nullptr)
    v.each([&](std::int64_t, C w, C g) { return w - g * lr; });
  else if (!s.nesterov)
    v.each([&](std::int64_t i, C w, C g) {
      const C m = v.a[i] * momentum - g * lr;
      v.a.set(i, m);
      return w + m;
    });
  else
    v.each([&](std::int64_t i, C w, C g) {
      const C m = v.a[i] * momentum - g * lr;
      v.a.set(i, m);
      return w + (m * momentum - g * lr);
    });
}

// The square root, which the divider would need longer for than for the quotient of the update: Newton's step on the
// root of the estimated reciprocal, within one unit in the last place.
HWY_INLINE V SquareRoot(V x) {
  const D d;
  const V half = hn::Set(d, 0.5f);
#if HWY_TARGET <= HWY_AVX3
  const V reciprocal = hn::ApproximateReciprocalSqrt(x), root = hn::Mul(x, reciprocal);  // 14 bits
  const V close = hn::MulAdd(hn::NegMulAdd(root, root, x), hn::Mul(half, reciprocal), root);
  constexpr int kItself = 0x00100122;  // x where it is NaN (as a quiet one), 0 or infinite
  return V{_mm512_fixupimm_ps(close.raw, x.raw, _mm512_set1_epi32(kItself), 0)};
#else
  const V normal = hn::Max(x, hn::Set(d, std::numeric_limits<float>::min()));  // the reciprocal of 0 would be infinite
  V reciprocal = hn::ApproximateReciprocalSqrt(normal);                        // 12 bits
  const V error = hn::NegMulAdd(hn::Mul(normal, reciprocal), reciprocal, hn::Set(d, 1.f));
  reciprocal = hn::MulAdd(hn::Mul(half, reciprocal), error, reciprocal);
  const V root = hn::Mul(normal, reciprocal);
  const V close = hn::MulAdd(hn::NegMulAdd(root, root, normal), hn::Mul(half, reciprocal), root);
  return hn::IfThenElse(hn::Lt(x, hn::Inf(d)), close, x);
#endif
}

// Adam's step on a vector of weights, with the fewest instructions: fused ones round once, and the weight's change is
// a product with the quotient. What a weight becomes does not depend on where in a vector it stands, so parts
// may begin anywhere.
struct AdamVector {
  HWY_INLINE void operator()(float* w, const float* g, float* m, float* v) const {
    const V gradient = Load(g);
    V weight = Load(w), first = Load(m), second = Load(v);
    if (decays) weight = hn::Sub(weight, hn::Mul(hn::Mul(weight, decay), rate));
    first = hn::MulAdd(hn::Sub(gradient, first), rest_1, first);
    second = hn::MulAdd(hn::MulSub(gradient, gradient, second), rest_2, second);
    Store(first, m);
    Store(second, v);
    Store(hn::NegMulAdd(first, hn::Div(alpha, hn::Add(SquareRoot(second), epsilon)), weight), w);
  }
  V alpha, rest_1, rest_2, epsilon, decay, rate;
  bool decays;
};

// Weights that another thread has read, or its processor has fetched ahead of a read, are no longer this core's own.
// The processor alone fetches four arrays that are read and three that are written too late.
void RunAdamVectors(const View<float>& all, const AdamVector& step, const Between& between) {
  constexpr int64_t kAhead = 128;
  float *w = all.w.data, *m = all.a.data, *v = all.b.data;
  const float* g = all.g;
  int64_t i = all.begin;
  while (i + kLanes <= all.end) {
    const int64_t stop = between.step == nullptr ? all.end : std::min(all.end, i + between.each);
    for (; i + kLanes <= stop; i += kLanes) {
      for (const float* p : {w, m, v}) prefetch_to_write(p + i + kAhead);
      __builtin_prefetch(g + i + kAhead);
      step(w + i, g + i, m + i, v + i);
    }
    if (between.step != nullptr) between.step(between.work);
  }
  if (i == all.end) return;
  const auto rest = static_cast<std::size_t>(all.end - i) * sizeof(float);
  float some[4][kLanes] = {};
  float* const arrays[] = {w + i, m + i, v + i};
  for (int k = 0; k < 3; ++k) std::memcpy(some[k], arrays[k], rest);
  std::memcpy(some[3], g + i, rest);
  step(some[0], some[3], some[1], some[2]);
  for (int k = 0; k < 3; ++k) std::memcpy(arrays[k], some[k], rest);
}

template <class T>
void Run(const Update& u, const AdamPowers& s, int64_t begin, int64_t end) {
  using C = Compute<T>;
  const View<T> v(u, begin, end);
  const C one = 1, epsilon = static_cast<C>(s.epsilon), power_1 = s.power_1(C()), power_2 = s.power_2(C());
  const C alpha = v.learning_rate * std::sqrt(one - power_2) / (one - power_1);
  const C rest_1 = static_cast<C>(1 - s.beta_1), rest_2 = static_cast<C>(1 - s.beta_2);
  if constexpr (std::is_same_v<T, float>)
    if (v.c.data == nullptr && v.squares == nullptr) {
      const D d;
      return RunAdamVectors(v,
                            {hn::Set(d, alpha), hn::Set(d, rest_1), hn::Set(d, rest_2), hn::Set(d, epsilon),
                             hn::Set(d, v.decay), hn::Set(d, v.learning_rate), v.decay != 0},
                            u.between);
    }
  auto moments = [&](std::int64_t i, C g, C& m, C& second) {
    m = v.a[i], second = v.b[i];
    m += (g - m) * rest_1;
    second += (v.square(i, g) - second) * rest_2;
    v.a.set(i, m), v.b.set(i, second);
  };
  if (v.c.data == nullptr)
    v.each([&](std::int64_t i, C w, C g) {
      C m, second;
      moments(i, g, m, second);
      return w - m * alpha / (std::sqrt(second) + epsilon);
    });
  else
    v.each([&](std::int64_t i, C w, C g) {
      C m, second;
      moments(i, g, m, second);
      const C largest = std::max(v.c[i], second);
      v.c.set(i, largest);
      return w - m * alpha / (std::sqrt(largest) + epsilon);
    });
}

template <class T>
void Run(const Update& u, const RmspropStep& s, int64_t begin, int64_t end) {
  using C = Compute<T>;
  const View<T> v(u, begin, end);
  const C rho = static_cast<C>(s.rho), rest = static_cast<C>(1 - s.rho), momentum = static_cast<C>(s.momentum);
  const C lr = v.learning_rate, epsilon = static_cast<C>(s.epsilon);
  const bool has_momentum = v.b.data != nullptr, centered = v.c.data != nullptr;
  v.each([&](std::int64_t i, C w, C g) {
    const C velocity = rho * v.a[i] + rest * v.square(i, g);
    v.a.set(i, velocity);
    C denominator = velocity + epsilon;
    if (centered) {
      const C average = rho * v.c[i] + rest * g;
      v.c.set(i, average);
      denominator = velocity - average * average + epsilon;
    }
    C increment = lr * g / std::sqrt(denominator);
    if (has_momentum) {
      increment = momentum * v.b[i] + increment;
      v.b.set(i, increment);
    }
    return w - increment;
  });
}

template <class Narrow>
void Copy(const Update& u, int64_t begin, int64_t end) {
  const float* from = static_cast<const float*>(u.weight);
  Narrow* to = static_cast<Narrow*>(u.copy);
  for (int64_t i = begin; i < end; ++i) to[i] = Narrow(from[i]);
}

template <class Step>
void RunFloat(const Update& u, const Step& s, int64_t begin, int64_t end) {
  Run<float>(u, s, begin, end);
  if (u.copy == nullptr) return;
  u.copy_dtype == DType::bfloat16 ? Copy<BFloat16>(u, begin, end) : Copy<Float16>(u, begin, end);
}

void RunSgd(const Update& u, const SgdStep& s, int64_t begin, int64_t end) { RunFloat(u, s, begin, end); }
void RunAdam(const Update& u, const AdamPowers& s, int64_t begin, int64_t end) { RunFloat(u, s, begin, end); }
void RunRmsprop(const Update& u, const RmspropStep& s, int64_t begin, int64_t end) { RunFloat(u, s, begin, end); }

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {
namespace {

HWY_EXPORT(RunSgd);
HWY_EXPORT(RunAdam);
HWY_EXPORT(RunRmsprop);

// The updates of float32 weights are compiled for each set of instructions, the rare others once.
template <class Step>
void run_other(const Update& u, const Step& s, std::int64_t begin, std::int64_t end) {
  dispatch_floating("optimizer update", u.dtype, [&]<class T>() {
    if constexpr (!std::is_same_v<T, float>) HWY_NAMESPACE::Run<T>(u, s, begin, end);
  });
}

// What threads share of a weight: 16 rows, as products with it cut it, where there are enough to share them evenly;
// else a few cache lines, so that threads do not share lines and copies start at whole vectors.
std::int64_t unit_of(const Update& u, std::int64_t threads) {
  return u.product != nullptr || (u.row > 0 && u.n >= 16 * u.row * 8 * threads) ? 16 * u.row : 64;
}

// Weights of at most so many elements are updated by the first thread, if all of them together have no more than twice
// as many: it computes their gradients alone and reads them, and in the caches of others they would cost more than
// their update.
constexpr std::int64_t kSmallWeight = 4096;

bool has_few_in_small_weights(std::span<const Update> updates) {
  std::int64_t sum = 0;
  for (const Update& u : updates) sum += u.n <= kSmallWeight ? u.n : 0;
  return sum <= 2 * kSmallWeight;
}

Share share_of_update(const Update& u, bool alone, std::int64_t index, std::int64_t threads) {
  const std::int64_t unit = unit_of(u, threads), units = parts_of(u.n, unit);
  const Share s = alone ? Share{0, index == 0 ? units : 0} : share_of(units, index, threads);
  return {s.begin * unit, std::min(u.n, s.end * unit)};
}

// An update of rows of a weight whose gradient is a product.
template <class Step, class F>
class RowsUpdate final : public RowsUser {
 public:
  RowsUpdate(const Update& u, const Step& s, F& run) : update_(u), step_(s), run_(run) {}
  void use(std::int64_t first_row, std::int64_t rows, const float* sums, const Between& between) override {
    const std::int64_t begin = first_row * update_.product->gemm.n;
    Update part = update_;
    part.gradient = sums;
    part.weight = static_cast<float*>(update_.weight) + begin;
    for (void*& slot : part.slots)
      if (slot != nullptr) slot = static_cast<float*>(slot) + begin;
    if (part.copy != nullptr) part.copy = static_cast<std::uint16_t*>(part.copy) + begin;
    part.between = between;
    run_(part, step_, 0, rows * update_.product->gemm.n);
  }

 private:
  const Update& update_;
  const Step& step_;
  F& run_;
};

// All updates, of which each is cut among threads; run_float(update, s, begin, end) is for float32.
template <class Step, class F>
void update_all(std::span<const Update> updates, const Step& s, F&& run_float) {
  std::int64_t total = 0, steps = 0;
  std::size_t room = 0;  // of a thread, for products
  for (const Update& u : updates) {
    total += u.n, steps += 4 * u.n;
    if (u.product == nullptr) continue;
    steps += split_gemm_steps(u.product->gemm);
    room = std::max(room, split_rows_room(u.product->gemm));
  }
  const bool few = has_few_in_small_weights(updates);
  const detail::Buffer rooms(room * static_cast<std::size_t>(team_size(steps, total)));
  parallel_threads(steps, total, [&](std::int64_t index, std::int64_t threads) {
    const FlushSubnormals flush;
    for (const Update& u : updates) {
      const Share share = share_of_update(u, few && u.n <= kSmallWeight, index, threads);
      if (share.begin >= share.end) continue;
      if (u.product != nullptr) {
        RowsUpdate user(u, s, run_float);
        const SplitGemm& g = u.product->gemm;
        split_rows(g, u.product->a, u.product->b, {share.begin / g.n, share.end / g.n},
                   static_cast<std::byte*>(rooms.data()) + static_cast<std::size_t>(index) * room, user);
      } else {
        u.dtype == DType::float32 ? run_float(u, s, share.begin, share.end) : run_other(u, s, share.begin, share.end);
      }
    }
  });
}

}  // namespace

void sgd_update_all(std::span<const Update> updates, const SgdStep& s) {
  update_all(updates, s, HWY_DYNAMIC_DISPATCH(RunSgd));
}
void adam_update_all(std::span<const Update> updates, const AdamStep& s) {
  update_all(updates, AdamPowers(s), HWY_DYNAMIC_DISPATCH(RunAdam));
}
void rmsprop_update_all(std::span<const Update> updates, const RmspropStep& s) {
  update_all(updates, s, HWY_DYNAMIC_DISPATCH(RunRmsprop));
}

void sgd_update(const Update& u, const SgdStep& s) { sgd_update_all({&u, 1}, s); }
void adam_update(const Update& u, const AdamStep& s) { adam_update_all({&u, 1}, s); }
void rmsprop_update(const Update& u, const RmspropStep& s) { rmsprop_update_all({&u, 1}, s); }

}  // namespace strata::kernels
#endif
