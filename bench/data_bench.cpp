// One epoch of MNIST as three_apis trains on it: 60,000 float pictures of 28 x 28 x 3 with one-hot labels.
#include <benchmark/benchmark.h>

#include "strata/data.h"

using namespace strata;

namespace {

data::Dataset<Tensor, Tensor> mnist_like() {
  std::vector<float> x(std::size_t{60000} * 28 * 28 * 3, 0.5f), y(std::size_t{60000} * 10, 0.f);
  return data::from_tensor_slices(Tensor::adopt(std::move(x), {60000, 28, 28, 3}),
                                  Tensor::adopt(std::move(y), {60000, 10}));
}

void walk(benchmark::State& state, const data::Dataset<Tensor, Tensor>& dataset) {
  for (auto _ : state)
    for (auto& [x, y] : dataset) benchmark::DoNotOptimize(x.data<float>()[0] + y.data<float>()[0]);
}

void shuffle_and_batch(benchmark::State& state) {
  walk(state, mnist_like().shuffle(60000, {.seed = 7}).batch(state.range(0)));
}
void shuffle_batch_and_prefetch(benchmark::State& state) {
  walk(state, mnist_like().shuffle(60000, {.seed = 7}).batch(state.range(0)).prefetch(2));
}
void map_rows_and_batch(benchmark::State& state) {
  walk(state, mnist_like().map([](const Tensor& x, const Tensor& y) { return std::pair{x, y}; }).batch(state.range(0)));
}

BENCHMARK(shuffle_and_batch)->Arg(32)->Arg(128)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(shuffle_batch_and_prefetch)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(map_rows_and_batch)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
