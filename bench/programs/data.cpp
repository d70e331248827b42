// The input pipeline and augmentation by themselves, and a program up to its first batch.
#include <strata/strata.h>

#include "work.h"

namespace bench {
namespace {

using namespace strata;
using namespace strata::layers;

Run pipeline(const Options&) {
  const auto dataset =
      data::from_tensor_slices(zeros({60000, 28, 28, 3}), zeros({60000, 10})).shuffle(60000, {.seed = 7}).batch(128);
  return [=] {
    for (auto& [x, y] : dataset)
      if (x.shape()[0] == 0) return;
  };
}

Run augmentation(const Options& options) {
  const std::int64_t n = options.number("batch", 256);
  const Tensor images = random::uniform({n, 32, 32, 3}, {.maxval = 255});
  const Sequential augment({RandomFlip("horizontal"), RandomTranslation(0.1, 0.1), RandomRotation(0.05),
                            RandomZoom(0.1), RandomContrast(Factor(0.2, 0.2))});
  if (options.text("mode", "layers") == "layers") return [=] { augment(images, training = true); };
  const auto compiled = function([=](const Tensor& x) { return Tensor(augment(x, training = true)); });
  if (options.text("mode", "layers") == "function") return [=] { compiled(images); };
  const auto dataset = data::from_tensors(images).repeat(4).map(
      [=](const Tensor& x) { return Tensor(augment(x, training = true)); }, {.num_parallel_calls = 2});
  return [=] {
    for (auto& x : dataset)
      if (x.shape()[0] == 0) return;
  };
}

Run start(const Options&) {
  const auto dataset = data::from_tensor_slices(zeros({1000, 32, 32, 3}), zeros({1000}, int32)).shuffle(1000).batch(64);
  const auto batch = *dataset.begin();
  return [=] { (void)batch; };
}

}  // namespace

void add_data(Works& works) {
  works["pipeline"] = pipeline;
  works["augmentation"] = augmentation;
  works["start"] = start;
}

}  // namespace bench
