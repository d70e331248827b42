// Inputs of the random ops for the walk over the registry: with seeds, so that two runs agree.
#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {

namespace {

Config seeded(const Shape& shape, const char* dtype, const Config& more) {
  Config out = {{"shape", shape}, {"dtype", dtype}, {"seeded", true}, {"seed", 3}};
  for (const auto& [key, value] : more.entries()) out.set(key, value);
  return out;
}

}  // namespace

void samples_random(std::vector<OpSample>& out) {
  auto add = [&](const char* name, const Config& config, const Tensors& inputs) {
    out.push_back({make_registered_op(name, config), inputs, false});
  };
  const Tensor x = spread({4, 3});
  add("random_uniform", seeded({2, 3}, "float32", {{"minval", -1.}, {"maxval", 2.}}), {});
  add("random_uniform", seeded({}, "float64", {{"minval", -1.}, {"maxval", 2.}}), {x});
  add("random_normal", seeded({7}, "float32", {{"mean", 1.}, {"stddev", 0.5}, {"truncated", false}}), {});
  add("random_normal", seeded({}, "float16", {{"mean", 1.}, {"stddev", 0.5}, {"truncated", true}}), {x});
  add("random_uniform_int", seeded({5}, "int64", {{"minval", -3}, {"maxval", 4}}), {});
  add("random_keep_mask", seeded({}, "bool", {{"rate", 0.25}}), {x});
  add("random_keep_mask", seeded({None, 1}, "bool", {{"rate", 0.25}}), {x});
  add("random_permutation", seeded({}, "int64", {{"axis", -1}}), {x});
  add("categorical", seeded({}, "int32", {{"num_samples", 5}}), {x});
  const Tensor positive = cast(spread({4, 3}, 0.1, 0.9), float64);
  add("random_with_parameters", seeded({4, 3}, "float32", {{"family", "gamma"}}), {positive});
  add("random_with_parameters", seeded({4, 3}, "float64", {{"family", "beta"}}), {positive, positive});
  add("random_with_parameters", seeded({4, 3}, "float32", {{"family", "binomial"}}),
      {cast(spread({4, 3}, 1, 9), float64), positive});
}

}  // namespace strata::test
