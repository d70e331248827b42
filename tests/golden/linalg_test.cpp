// Products of matrices and tensors against TensorFlow and Keras.
#include "strata/linalg.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace strata::test {
namespace {

using Binary = Tensor (*)(const Tensor&, const Tensor&);
GoldenFunction binary(Binary f) {
  return [f](const Json&, const Tensors& x) { return Tensors{f(x.at(0), x.at(1))}; };
}

Tensors contract(const Json& c, const Tensors& x) {
  const Json& axes = c.at("axes");
  if (axes.is_number()) return {tensordot(x[0], x[1], axes.get<std::int64_t>())};
  return {tensordot(x[0], x[1], axes[0].get<std::vector<std::int64_t>>(), axes[1].get<std::vector<std::int64_t>>())};
}

TEST(Golden, Products) {
  check_family("matmul",
               {
                   {"matmul",
                    [](const Json& c, const Tensors& x) {
                      return Tensors{matmul(
                          x[0], x[1], {.transpose_a = flag(c, "transpose_a"), .transpose_b = flag(c, "transpose_b")})};
                    }},
                   {"dot", binary(dot)},
                   {"outer", binary(outer)},
                   {"inner", binary(inner)},
                   {"tensordot", contract},
                   {"einsum", [](const Json& c,
                                 const Tensors& x) { return Tensors{einsum(c.at("equation").get<std::string>(), x)}; }},
               });
}

}  // namespace
}  // namespace strata::test
