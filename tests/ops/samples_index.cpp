// Inputs for slices, gather and scatter, and masks.
#include <cstdint>

#include "strata/array.h"
#include "strata/math.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

Config sliced(const Ints& begin, const Ints& end, const Ints& strides, const std::vector<int>& shrink) {
  return {{"begin", begin}, {"end", end}, {"strides", strides}, {"shrink", shrink}};
}

void slices(std::vector<OpSample>& out) {
  const Tensor x = spread({4, 5, 3});
  const Config configs[] = {
      sliced({1}, {None}, {1}, {1}),
      sliced({None, 1, -1}, {None, 4, None}, {1, 2, 1}, {0, 0, 1}),
      sliced({-1, None}, {-9, None}, {-2, -1}, {0, 0}),
      sliced({2}, {2}, {1}, {0}),
      sliced({-100}, {100}, {3}, {0}),
  };
  for (const Config& config : configs) {
    const OpPtr op = make_registered_op("strided_slice", config);
    out.push_back({op, {x}});
    out.push_back({make_registered_op("strided_slice_grad", config), {run_eagerly(*op, std::vector{x})[0], x}});
  }
  out.push_back({make_registered_op("slice", {{"begin", Ints{1, 0, 2}}, {"size", Ints{2, -1, 1}}}), {x}});
  out.push_back({make_registered_op("slice", {{"begin", Ints{4, 0, 0}}, {"size", Ints{0, 5, 3}}}), {x}});
  out.push_back({make_registered_op("dynamic_slice", {{"size", Ints{2, 5, 1}}}), {x, Tensor({1, 0, 2})}});
  out.push_back({make_registered_op("dynamic_slice_like"), {x, Tensor({1, 0, 2}), spread({2, 5, 1})}});
  out.push_back({make_registered_op("slice_update"), {x, Tensor({1, 2, 0}), spread({2, 2, 3}, 5, 6)}});
}

void gathers(std::vector<OpSample>& out) {
  const Tensor x = spread({5, 3, 2}), indices = {{0, 2}, {1, 1}}, none = zeros({0}, int64);
  auto add = [&](const Config& config, const Tensor& params, const Tensor& index) {
    const OpPtr op = make_registered_op("gather", config);
    out.push_back({op, {params, index}});
    const Tensor like = run_eagerly(*op, std::vector{params, index})[0];
    out.push_back({make_registered_op("gather_grad", config), {like, index, params}});
  };
  add({{"axis", 0}, {"batch_dims", 0}, {"wrap", false}}, x, indices);
  add({{"axis", 1}, {"batch_dims", 0}, {"wrap", true}}, x, Tensor({-1, 0, -3}));
  add({{"axis", -1}, {"batch_dims", 0}, {"wrap", false}}, x, constant(1, int64));
  add({{"axis", 0}, {"batch_dims", 0}, {"wrap", false}}, x, none);
  add({{"axis", 1}, {"batch_dims", 1}, {"wrap", false}}, spread({2, 3, 4}), indices);
  add({{"axis", 2}, {"batch_dims", 1}, {"wrap", false}}, spread({2, 3, 4}), indices);
}

void gathers_of_positions(std::vector<OpSample>& out) {
  const Tensor x = spread({5, 3, 2});
  auto add = [&](int batch_dims, const Tensor& params, const Tensor& index) {
    const Config config = {{"batch_dims", batch_dims}};
    const OpPtr op = make_registered_op("gather_nd", config);
    out.push_back({op, {params, index}});
    const Tensor like = run_eagerly(*op, std::vector{params, index})[0];
    out.push_back({make_registered_op("gather_nd_grad", config), {like, index, params}});
  };
  add(0, x, {{0, 1}, {4, 2}, {0, 1}});
  add(0, x, {{3}, {1}});
  add(0, x, {{{0, 1, 1}}, {{2, 2, 0}}});
  add(1, spread({2, 3, 4}), {{{0, 1}, {2, 3}}, {{1, 1}, {0, 0}}});
  const Tensor rows = spread({3, 4}), along = {{0, 0}, {3, -1}, {2, 3}};
  out.push_back({make_registered_op("take_along_axis", {{"axis", 1}}), {rows, along}});
  out.push_back({make_registered_op("take_along_axis", {{"axis", -2}}), {spread({3, 2}), along[{Slice(0, 2)}] % 3}});
  out.push_back({make_registered_op("take_along_axis_grad", {{"axis", 1}}), {spread({3, 2}), along, rows}});
}

void scatters(std::vector<OpSample>& out) {
  const Tensor twice = {{1}, {3}, {1}}, once = {{1}, {3}, {0}};
  out.push_back({make_registered_op("scatter_nd", {{"shape", Shape{5, 2}}}), {twice, spread({3, 2})}});
  out.push_back({make_registered_op("scatter_nd", {{"shape", Shape{2, 3}}}), {Tensor{{0, 1}, {1, 2}}, spread({2})}});
  for (int how = 0; how < 5; ++how)
    out.push_back({make_registered_op("tensor_scatter", {{"how", how}}),
                   {spread({5, 2}), how == 1 || how == 2 ? twice : once, spread({3, 2}, -2, 2.3)}});
  const Tensor ids = {0, 3, 0, -1, 2};
  out.push_back({make_registered_op("unsorted_segment_sum", {{"num_segments", 4}}), {spread({5, 2}), ids}});
  out.push_back({make_registered_op("unsorted_segment_sum", {{"num_segments", 3}}),
                 {spread({2, 3}), Tensor{{0, 2, 2}, {1, 0, 2}}}});
  out.push_back({make_registered_op("segment_gather", {{"num_segments", 4}}), {spread({4, 2}), ids}});
}

void masks(std::vector<OpSample>& out) {
  out.push_back({make_registered_op("where_nonzero"), {Tensor{{true, false, true}, {false, false, true}}}});
  out.push_back({make_registered_op("where_nonzero"), {Tensor{0.0, 1.5}}});
  out.push_back({make_registered_op("where_nonzero"), {zeros({0, 3})}});
  for (int axis : {-1, 0, 1})
    out.push_back({make_registered_op("one_hot", {{"depth", 4},
                                                  {"on_value", 0.9},
                                                  {"off_value", 0.1},
                                                  {"axis", axis},
                                                  {"dtype", axis == 0 ? "int32" : "float32"}}),
                   {Tensor{{0, 2, -1}, {3, 4, 1}}}});
}

}  // namespace

void samples_index(std::vector<OpSample>& out) {
  slices(out);
  gathers(out);
  gathers_of_positions(out);
  scatters(out);
  masks(out);
}

}  // namespace strata::test
