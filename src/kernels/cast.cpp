#include "kernels/cast.h"

#include <limits>
#include <type_traits>

#include "core/dispatch.h"
#include "kernels/parallel.h"

namespace strata::kernels {
namespace {

template <class To, class From>
To convert(From v) {
  using Real = Compute<From>;
  const Real x = v;
  if constexpr (std::is_same_v<To, bool>) {
    return x != Real(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Real>) {
    constexpr Real low = static_cast<Real>(std::numeric_limits<To>::min());
    constexpr Real high = static_cast<Real>(std::numeric_limits<To>::max());  // perhaps rounded up, hence >=
    if (x >= high) return std::numeric_limits<To>::max();
    if (x <= low) return std::numeric_limits<To>::min();
    return x == x ? static_cast<To>(x) : To(0);
  } else {
    return static_cast<To>(static_cast<Compute<To>>(x));
  }
}

}  // namespace

void cast(DType from, const void* src, DType to, void* dst, std::int64_t count) {
  dispatch_all(from, [&]<class From>() {
    dispatch_all(to, [&]<class To>() {
      const From* s = static_cast<const From*>(src);
      To* d = static_cast<To*>(dst);
      parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) d[i] = convert<To>(s[i]);
      });
    });
  });
}

}  // namespace strata::kernels
