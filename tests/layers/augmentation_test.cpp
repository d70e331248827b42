#include "strata/layers/augmentation.h"

#include <gtest/gtest.h>

#include "strata/strata.h"

namespace strata {
namespace {

using namespace strata::layers;

double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  return reduce_max(abs(a - b)).item<double>();
}
Tensor pictures(std::int64_t n = 4) { return random::uniform({n, 8, 6, 3}, {.minval = 0, .maxval = 255, .seed = 1}); }

// capability: 4.17
TEST(Augmentation, OnlyInTraining) {
  utils::set_random_seed(3);
  const Tensor x = pictures();
  const std::vector<Layer> all = {RandomFlip(),    RandomTranslation(0.3, 0.3), RandomRotation(0.3),
                                  RandomZoom(0.3), RandomContrast(0.5),         RandomBrightness(0.5)};
  for (const Layer& layer : all) {
    EXPECT_EQ(difference(layer(x), x), 0) << layer.class_name();
    EXPECT_GT(difference(layer(x, training = true), x), 1) << layer.class_name();
    EXPECT_EQ(Tensor(layer(cast(x, uint8), training = true)).dtype(), float32) << layer.class_name();
  }
}

// capability: 4.17
TEST(Augmentation, ColorsInTrainingAlone) {
  const Tensor x = pictures();
  const std::vector<Layer> all = {RandomColorDegeneration(0.9),
                                  RandomSharpness({0.8, 1.0}),
                                  RandomPosterization({2, 3}),
                                  RandomInvert({.factor = {1, 1}}),
                                  RandomGrayscale({.factor = 1}),
                                  Solarization({.addition_factor = 0.3, .threshold_factor = 0.5}),
                                  Equalization(),
                                  RandomShear({.x_factor = {0.4, 0.5}, .y_factor = 0.3}),
                                  RandomErasing({.factor = {1, 1}})};
  for (const Layer& layer : all) {
    EXPECT_EQ(difference(layer(x), x), 0) << layer.class_name();
    const Tensor y = layer(x, training = true);
    EXPECT_GT(difference(y, x), 1) << layer.class_name();
    EXPECT_GE(reduce_min(y).item<float>(), 0) << layer.class_name();
    EXPECT_LE(reduce_max(y).item<float>(), 255) << layer.class_name();
    EXPECT_EQ(Tensor(layer(cast(x[0], uint8), training = true)).shape(), x[0].shape()) << layer.class_name();
  }
}

TEST(Augmentation, ErasesARectangleOfEachPicture) {
  utils::set_random_seed(3);
  const Tensor x = ones({40, 10, 10, 2});
  const Tensor y = RandomErasing({.factor = {1, 1}, .scale = {0.25, 0.25}, .fill_value = 0})(x, training = true);
  // Half of the width and of the height: five rows and columns, where they start at whole numbers or not.
  const Tensor gone = 1.f - y[{Ellipsis, 0}];
  const Tensor rows = reduce_sum(reduce_max(gone, 2), 1), columns = reduce_sum(reduce_max(gone, 1), 1);
  EXPECT_EQ(difference(rows, full({40}, 5.f)), 0);
  EXPECT_EQ(difference(columns, full({40}, 5.f)), 0);
  EXPECT_EQ(difference(reduce_sum(gone, {1, 2}), full({40}, 25.f)), 0);
  EXPECT_GT(difference(gone[0], gone[1]), 0);
  // Without a value, noise; with half a probability, some.
  EXPECT_GT(reduce_max(RandomErasing({.factor = {1, 1}})(x, training = true)).item<float>(), 100);
  const Tensor some = RandomErasing({.factor = {0.5, 0.5}, .fill_value = 0})(x, training = true);
  const float touched = reduce_sum(cast(reduce_min(some, {1, 2, 3}) < 1.f, float32)).item<float>();
  EXPECT_GT(touched, 8);
  EXPECT_LT(touched, 32);
}

TEST(Augmentation, RandAugmentDrawsChangesForEachBatch) {
  utils::set_random_seed(4);
  const Tensor x = pictures();
  const RandAugment augment({.num_ops = 1, .factor = {0.5, 0.5}});
  EXPECT_EQ(difference(augment(x), x), 0);
  std::vector<Tensor> results;
  for (int i = 0; i < 12; ++i) results.push_back(augment(x, training = true));
  int different = 0;
  for (const Tensor& r : results) different += difference(r, results[0]) > 0;
  EXPECT_GT(different, 5);
  const RandAugment a({.seed = 5}), b({.seed = 5});
  EXPECT_EQ(difference(a(x, training = true), b(x, training = true)), 0);
  auto step = function([&](const Tensor& t) { return Tensor(augment(t, training = true)); });
  const Tensor first = step(x);
  different = 0;
  for (int i = 0; i < 6; ++i) different += difference(step(x), first) > 0;
  EXPECT_GT(different, 2);
}

TEST(Augmentation, SeedsRepeatTheSequenceOfCalls) {
  const Tensor x = pictures();
  const RandomTranslation a(0.4, 0.4, {.seed = 7}), b(0.4, 0.4, {.seed = 7}), c(0.4, 0.4, {.seed = 8});
  const Tensor first = a(x, training = true), second = a(x, training = true);
  EXPECT_GT(difference(first, second), 1);
  EXPECT_EQ(difference(b(x, training = true), first), 0);
  EXPECT_EQ(difference(b(x, training = true), second), 0);
  EXPECT_GT(difference(c(x, training = true), first), 1);
}

TEST(Augmentation, EachPictureHasItsOwn) {
  const Tensor one = pictures(1), x = repeat(one, 32, 0);
  utils::set_random_seed(2);
  const Tensor y = RandomFlip("horizontal")(x, training = true);
  int flipped = 0;
  for (int i = 0; i < 32; ++i) {
    if (difference(y[i], one[0]) == 0) continue;
    ++flipped;
    EXPECT_EQ(difference(y[i], flip(one[0], 1)), 0);
  }
  EXPECT_GT(flipped, 6);
  EXPECT_LT(flipped, 26);
}

TEST(Augmentation, InsideATracedStepEachRunDraws) {
  const Sequential augment({RandomFlip("horizontal"), RandomRotation(0.2), RandomCrop(6, 4)});
  auto step = function([&](const Tensor& x) { return Tensor(augment(x, training = true)); });
  const Tensor x = pictures(6);
  const Tensor first = step(x), second = step(x);
  EXPECT_EQ(first.shape(), Shape({6, 6, 4, 3}));
  EXPECT_GT(difference(first, second), 1);
}

TEST(Augmentation, CropsAreWindows) {
  const Tensor x = pictures(2);
  const RandomCrop crop(5, 4, {.seed = 1});
  bool found = false;
  const Tensor y = crop(x, training = true);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j)
      found = found || difference(y, x[{Slice(0, None), Slice(i, i + 5), Slice(j, j + 4)}]) == 0;
  EXPECT_TRUE(found);
  EXPECT_EQ(Tensor(crop(x)).shape(), Shape({2, 5, 4, 3}));
  EXPECT_EQ(Tensor(RandomCrop(10, 10)(x, training = true)).shape(), Shape({2, 10, 10, 3}));
}

TEST(Augmentation, MixUpAndCutMix) {
  const Tensor x = pictures(8), y = one_hot(range(8), 8);
  for (const Layer& layer : {Layer(MixUp({.alpha = 1, .seed = 3})), Layer(CutMix({.seed = 3}))}) {
    const auto [mx, my] = layer({x, y}, training = true).as<2>();
    EXPECT_LT(difference(reduce_sum(my, 1), ones({8})), 1e-5) << layer.class_name();
    EXPECT_GT(difference(mx, x), 1) << layer.class_name();
    // The labels say how much of each picture is there.
    if (layer.class_name() == "MixUp") {
      EXPECT_LT(difference(reshape(matmul(my, reshape(x, {8, -1})), x.shape()), mx), 1e-2);
    } else {
      const Tensor own = reduce_mean(cast(reduce_all(equal(mx, x), -1), float32), {1, 2});
      EXPECT_LT(difference(own, reduce_sum(my * y, 1)), 0.25);
    }
    EXPECT_EQ(difference(layer({x, y})[0], x), 0);
    EXPECT_THROW(layer({x, range(8)}, training = true), ValueError);
  }
}

TEST(Augmentation, NormalizationAdapts) {
  const Tensor x = random::normal({50, 3}, {.mean = 4, .stddev = 3, .seed = 1});
  const Normalization whole, batches, single({.axis = {}});
  whole.adapt(x);
  batches.adapt(data::from_tensor_slices(x).batch(7));
  single.adapt(x);
  const Tensor y = whole(x);
  EXPECT_LT(difference(reduce_mean(y, 0), zeros({3})), 1e-5);
  EXPECT_LT(difference(reduce_std(y, 0), ones({3})), 1e-4);
  EXPECT_LT(difference(batches(x), y), 1e-4);
  EXPECT_LT(std::abs(reduce_mean(Tensor(single(x))).item<float>()), 1e-5);
  EXPECT_THROW(Normalization({.mean = Tensor(1.f)}), ValueError);
}

TEST(Augmentation, ErrorsOfColors) {
  EXPECT_THROW(RandomPosterization(0.5), ValueError);
  EXPECT_THROW(RandomSharpness(2.0), ValueError);
  EXPECT_THROW(Solarization({.value_range = {1, 0}}), ValueError);
  EXPECT_THROW(RandAugment({.num_ops = 0}), ValueError);
  EXPECT_THROW(RandomErasing({.scale = {0.1, 1.5}}), ValueError);
  EXPECT_THROW(RandomGrayscale({.factor = 1})(ones({2, 4, 4, 1}), training = true), ShapeError);
}

TEST(Augmentation, Errors) {
  EXPECT_THROW(RandomFlip("sideways"), ValueError);
  EXPECT_THROW(RandomTranslation(1.5, 0), ValueError);
  EXPECT_THROW(RandomRotation(0.1, {.fill_mode = "mirror"}), ValueError);
  EXPECT_THROW(RandomZoom(0.1, {.interpolation = "cubic"}), ValueError);
  EXPECT_THROW(RandomContrast(-0.5, {.data_format = "hwc"}), ValueError);
  EXPECT_THROW(RandomCrop(0, 3), ValueError);
  EXPECT_THROW(Resizing(3, 3, {.interpolation = "bicubic"}), ValueError);
  EXPECT_THROW(Resizing(3, 3, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}), ValueError);
  EXPECT_THROW(Rescaling(std::vector<double>{}), ValueError);
  EXPECT_THROW(Discretization({0, 1}, {.output_mode = "bits"}), ValueError);
  EXPECT_THROW(BatchNormalization({.renorm = true, .renorm_clipping = {.dmax = -1}}), ValueError);
  EXPECT_THROW(RandomFlip()(ones({3, 4}), training = true), ShapeError);
  EXPECT_THROW(MixUp({.alpha = 0}), ValueError);
  EXPECT_THROW(CategoryEncoding(0), ValueError);
  EXPECT_THROW(Discretization({1, 0}), ValueError);
  EXPECT_THROW(image::affine_transform(ones({1, 2, 2, 1}), ones({1, 6})), ShapeError);
}

}  // namespace
}  // namespace strata
