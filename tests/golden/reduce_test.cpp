// Reductions, arg, top-k, sort and cumulative ops against TensorFlow and Keras.
#include "strata/reduce.h"

#include <gtest/gtest.h>

#include "strata/nn.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

Axes axes_of(const Json& c) { return c.at("axis").is_null() ? Axes() : Axes(ints(c, "axis")); }

using Reduction = Tensor (*)(const Tensor&, const Axes&, const ReduceOptions&);
GoldenFunction reduction(Reduction f) {
  return [f](const Json& c, const Tensors& x) {
    return Tensors{f(x.at(0), axes_of(c), {.keepdims = flag(c, "keepdims")})};
  };
}

GoldenTable reductions() {
  return {
      {"reduce_sum", reduction(reduce_sum)},
      {"reduce_mean", reduction(reduce_mean)},
      {"reduce_max", reduction(reduce_max)},
      {"reduce_min", reduction(reduce_min)},
      {"reduce_prod", reduction(reduce_prod)},
      {"reduce_any", reduction(reduce_any)},
      {"reduce_all", reduction(reduce_all)},
      {"reduce_logsumexp", reduction(reduce_logsumexp)},
      {"reduce_variance", reduction(reduce_variance)},
      {"reduce_std", reduction(reduce_std)},
      {"norm", [](const Json& c, const Tensors& x) { return Tensors{norm(x.at(0), axes_of(c))}; }},
  };
}

GoldenTable orders() {
  auto axis = [](const Json& c) { return c.at("axis").get<std::int64_t>(); };
  auto direction = [](const Json& c) { return c.at("direction").get<std::string>(); };
  auto cumulative = [](const Json& c) {
    return CumulativeOptions{.exclusive = flag(c, "exclusive"), .reverse = flag(c, "reverse")};
  };
  return {
      {"argmax", [=](const Json& c, const Tensors& x) { return Tensors{argmax(x[0], axis(c))}; }},
      {"argmin", [=](const Json& c, const Tensors& x) { return Tensors{argmin(x[0], axis(c))}; }},
      {"top_k",
       [](const Json& c, const Tensors& x) {
         const TopK top = top_k(x[0], c.at("k").get<std::int64_t>());
         return Tensors{top.values, top.indices};
       }},
      {"sort",
       [=](const Json& c, const Tensors& x) { return Tensors{sort(x[0], axis(c), {.direction = direction(c)})}; }},
      {"argsort",
       [=](const Json& c, const Tensors& x) { return Tensors{argsort(x[0], axis(c), {.direction = direction(c)})}; }},
      {"cumsum", [=](const Json& c, const Tensors& x) { return Tensors{cumsum(x[0], axis(c), cumulative(c))}; }},
      {"cumprod", [=](const Json& c, const Tensors& x) { return Tensors{cumprod(x[0], axis(c), cumulative(c))}; }},
      {"in_top_k", [](const Json& c,
                      const Tensors& x) { return Tensors{nn::in_top_k(x[0], x[1], c.at("k").get<std::int64_t>())}; }},
  };
}

TEST(Golden, Reductions) {
  GoldenTable all = reductions();
  all.merge(orders());
  check_family("reduce", all);
}

}  // namespace
}  // namespace strata::test
