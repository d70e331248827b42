// Kernels by themselves: each convolution of MiniInception in each direction with the implementation that was chosen
// and its GFLOP/s (counted as for the direct method), batch norm, and an optimizer's step.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/tensor_data.h"
#include "kernels/batch_norm.h"
#include "kernels/conv_plan.h"
#include "kernels/matmul.h"
#include "kernels/optimizer.h"

namespace {

using namespace strata;
using namespace strata::kernels;

struct Memory {
  explicit Memory(std::size_t bytes) : buffer(std::max<std::size_t>(bytes, 64)) {
    std::memset(buffer.data(), 0, buffer.bytes());
  }
  void* get() const { return buffer.data(); }
  detail::Buffer buffer;
};

struct Layer {
  std::int64_t in, out, kernel, stride, size;
};
constexpr Layer kLayers[] = {{3, 96, 3, 1, 32},   {96, 32, 1, 1, 32},  {96, 32, 3, 1, 32},   {64, 32, 1, 1, 32},
                             {64, 48, 3, 1, 32},  {80, 80, 3, 2, 32},  {160, 112, 1, 1, 15}, {160, 48, 3, 1, 15},
                             {160, 96, 1, 1, 15}, {160, 64, 3, 1, 15}, {160, 80, 1, 1, 15},  {160, 80, 3, 1, 15},
                             {144, 48, 1, 1, 15}, {160, 96, 3, 1, 15}, {144, 96, 3, 2, 15},  {240, 176, 1, 1, 7},
                             {240, 160, 3, 1, 7}, {336, 176, 1, 1, 7}, {336, 160, 3, 1, 7}};

Convolution geometry(const Layer& l, std::int64_t batch) {
  Convolution c;
  c.batch = batch, c.in_channels = l.in, c.out_channels = l.out;
  const std::int64_t pad = l.stride == 1 ? l.kernel / 2 : 0, out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
  c.in = {1, l.size, l.size}, c.out = {1, out, out}, c.kernel = {1, l.kernel, l.kernel};
  c.stride = {1, l.stride, l.stride}, c.pad = {0, pad, pad};
  return c;
}

void convolution(benchmark::State& state, ConvTask task) {
  const ConvPlanPtr plan = prepare_conv(task);
  const Convolution& c = task.geometry;
  const std::size_t width = size_of(task.dtype);
  const Memory src(c.src_size() * width), dst(c.dst_size() * width), weights(c.weights_size() * sizeof(float)),
      packed(plan->packed_size()), scratch(plan->scratch_size());
  const bool gradient = task.kind == ConvKind::backward_weights;
  for (auto _ : state) {
    if (!gradient) plan->pack(weights.get(), packed.get());
    plan->run(src.get(), gradient ? weights.get() : packed.get(), dst.get(), scratch.get());
  }
  state.SetLabel(plan->implementation());
  state.counters["FLOP/s"] =
      benchmark::Counter(plan->flops(), benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void batch_norm(benchmark::State& state, BatchNormTask t, bool backward) {
  const std::size_t bytes = t.rows * t.channels * size_of(t.dtype);
  const Memory src(bytes), dst(bytes), diff_dst(bytes), diff_src(bytes), constants(6 * t.channels * sizeof(float)),
      scratch(batch_norm_scratch(t));
  float* c = static_cast<float*>(constants.get());
  const std::int64_t k = t.channels;
  for (auto _ : state) {
    if (backward)
      batch_norm_train_backward(
          t, {diff_dst.get(), nullptr, src.get(), c, c + k, c + 2 * k, c + 3 * k, diff_src.get(), c + 4 * k, c + 5 * k},
          scratch.get());
    else
      batch_norm_train(t, src.get(), c, c + k, dst.get(), c + 2 * k, c + 3 * k, scratch.get());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes * (backward ? 5 : 3)));
}

void adam(benchmark::State& state, std::int64_t size) {
  const Memory all(4 * size * sizeof(float));
  float* f = static_cast<float*>(all.get());
  const Update u{DType::float32, size, f, f + size, {f + 2 * size, f + 3 * size, nullptr}, 1e-3, 0};
  for (auto _ : state) adam_update_all({&u, 1}, {0.9, 0.999, 1e-7, 10});
}

void product(benchmark::State& state, DType dtype, MatmulSize size) {
  const Memory a(size.m * size.k * 4), b(size.k * size.n * 4), dst(size.m * size.n * 4);
  const std::int64_t start[] = {0};
  for (auto _ : state) matmul(dtype, size, a.get(), start, b.get(), start, dst.get());
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(size.m * size.n * size.k),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

std::string name_of(const Layer& l) {
  return std::to_string(l.in) + ">" + std::to_string(l.out) + " " + std::to_string(l.kernel) + "x" +
         std::to_string(l.kernel) + (l.stride > 1 ? "/2" : "") + " @" + std::to_string(l.size);
}

template <class F>
void add(const std::string& name, F f) {
  benchmark::RegisterBenchmark(name.c_str(), f)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

const bool registered = [] {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    const std::string type = to_string(dtype) + " ";
    for (const Layer& l : kLayers)
      for (const auto& [kind, word] : {std::pair{ConvKind::forward, "forward "},
                                       {ConvKind::backward_data, "backward data "},
                                       {ConvKind::backward_weights, "backward weights "}})
        if (l.in > 3 || kind != ConvKind::backward_data)
          add(type + word + name_of(l), [task = ConvTask{kind, dtype, DType::float32, geometry(l, 64)}](
                                            benchmark::State& s) { convolution(s, task); });
    for (const auto& [rows, channels] : {std::pair{65536, 96}, {65536, 32}, {14400, 160}, {3136, 176}})
      for (const bool backward : {false, true})
        add(type + "batch norm " + (backward ? "backward " : "forward ") + std::to_string(rows) + "x" +
                std::to_string(channels),
            [t = BatchNormTask{dtype, rows, channels, 1e-3, true}, backward](benchmark::State& s) {
              batch_norm(s, t, backward);
            });
  }
  for (const DType dtype : {DType::float32, DType::bfloat16})
    for (const MatmulSize& m : {MatmulSize{32, 128, 784},
                                {784, 128, 32, true},
                                {32, 10, 128},
                                {128, 10, 32, true},
                                {32, 128, 10, false, true},
                                {64, 256, 256},
                                {64, 512, 512, false, true},
                                {128, 1024, 1024},
                                {64, 2048, 512},
                                {1, 1000, 1024}})
      add("matmul " + to_string(dtype) + " " + std::to_string(m.m) + "x" + std::to_string(m.n) + "x" +
              std::to_string(m.k) +
              (m.transpose_a   ? " A turned"
               : m.transpose_b ? " B turned"
                               : ""),
          [dtype, m](benchmark::State& s) { product(s, dtype, m); });
  for (const std::int64_t size : {101770, 2000000})
    add("adam " + std::to_string(size), [size](benchmark::State& s) { adam(s, size); });
  return true;
}();

}  // namespace
