#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "strata/strata.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;
using List = std::vector<std::int64_t>;

template <class D>
std::vector<List> elements(const D& dataset) {
  std::vector<List> out;
  for (const Tensor& t : dataset) out.push_back(t.template to_vector<std::int64_t>());
  return out;
}
using test::message_of;

// Elements [0], [0, 1], [0, 1, 2], ...
data::Dataset<Tensor> growing(std::int64_t n) {
  return data::range(1, n + 1).map([](const Tensor& k) { return range(k); });
}

TEST(DataBatches, PaddedBatch) {
  EXPECT_EQ(elements(growing(3).padded_batch(2)), (std::vector<List>{{0, 0, 0, 1}, {0, 1, 2}}));
  const auto filled = growing(3).padded_batch(3, {.padded_shapes = {{4}}, .padding_values = {Tensor(-1)}});
  EXPECT_EQ(elements(filled), (std::vector<List>{{0, -1, -1, -1, 0, 1, -1, -1, 0, 1, 2, -1}}));
  EXPECT_EQ(growing(3).padded_batch(2, {.drop_remainder = true}).size(), 1);
  // Pictures of several sizes.
  const auto squares = data::range(1, 4).map([](const Tensor& k) {
    const auto n = k.item<std::int64_t>();
    return ones({n, n, 2});
  });
  for (const Tensor& t : squares.padded_batch(3)) {
    EXPECT_EQ(t.shape(), Shape({3, 3, 3, 2}));
    EXPECT_EQ(reduce_sum(t, {1, 2, 3}).to_vector<float>(), (std::vector<float>{2, 8, 18}));
  }
  EXPECT_NE(message_of([] { elements(growing(3).padded_batch(3, {.padded_shapes = {{2}}})); }).find("padded_shapes"),
            std::string::npos);
  EXPECT_THROW(growing(3).padded_batch(0), ValueError);
}

TEST(DataBatches, WindowAndRebatch) {
  EXPECT_EQ(elements(data::range(5).window(2)), (std::vector<List>{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(elements(data::range(5).window(3, {.shift = 1, .drop_remainder = true})),
            (std::vector<List>{{0, 1, 2}, {1, 2, 3}, {2, 3, 4}}));
  EXPECT_EQ(elements(data::range(7).window(2, {.shift = 3, .stride = 2})), (std::vector<List>{{0, 2}, {3, 5}, {6}}));
  EXPECT_EQ(elements(data::range(7).window(2, {.shift = 5})), (std::vector<List>{{0, 1}, {5, 6}}));
  EXPECT_EQ(data::range(7).window(2, {.shift = 3, .stride = 2}).cardinality(), 3);
  EXPECT_EQ(data::range(5).window(3, {.shift = 1, .drop_remainder = true}).cardinality(), 3);
  EXPECT_EQ(elements(data::range(5).batch(2).rebatch(3)), (std::vector<List>{{0, 1, 2}, {3, 4}}));
  EXPECT_THROW(data::range(5).window(0), ValueError);
}

TEST(DataBatches, InterleaveAndFlatMap) {
  const auto repeated = [](const Tensor& k) { return data::from_tensors(k).repeat(3); };
  auto flat = [](const data::Dataset<Tensor>& d) {
    List out;
    for (const Tensor& t : d) out.push_back(t.item<std::int64_t>());
    return out;
  };
  EXPECT_EQ(flat(data::range(3).interleave(repeated)), (List{0, 1, 0, 1, 0, 1, 2, 2, 2}));
  EXPECT_EQ(flat(data::range(3).interleave(repeated, {.cycle_length = 2, .block_length = 2})),
            (List{0, 0, 1, 1, 0, 2, 2, 1, 2}));
  EXPECT_EQ(flat(data::range(3).flat_map(repeated)), (List{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_THROW(data::range(3).interleave(repeated, {.cycle_length = 0}), ValueError);
}

TEST(DataBatches, CacheInAFile) {
  const std::string path = (fs::temp_directory_path() / ("strata_cache_" + std::to_string(getpid()))).string();
  int calls = 0;
  const auto cached = growing(4)
                          .map([&](const Tensor& t) {
                            ++calls;
                            return std::pair(t, cast(t, bfloat16));
                          })
                          .cache(path);
  auto sum = [](const auto& d) {
    std::int64_t total = 0;
    for (const auto& [a, b] : d) {
      EXPECT_EQ(b.dtype(), bfloat16);
      total += reduce_sum(a).template item<std::int64_t>();
    }
    return total;
  };
  for (const auto& element : cached) {  // a pass that is not finished leaves nothing
    (void)element;
    break;
  }
  EXPECT_FALSE(fs::exists(path));
  calls = 0;
  EXPECT_EQ(sum(cached), 10);
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(sum(cached), 10);
  EXPECT_EQ(calls, 4);
  // Any cut or changed file is an error, not more.
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t n = 0; n < bytes.size(); n += 3) {
    std::ofstream(path, std::ios::binary) << bytes.substr(0, n);
    EXPECT_THROW(sum(cached), FileError) << n;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x7f);
    std::ofstream(path, std::ios::binary) << changed;
    try {
      for (const auto& [a, b] : cached) (void)a.size();
    } catch (const Error&) {
    }
  }
  fs::remove(path);
}

// capability: 3.4
TEST(DataBatches, ThreadsDrawTheSameNumbers) {
  auto drawn = [](std::int64_t threads) {
    utils::set_random_seed(4);
    const layers::RandomFlip flip("horizontal", {.seed = 3});
    std::vector<float> out;
    const auto dataset = data::range(40).map(
        [&](const Tensor& k) {
          const Tensor noise = random::uniform({2, 3, 1}) + cast(k, float32);
          return flip(noise, training = true);
        },
        {.num_parallel_calls = threads});
    for (const Tensor& t : dataset)
      for (const float v : t.to_vector<float>()) out.push_back(v);
    return out;
  };
  const auto one = drawn(1);
  for (const std::int64_t threads : {2, 4}) EXPECT_EQ(drawn(threads), one);
}

// capability: 3.7
TEST(DataUtils, TrainTestSplit) {
  const Tensor x = reshape(range(40, {.dtype = float32}), {20, 2}), y = range(20) / 15;  // 15 of 0, 5 of 1
  const auto [x_train, x_test, y_train, y_test] =
      utils::train_test_split(x, cast(y, int32), {.test_size = 0.2, .random_state = 1, .stratify = cast(y, int32)});
  EXPECT_EQ(x_train.shape(), Shape({16, 2}));
  EXPECT_EQ(x_test.shape(), Shape({4, 2}));
  EXPECT_EQ(reduce_sum(y_test).item<int>(), 1);
  EXPECT_EQ(reduce_sum(y_train).item<int>(), 4);
  EXPECT_EQ(reduce_sum(x_train).item<float>() + reduce_sum(x_test).item<float>(), 780.f);
  const auto [a, b] = utils::train_test_split(x, {.shuffle = false});
  EXPECT_EQ(b[0][0].item<float>(), 30.f);
  const auto again = utils::train_test_split(x, {.train_size = 5, .random_state = 2});
  EXPECT_EQ(again[0].shape()[0], 5);
  EXPECT_EQ(again[1].shape()[0], 15);
  EXPECT_EQ(again[0].to_vector<float>(),
            utils::train_test_split(x, {.train_size = 5, .random_state = 2})[0].to_vector<float>());
  EXPECT_THROW(utils::train_test_split(x, {.test_size = 1.5, .train_size = 19}), ValueError);
  EXPECT_THROW(utils::train_test_split(x, {.test_size = -0.1}), ValueError);
  EXPECT_THROW(utils::train_test_split(x, {.stratify = range(20)}), ValueError);
  EXPECT_THROW(utils::train_test_split(x, ones({3})), ShapeError);
}

// capability: 8.11
TEST(DataUtils, SplitDatasetAndClassWeights) {
  const auto [left, right] = utils::split_dataset(data::range(10), 0.7, {.shuffle = true, .seed = 1});
  EXPECT_EQ(left.size(), 7);
  EXPECT_EQ(right.size(), 3);
  std::vector<int> seen(10);
  for (const auto& part : {left, right})
    for (const Tensor& t : part) ++seen[t.item<std::size_t>()];
  EXPECT_EQ(seen, std::vector<int>(10, 1));
  EXPECT_THROW(utils::split_dataset(data::range(10), 11), ValueError);
  const auto weights = utils::balanced_class_weights(Tensor({0, 0, 0, 1}));
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_DOUBLE_EQ(weights[0].second, 4 / 6.);
  EXPECT_DOUBLE_EQ(weights[1].second, 2);
}

TEST(DataUtils, PadSequences) {
  using Longs = std::vector<std::int64_t>;
  const std::vector<Longs> sequences = {{1}, {2, 3}, {4, 5, 6}};
  const Tensor plain = utils::pad_sequences(sequences);
  EXPECT_EQ(plain.dtype(), int32);
  EXPECT_EQ(plain.shape(), (Shape{3, 3}));
  EXPECT_EQ(plain.to_vector<std::int64_t>(), (Longs{0, 0, 1, 0, 2, 3, 4, 5, 6}));
  const Tensor post = utils::pad_sequences(
      sequences, {.maxlen = 2, .dtype = "float32", .padding = "post", .truncating = "post", .value = -1});
  EXPECT_EQ(post.to_vector<float>(), (std::vector<float>{1, -1, 2, 3, 4, 5}));
  EXPECT_EQ(utils::pad_sequences(sequences, {.maxlen = 2}).to_vector<std::int64_t>(), (Longs{0, 1, 2, 3, 5, 6}));
  EXPECT_THROW(utils::pad_sequences(sequences, {.padding = "left"}), ValueError);
}

TEST(DataUtils, Timeseries) {
  const Tensor data = range(10);
  EXPECT_EQ(elements(utils::timeseries_dataset_from_array(data, 3, {.sequence_stride = 3, .batch_size = {}})),
            (std::vector<List>{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}}));
  for (const auto& [x, y] : utils::timeseries_dataset_from_array(data, data * 10, 3, {.sampling_rate = 2})) {
    EXPECT_EQ(x.shape(), Shape({6, 3}));
    EXPECT_EQ(x[1].to_vector<std::int64_t>(), (List{1, 3, 5}));
    EXPECT_EQ(y.to_vector<std::int64_t>(), (List{0, 10, 20, 30, 40, 50}));
  }
  EXPECT_THROW(utils::timeseries_dataset_from_array(data, 11), ValueError);
  EXPECT_THROW(utils::timeseries_dataset_from_array(data, 0), ValueError);
}

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Five epochs of augmented batches do not grow.
TEST(DataBatches, LongFlatMemory) {
  const Tensor x = cast(random::randint({4096, 32, 32, 3}, 0, 256), uint8), y = range(4096);
  const layers::RandomFlip flip("horizontal");
  const layers::RandomRotation turn(0.1);
  const auto dataset = data::from_tensor_slices(x, y)
                           .shuffle(4096)
                           .batch(128)
                           .map(
                               [&](const Tensor& a, const Tensor& b) {
                                 return std::pair(turn(flip(cast(a, float32), training = true), training = true), b);
                               },
                               {.num_parallel_calls = 2})
                           .prefetch(2);
  std::int64_t after_first = 0;
  for (int epoch = 0; epoch < 5; ++epoch) {
    for (const auto& [a, b] : dataset) EXPECT_EQ(a.shape()[0], b.shape()[0]);
    if (epoch == 0) after_first = resident_bytes();
  }
  EXPECT_LT(resident_bytes(), after_first + (64 << 20));
}

}  // namespace
}  // namespace strata
