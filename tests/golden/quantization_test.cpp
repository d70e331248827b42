// Fake quantization against TensorFlow: values, and gradients of values and bounds.
#include "strata/quantization.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace strata::test {
namespace {

using namespace quantization;

FakeQuantOptions options_of(const Json& c) {
  return {.num_bits = c.value("num_bits", 8), .narrow_range = c.value("narrow_range", false)};
}

TEST(Golden, Quantization) {
  check_family("quantization",
               {
                   {"quantization.fake_quant_with_min_max_vars",
                    [](const Json& c, const Tensors& x) {
                      return Tensors{fake_quant_with_min_max_vars(x[0], x[1], x[2], options_of(c))};
                    }},
                   {"quantization.fake_quant_with_min_max_vars_per_channel",
                    [](const Json& c, const Tensors& x) {
                      return Tensors{fake_quant_with_min_max_vars_per_channel(x[0], x[1], x[2], options_of(c))};
                    }},
                   {"quantization.fake_quant_with_min_max_args",
                    [](const Json& c, const Tensors& x) {
                      const FakeQuantOptions o = options_of(c);
                      return Tensors{fake_quant_with_min_max_args(x[0], {.min = c.value("min", -6.0),
                                                                         .max = c.value("max", 6.0),
                                                                         .num_bits = o.num_bits,
                                                                         .narrow_range = o.narrow_range})};
                    }},
               });
}

}  // namespace
}  // namespace strata::test
