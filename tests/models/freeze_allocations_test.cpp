// Calls of frozen models allocate nothing: every operator new of the process is counted meanwhile.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "strata/strata.h"
#include "tests/support/op_samples.h"

namespace {

thread_local bool counting = false;
thread_local int allocations = 0, of_libraries = 0;

// oneDNN collects the arguments of each call in maps of its own.
void count(const void* caller) {
  if (!counting) return;
  counting = false;
  Dl_info info;
  const bool library = dladdr(caller, &info) != 0 && info.dli_fname != nullptr &&
                       (std::strstr(info.dli_fname, "libdnnl") != nullptr || std::strstr(info.dli_fname, "libgomp"));
  ++(library ? of_libraries : allocations);
  counting = true;
}

void* allocate(std::size_t bytes, const void* caller) {
  count(caller);
  if (void* block = std::malloc(bytes > 0 ? bytes : 1)) return block;
  throw std::bad_alloc();
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate(bytes, __builtin_return_address(0)); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return allocate(bytes, __builtin_return_address(0)); }
// A sanitizer has its own of these two, which would not fit the operators that free.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  count(__builtin_return_address(0));
  return std::malloc(bytes > 0 ? bytes : 1);
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  count(__builtin_return_address(0));
  return std::malloc(bytes > 0 ? bytes : 1);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete[](void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

namespace strata {
namespace {

using namespace layers;

struct Count {
  int own, libraries;
};
Count allocations_of_a_call(const FrozenModel& f) {
  const std::vector<float> in = test::spread(f.input_shape()).to_vector<float>();
  std::vector<float> out(f.output_size());
  for (int i = 0; i < 20; ++i) f(in, out);
  allocations = of_libraries = 0;
  counting = true;
  for (int i = 0; i < 3; ++i) f(in, out);
  counting = false;
  return {allocations, of_libraries};
}
Count allocations_of_a_call(const Model& model, const Shape& shape, const FreezeOptions& options = {}) {
  return allocations_of_a_call(model.freeze(shape, options));
}

TEST(FreezeAllocations, CounterSeesThem) {
  const Sequential model({Input({6}), Dense(4)});
  const Tensor x = zeros({2, 6});
  allocations = 0;
  counting = true;
  model(x);
  counting = false;
  EXPECT_GT(allocations, 0);
}

TEST(FreezeAllocations, NoneWithOwnKernels) {
  const Sequential dense({Input({6}), Dense(40, {.activation = "relu"}), BatchNormalization(), Dense(4)});
  const Count c = allocations_of_a_call(dense, {2, 6});
  EXPECT_EQ(c.own, 0);
  EXPECT_EQ(c.libraries, 0);
}

TEST(FreezeAllocations, NoneOfStrataInNetworksOfImages) {
  const Tensor in = Input({12, 12, 3});
  auto block = [](const Tensor& x, int filters, int kernel) {
    return Activation("relu")(BatchNormalization()(Conv2D(filters, kernel, {.padding = "same"})(x)));
  };
  Tensor x = block(in, 16, 3);
  x = Concatenate()({block(x, 16, 1), block(x, 32, 3), MaxPooling2D(3, {.strides = 1, .padding = "same"})(x)});
  x = Add()({block(x, 64, 3), x});
  x = AveragePooling2D(2)(DepthwiseConv2D(3, {.padding = "same"})(x));
  x = Dense(10, {.activation = "softmax"})(Flatten()(Dropout(0.5)(x)));
  const Model model(in, x);
  EXPECT_EQ(allocations_of_a_call(model, {2, 12, 12, 3}).own, 0);
  EXPECT_EQ(allocations_of_a_call(model, {2, 12, 12, 3}, {.dtype = bfloat16}).own, 0);
  const Model pooled(in, Dense(3, {.activation = "sigmoid"})(GlobalAveragePooling2D()(block(in, 8, 3))));
  EXPECT_EQ(allocations_of_a_call(pooled, {2, 12, 12, 3}).own, 0);
  const Model quantized = quantization::quantize_model(model);
  quantization::calibrate(quantized, test::spread({8, 12, 12, 3}));
  EXPECT_EQ(allocations_of_a_call(quantization::convert(quantized, {2, 12, 12, 3})).own, 0);
}

}  // namespace
}  // namespace strata
