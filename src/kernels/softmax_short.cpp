// Highway compiles this file once for each set of instructions and picks one of them at the first call.
#include "kernels/softmax_short.h"

#include <algorithm>
#include <limits>

#include "kernels/simd_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax_short.cpp"
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Must come after highway.h.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strata::kernels {
namespace HWY_NAMESPACE {

using std::int64_t;

int64_t ShortClasses() { return kLanes; }

// A line: the distances of its values from the largest one, and their exponentials; 0 behind its end.
struct ShortLine {
  ShortLine(const float* x, int64_t classes) {
    const D d;
    const auto there = hn::FirstN(d, static_cast<std::size_t>(classes));
    const V values = LoadSome(x, classes);
    const V largest =
        hn::MaxOfLanes(d, hn::IfThenElse(there, values, hn::Set(d, -std::numeric_limits<float>::infinity())));
    distances = hn::IfThenElseZero(there, hn::Sub(values, largest));
    // What is no number stays none.
    const V exp = hn::IfThenElse(hn::Le(distances, hn::Zero(d)), hn::Exp(d, distances), distances);
    exps = hn::IfThenElseZero(there, exp);
    sum = hn::SumOfLanes(d, exps);
  }
  V softmax() const { return hn::Div(exps, sum); }
  V distances, exps, sum;  // the sum in each lane
};

void Softmax(int64_t classes, const float* x, float* y, int64_t begin, int64_t end) {
  for (int64_t l = begin; l < end; ++l)
    StoreSome(ShortLine(x + l * classes, classes).softmax(), y + l * classes, classes);
}

void CrossEntropy(int64_t classes, const float* labels, const float* x, float* loss, int64_t begin, int64_t end) {
  constexpr int64_t kBlock = 64;
  const D d;
  for (; begin < end; begin += kBlock) {
    const int64_t lines = std::min(kBlock, end - begin);
    HWY_ALIGN float distances[kBlock * kLanes], sums[kBlock];
    for (int64_t l = 0; l < lines; ++l) {
      const ShortLine line(x + (begin + l) * classes, classes);
      hn::Store(line.distances, d, distances + l * kLanes);
      sums[l] = hn::GetLane(line.sum);
    }
    log_float(sums, sums, lines);
    for (int64_t l = 0; l < lines; ++l) {
      const V label = LoadSome(labels + (begin + l) * classes, classes);
      const V logs = hn::Sub(hn::Set(d, sums[l]), hn::Load(d, distances + l * kLanes));
      loss[begin + l] = hn::GetLane(hn::SumOfLanes(d, hn::Mul(label, logs)));
    }
  }
}

void CrossEntropyGrad(int64_t classes, const float* labels, const float* x, const float* dloss, float* dx,
                      int64_t begin, int64_t end) {
  const D d;
  for (int64_t l = begin; l < end; ++l) {
    const V label = LoadSome(labels + l * classes, classes);
    const V expected = hn::Mul(ShortLine(x + l * classes, classes).softmax(), hn::SumOfLanes(d, label));
    StoreSome(hn::Mul(hn::Sub(expected, label), hn::Set(d, dloss[l])), dx + l * classes, classes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace strata::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strata::kernels {

HWY_EXPORT(ShortClasses);
HWY_EXPORT(Softmax);
HWY_EXPORT(CrossEntropy);
HWY_EXPORT(CrossEntropyGrad);

std::int64_t short_softmax_classes() { return HWY_DYNAMIC_DISPATCH(ShortClasses)(); }

void short_softmax(std::int64_t classes, const float* x, float* y, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(Softmax)(classes, x, y, begin, end);
}

void short_cross_entropy(std::int64_t classes, const float* labels, const float* x, float* loss, std::int64_t begin,
                         std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(CrossEntropy)(classes, labels, x, loss, begin, end);
}

void short_cross_entropy_grad(std::int64_t classes, const float* labels, const float* x, const float* dloss, float* dx,
                              std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(CrossEntropyGrad)(classes, labels, x, dloss, dx, begin, end);
}

}  // namespace strata::kernels
#endif
