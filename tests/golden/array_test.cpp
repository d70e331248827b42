// Creation, shape and index ops against TensorFlow and Keras.
// capability: 1.25
#include "strata/array.h"

#include <gtest/gtest.h>

#include "strata/indexing.h"
#include "tests/support/golden.h"

namespace strata::test {
namespace {

std::int64_t integer(const Json& c, const char* key, std::int64_t otherwise = 0) { return c.value(key, otherwise); }
Shape shape_in(const Json& c, const char* key = "shape") { return Shape(ints(c, key)); }
std::optional<std::int64_t> axis_in(const Json& c) {
  return c.at("axis").is_null() ? std::optional<std::int64_t>() : c.at("axis").get<std::int64_t>();
}

GoldenTable creation() {
  auto dtype = [](const Json& c) { return dtype_from_string(c.at("dtype").get<std::string>()); };
  return {
      {"zeros", [=](const Json& c, const Tensors&) { return Tensors{zeros(shape_in(c), dtype(c))}; }},
      {"ones", [=](const Json& c, const Tensors&) { return Tensors{ones(shape_in(c), dtype(c))}; }},
      {"fill", [](const Json& c, const Tensors& x) { return Tensors{fill(shape_in(c), x[0])}; }},
      {"zeros_like", [](const Json&, const Tensors& x) { return Tensors{zeros_like(x[0])}; }},
      {"ones_like", [](const Json&, const Tensors& x) { return Tensors{ones_like(x[0])}; }},
      {"eye",
       [](const Json& c, const Tensors&) {
         const std::int64_t rows = c.at("rows");
         return Tensors{eye(rows, {.columns = c.value("columns", rows), .k = integer(c, "k")})};
       }},
      {"range", [](const Json&, const Tensors& x) { return Tensors{range(x[0], x[1], x[2])}; }},
      {"linspace",
       [](const Json& c, const Tensors& x) {
         return Tensors{linspace(x[0], x[1], integer(c, "num"), {.endpoint = c.value("endpoint", true)})};
       }},
      {"meshgrid", [](const Json& c, const Tensors& x) { return meshgrid(x, {.indexing = c.at("indexing")}); }},
      {"shape", [](const Json&, const Tensors& x) { return Tensors{strata::shape(x[0])}; }},
      {"size", [](const Json&, const Tensors& x) { return Tensors{strata::size(x[0])}; }},
      {"rank", [](const Json&, const Tensors& x) { return Tensors{strata::rank(x[0])}; }},
  };
}

GoldenTable shapes() {
  return {
      {"reshape", [](const Json& c, const Tensors& x) { return Tensors{reshape(x[0], shape_in(c))}; }},
      {"ravel", [](const Json&, const Tensors& x) { return Tensors{ravel(x[0])}; }},
      {"expand_dims", [](const Json& c, const Tensors& x) { return Tensors{expand_dims(x[0], integer(c, "axis"))}; }},
      {"squeeze",
       [](const Json& c, const Tensors& x) {
         return Tensors{c.at("axis").is_null() ? squeeze(x[0]) : squeeze(x[0], ints(c, "axis"))};
       }},
      {"broadcast_to", [](const Json& c, const Tensors& x) { return Tensors{broadcast_to(x[0], shape_in(c))}; }},
      {"transpose",
       [](const Json& c, const Tensors& x) {
         return Tensors{c.at("perm").is_null() ? transpose(x[0]) : transpose(x[0], ints(c, "perm"))};
       }},
      {"swapaxes", [](const Json& c,
                      const Tensors& x) { return Tensors{swapaxes(x[0], integer(c, "axis1"), integer(c, "axis2"))}; }},
      {"moveaxis",
       [](const Json& c, const Tensors& x) {
         return Tensors{moveaxis(x[0], integer(c, "source"), integer(c, "destination"))};
       }},
  };
}

GoldenTable joining() {
  return {
      {"concat", [](const Json& c, const Tensors& x) { return Tensors{concat(x, integer(c, "axis"))}; }},
      {"stack", [](const Json& c, const Tensors& x) { return Tensors{stack(x, integer(c, "axis"))}; }},
      {"unstack", [](const Json& c, const Tensors& x) { return unstack(x[0], integer(c, "axis")); }},
      {"hstack", [](const Json&, const Tensors& x) { return Tensors{hstack(x)}; }},
      {"vstack", [](const Json&, const Tensors& x) { return Tensors{vstack(x)}; }},
      {"split",
       [](const Json& c, const Tensors& x) {
         const Json& parts = c.at("num_or_size_splits");
         if (parts.is_number()) return split(x[0], parts.get<int>(), integer(c, "axis"));
         return split(x[0], ints(c, "num_or_size_splits"), integer(c, "axis"));
       }},
      {"tile", [](const Json& c, const Tensors& x) { return Tensors{tile(x[0], ints(c, "multiples"))}; }},
      {"repeat",
       [](const Json& c, const Tensors& x) {
         const Json& repeats = c.at("repeats");
         if (repeats.is_number()) return Tensors{repeat(x[0], repeats.get<int>(), axis_in(c))};
         return Tensors{repeat(x[0], ints(c, "repeats"), axis_in(c))};
       }},
      {"reverse", [](const Json& c, const Tensors& x) { return Tensors{reverse(x[0], ints(c, "axis"))}; }},
      {"flip",
       [](const Json& c, const Tensors& x) {
         return Tensors{c.at("axis").is_null() ? flip(x[0]) : flip(x[0], ints(c, "axis"))};
       }},
      {"roll", [](const Json& c, const Tensors& x) { return Tensors{roll(x[0], integer(c, "shift"), axis_in(c))}; }},
      {"rot90", [](const Json& c, const Tensors& x) { return Tensors{rot90(x[0], integer(c, "k"))}; }},
      {"pad",
       [](const Json& c, const Tensors& x) {
         return Tensors{pad(x[0], c.at("paddings").get<std::vector<std::pair<std::int64_t, std::int64_t>>>(),
                            {.mode = c.at("mode"), .constant_values = c.value("constant_values", 0.0)})};
       }},
  };
}

GoldenTable matrices() {
  auto k = [](const Json& c) { return integer(c, "k"); };
  return {
      {"diag", [=](const Json& c, const Tensors& x) { return Tensors{diag(x[0], k(c))}; }},
      {"tril", [=](const Json& c, const Tensors& x) { return Tensors{tril(x[0], k(c))}; }},
      {"triu", [=](const Json& c, const Tensors& x) { return Tensors{triu(x[0], k(c))}; }},
      {"diagonal",
       [](const Json& c, const Tensors& x) {
         return Tensors{diagonal(x[0], {.offset = c.at("offset"), .axis1 = c.at("axis1"), .axis2 = c.at("axis2")})};
       }},
      {"trace", [](const Json&, const Tensors& x) { return Tensors{trace(x[0])}; }},
      {"linalg.diag", [](const Json&, const Tensors& x) { return Tensors{linalg::diag(x[0])}; }},
      {"linalg.diag_part", [](const Json&, const Tensors& x) { return Tensors{linalg::diag_part(x[0])}; }},
      {"nn.space_to_depth",
       [](const Json& c, const Tensors& x) { return Tensors{nn::space_to_depth(x[0], integer(c, "block_size"))}; }},
      {"nn.depth_to_space",
       [](const Json& c, const Tensors& x) { return Tensors{nn::depth_to_space(x[0], integer(c, "block_size"))}; }},
  };
}

// The indices of "getitem", by the text that the generator gives them.
Tensor indexed(const Tensor& x, const std::string& text) {
  if (text == "1") return x[1];
  if (text == "-1,:,2") return x[{-1, Slice(), 2}];
  if (text == "...,1") return x[{Ellipsis, 1}];
  if (text == "1:3,::2") return x[{Slice(1, 3), Slice(None, None, 2)}];
  if (text == ":,newaxis,::-1") return x[{Slice(), NewAxis, Slice(None, None, -1)}];
  if (text == "3:1:-1") return x[Slice(3, 1, -1)];
  if (text == "2:2") return x[Slice(2, 2)];
  if (text == "-100:100") return x[Slice(-100, 100)];
  throw ValueError("no test knows the index '" + text + "'.");
}

GoldenTable reading() {
  auto batch = [](const Json& c) { return GatherOptions{.batch_dims = integer(c, "batch_dims")}; };
  return {
      {"slice",
       [](const Json& c, const Tensors& x) { return Tensors{slice(x[0], ints(c, "begin"), ints(c, "size"))}; }},
      {"strided_slice",
       [](const Json& c, const Tensors& x) {
         return Tensors{strided_slice(x[0], ints(c, "begin"), ints(c, "end"), ints(c, "strides"))};
       }},
      {"getitem", [](const Json& c, const Tensors& x) { return Tensors{indexed(x[0], c.at("index"))}; }},
      {"gather",
       [=](const Json& c, const Tensors& x) { return Tensors{gather(x[0], x[1], integer(c, "axis"), batch(c))}; }},
      {"take", [](const Json& c, const Tensors& x) { return Tensors{take(x[0], x[1], axis_in(c))}; }},
      {"take_along_axis",
       [](const Json& c, const Tensors& x) { return Tensors{take_along_axis(x[0], x[1], integer(c, "axis"))}; }},
      {"gather_nd", [=](const Json& c, const Tensors& x) { return Tensors{gather_nd(x[0], x[1], batch(c))}; }},
      {"nn.embedding_lookup", [](const Json&, const Tensors& x) { return Tensors{nn::embedding_lookup(x[0], x[1])}; }},
      {"where", [](const Json&, const Tensors& x) { return Tensors{where(x[0])}; }},
      {"argwhere", [](const Json&, const Tensors& x) { return Tensors{argwhere(x[0])}; }},
      {"nonzero", [](const Json&, const Tensors& x) { return nonzero(x[0]); }},
      {"boolean_mask",
       [](const Json& c, const Tensors& x) { return Tensors{boolean_mask(x[0], x[1], integer(c, "axis"))}; }},
  };
}

GoldenTable writing() {
  using Scatter = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);
  auto scatter3 = [](Scatter f) -> GoldenFunction {
    return [f](const Json&, const Tensors& x) { return Tensors{f(x[0], x[1], x[2])}; };
  };
  return {
      {"slice_update",
       [](const Json& c, const Tensors& x) { return Tensors{slice_update(x[0], ints(c, "start_indices"), x[1])}; }},
      {"scatter_nd", [](const Json& c, const Tensors& x) { return Tensors{scatter_nd(x[0], x[1], shape_in(c))}; }},
      {"tensor_scatter_nd_update", scatter3(tensor_scatter_nd_update)},
      {"tensor_scatter_nd_add", scatter3(tensor_scatter_nd_add)},
      {"tensor_scatter_nd_sub", scatter3(tensor_scatter_nd_sub)},
      {"tensor_scatter_nd_max", scatter3(tensor_scatter_nd_max)},
      {"tensor_scatter_nd_min", scatter3(tensor_scatter_nd_min)},
      {"scatter_update", scatter3(scatter_update)},
      {"unsorted_segment_sum",
       [](const Json& c, const Tensors& x) {
         return Tensors{unsorted_segment_sum(x[0], x[1], integer(c, "num_segments"))};
       }},
      {"segment_sum", [](const Json&, const Tensors& x) { return Tensors{segment_sum(x[0], x[1])}; }},
      {"one_hot",
       [](const Json& c, const Tensors& x) {
         return Tensors{one_hot(x[0], integer(c, "depth"),
                                {.on_value = c.value("on_value", 1.0),
                                 .off_value = c.value("off_value", 0.0),
                                 .axis = integer(c, "axis", -1)})};
       }},
      {"sequence_mask",
       [](const Json& c, const Tensors& x) {
         return Tensors{c.contains("maxlen") ? sequence_mask(x[0], integer(c, "maxlen")) : sequence_mask(x[0])};
       }},
  };
}

TEST(Golden, Shapes) {
  GoldenTable all = creation();
  all.merge(shapes());
  all.merge(joining());
  all.merge(matrices());
  check_family("shape", all);
}

TEST(Golden, Indexing) {
  GoldenTable all = reading();
  all.merge(writing());
  check_family("index", all);
}

}  // namespace
}  // namespace strata::test
