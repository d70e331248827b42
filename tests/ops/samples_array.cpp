// Inputs for the ops of creation, shape and order.
#include <cstdint>
#include <string_view>

#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

void like_ops(std::vector<OpSample>& out) {
  const Shape row = {4}, column = {3, 1};
  for (const Shape& small : {row, column, Shape{}, Shape{1, 4}, Shape{3, 4}}) {
    out.push_back({make_registered_op("sum_to", {{"shape", small}}), {spread({3, 4})}});
    out.push_back({make_registered_op("sum_to_like"), {spread({3, 4}), spread(small)}});
    out.push_back({make_registered_op("broadcast_to", {{"shape", Shape{3, 4}}}), {spread(small)}});
    out.push_back({make_registered_op("broadcast_like"), {spread(small), spread({3, 4})}});
  }
  out.push_back({make_registered_op("sum_to", {{"shape", Shape{2, 1, 3, 1}}}), {spread({5, 2, 4, 3, 2})}});
  out.push_back({make_registered_op("sum_to", {{"shape", Shape{2, 1}}}), {spread({2, 0})}});
  out.push_back({make_registered_op("sum_to", {{"shape", Shape{3}}}), {cast(spread({2, 3}), int32)}});
  out.push_back({make_registered_op("broadcast_to", {{"shape", Shape{2, -1, 2}}}), {spread({3, 1})}});
  out.push_back({make_registered_op("broadcast_to", {{"shape", Shape{0, 3}}}), {spread({3})}});
  out.push_back({make_registered_op("reshape_like"), {spread({3, 4}), spread({2, 6})}});
  out.push_back({make_registered_op("rows_of"), {spread({3, 2, 4})}});
  out.push_back({make_registered_op("rows_of"), {spread({5})}});
  out.push_back({make_registered_op("full_like", {{"value", 2.5}, {"dtype", "float16"}}), {spread({2, 3})}});
  out.push_back(
      {make_registered_op(
           "sized_zeros",
           {{"shape", Shape{None, 4, None}}, {"input", Ints{0, 0, 1}}, {"axis", Ints{0, 0, 2}}, {"dtype", "float32"}}),
       {spread({3, 2}), spread({2, 1, 5})}});
  for (const char* dtype : {"int32", "int64"}) {
    out.push_back({make_registered_op("shape", {{"out_type", dtype}}), {spread({2, 0, 3})}});
    out.push_back({make_registered_op("size", {{"out_type", dtype}}), {spread({2, 3})}});
  }
  out.push_back({make_registered_op("range"), {constant(2, int64), constant(9, int64), constant(3, int64)}});
  out.push_back({make_registered_op("range"), {constant(1.f), constant(-1.f), constant(-0.5f)}});
  for (const char* dtype : {"float64", "float16", "int32", "bool"})
    out.push_back({make_registered_op("cast", {{"dtype", dtype}}),
                   {spread({5, 2}, -3, 3)},
                   std::string_view(dtype) == "float64"});
  out.push_back({make_registered_op("cast", {{"dtype", "float32"}}), {cast(spread({4}, 0, 9), uint8)}});
}

void shape_ops(std::vector<OpSample>& out) {
  const Tensor x = spread({2, 3, 4});
  for (const Shape& shape : {Shape{6, 4}, Shape{-1}, Shape{2, -1, 2}, Shape{None, 12}, Shape{None, None, 2, 2}})
    out.push_back({make_registered_op("reshape", {{"shape", shape}}), {x}});
  out.push_back({make_registered_op("reshape", {{"shape", Shape{0, 7}}}), {spread({3, 0})}});
  out.push_back({make_registered_op("reshape", {{"shape", Shape{None, -1}}}), {spread({0, 2, 2})}});
  // A traced argument has a first dimension that is not known, and so no rank would be known here.
  out.push_back({make_registered_op("reshape_to_value"), {x, Tensor({4, -1, 2})}, true, false});
  out.push_back({make_registered_op("identity"), {x}});
  for (const Ints& axes : {Ints{0}, Ints{1}, Ints{3}, Ints{0, 2}})
    out.push_back({make_registered_op("expand_dims", {{"axes", axes}}), {x}});
  out.push_back({make_registered_op("squeeze", {{"axes", Ints{0, 2}}}), {spread({1, 3, 1, 2})}});
  out.push_back({make_registered_op("squeeze", {{"axes", Ints{}}}), {x}});
  for (const Ints& perm : {Ints{0, 1, 2}, Ints{1, 0, 2}, Ints{2, 0, 1}, Ints{-1, 1, 0}})
    out.push_back({make_registered_op("transpose", {{"perm", perm}}), {x}});
  out.push_back({make_registered_op("transpose", {{"perm", Ints{1, 0}}}), {spread({70, 45})}, false});
  out.push_back({make_registered_op("transpose", {{"perm", Ints{1, 0}}}), {cast(spread({3, 4}), boolean)}});
}

void joining_ops(std::vector<OpSample>& out) {
  const Tensor x = spread({2, 3}), y = spread({2, 1}), z = spread({4, 3}), none = spread({0, 3});
  for (int axis : {1, -1}) {
    out.push_back({make_registered_op("concat", {{"axis", axis}}), {x, y, spread({2, 3}, 2, 3)}});
    out.push_back({make_registered_op("split_like", {{"axis", axis}}), {spread({2, 4}), x, y}});
  }
  out.push_back({make_registered_op("concat", {{"axis", 0}}), {x, none, z}});
  out.push_back({make_registered_op("concat", {{"axis", 0}}), {cast(x, uint8), cast(z, uint8)}});
  out.push_back({make_registered_op("split", {{"sections", 2}, {"sizes", Ints{}}, {"axis", -1}}), {spread({3, 4})}});
  out.push_back(
      {make_registered_op("split", {{"sections", 0}, {"sizes", Ints{1, 0, 3}}, {"axis", 0}}), {spread({4, 2})}});
  out.push_back(
      {make_registered_op("split", {{"sections", 0}, {"sizes", Ints{2, -1}}, {"axis", 1}}), {spread({2, 5, 2})}});
  for (int axis : {0, 1, -1}) {
    out.push_back({make_registered_op("stack", {{"axis", axis}}), {x, spread({2, 3}, 2, 3), spread({2, 3}, 0, 5)}});
    out.push_back({make_registered_op("unstack", {{"num", 2}, {"axis", axis}}), {spread({2, axis == 1 ? 2 : 3, 2})}});
  }
}

void repeating_ops(std::vector<OpSample>& out) {
  for (const Ints& multiples : {Ints{2, 1, 3}, Ints{1, 1, 1}, Ints{1, 0, 2}, Ints{2, 2, 2}}) {
    Shape tiled = {2, 3, 2};
    for (std::size_t i = 0; i < tiled.size(); ++i) tiled[i] *= multiples[i];
    out.push_back({make_registered_op("tile", {{"multiples", multiples}}), {spread({2, 3, 2})}});
    out.push_back({make_registered_op("tile_grad", {{"multiples", multiples}}), {spread(tiled), spread({2, 3, 2})}});
  }
  for (int axis : {0, 1, -1}) {
    Shape repeated = {2, 3, 2};
    repeated[axis < 0 ? 2 : static_cast<std::size_t>(axis)] *= 3;
    const Config config = {{"repeats", 3}, {"axis", axis}};
    out.push_back({make_registered_op("repeat", config), {spread({2, 3, 2})}});
    out.push_back({make_registered_op("repeat_grad", config), {spread(repeated), spread({2, 3, 2})}});
    for (int shift : {0, 2, -7})
      out.push_back({make_registered_op("roll", {{"shift", shift}, {"axis", axis}}), {spread({2, 3, 4})}});
  }
  for (const Ints& axes : {Ints{}, Ints{0, 2}, Ints{-1}})
    out.push_back({make_registered_op("reverse", {{"axes", axes}}), {spread({2, 3, 4})}});
  out.push_back({make_registered_op("reverse", {{"axes", Ints{0}}}), {spread({0, 3})}});
  out.push_back({make_registered_op("roll", {{"shift", 1}, {"axis", 0}}), {spread({0, 3})}});
}

void padding_ops(std::vector<OpSample>& out) {
  out.push_back({make_registered_op("pad", {{"paddings", Ints{1, 2, 0, 1}}, {"value", -2.0}}), {spread({3, 4})}});
  out.push_back({make_registered_op("pad", {{"paddings", Ints{1, 0, 2, 2}}, {"value", 0.0}}), {spread({0, 3})}});
  for (bool symmetric : {false, true}) {
    const Config config = {{"paddings", Ints{1, 2, 0, 1}}, {"symmetric", symmetric}};
    out.push_back({make_registered_op("mirror_pad", config), {spread({3, 4})}});
    out.push_back({make_registered_op("mirror_pad_grad", config), {spread({6, 5})}});
  }
  out.push_back({make_registered_op("space_to_depth", {{"block_size", 2}}), {spread({2, 4, 6, 3})}});
  out.push_back({make_registered_op("depth_to_space", {{"block_size", 2}}), {spread({2, 2, 3, 8})}});
}

void matrix_ops(std::vector<OpSample>& out) {
  for (int k : {0, 1, -2, 9}) {
    out.push_back({make_registered_op("matrix_diag", {{"k", k}}), {spread({2, 3})}});
    out.push_back({make_registered_op("matrix_diag_part", {{"k", k}}), {spread({2, 3, 4})}});
    for (bool upper : {false, true})
      out.push_back({make_registered_op("triangle", {{"upper", upper}, {"k", k}}), {spread({2, 3, 4})}});
  }
  out.push_back({make_registered_op("matrix_diag_part_grad", {{"k", 1}}), {spread({2, 3}), spread({2, 3, 4})}});
  out.push_back({make_registered_op("triangle", {{"upper", true}, {"k", 0}}), {spread({2, 0, 4})}});
}

}  // namespace

void samples_array(std::vector<OpSample>& out) {
  like_ops(out);
  shape_ops(out);
  joining_ops(out);
  repeating_ops(out);
  padding_ops(out);
  matrix_ops(out);
}

}  // namespace strata::test
