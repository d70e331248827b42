// Slices, gathers, scatters, one-hot vectors; and the list of ops that have no row.
#include <limits>

#include "io/exchange/not_exported.h"
#include "io/onnx/export.h"
#include "io/onnx/proto.h"
#include "strata/array.h"

namespace strata::onnx {

namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

void strided_slice(NodeExport& c) {
  const Ints begin = c.config.get<Ints>("begin"), end = c.config.get<Ints>("end"),
             strides = c.config.get<Ints>("strides"), shrink = c.config.get<Ints>("shrink");
  Ints starts, ends, steps, axes, squeezed;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const bool is_position = i < shrink.size() && shrink[i] != 0;
    const bool is_all = !is_position && begin[i] == None && end[i] == None && strides[i] == 1;
    if (is_all) continue;
    const std::int64_t step = is_position ? 1 : strides[i];
    starts.push_back(begin[i] == None ? (step > 0 ? 0 : kEnd) : begin[i]);
    ends.push_back(is_position      ? (begin[i] == -1 ? kEnd : begin[i] + 1)
                   : end[i] == None ? (step > 0 ? kEnd : -kEnd)
                                    : end[i]);
    steps.push_back(step);
    axes.push_back(static_cast<std::int64_t>(i));
    if (is_position) squeezed.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.empty()) return c.out(c.op("Identity", {c.in(0)}));
  const std::string cut = c.op("Slice", {c.in(0), c.w.ints(starts), c.w.ints(ends), c.w.ints(axes), c.w.ints(steps)});
  c.out(squeezed.empty() ? cut : c.op("Squeeze", {cut, c.w.ints(squeezed)}));
}

void slice(NodeExport& c) {
  const Ints begin = c.config.get<Ints>("begin"), size = c.config.get<Ints>("size");
  Ints ends;
  for (std::size_t i = 0; i < begin.size(); ++i) ends.push_back(size[i] == -1 ? kEnd : begin[i] + size[i]);
  c.out(c.op("Slice", {c.in(0), c.w.ints(begin), c.w.ints(ends)}));
}

std::string as_int64(NodeExport& c, std::size_t i) {
  return c.dtype(i) == DType::int64 ? c.in(i) : c.cast_to(c.in(i), DType::int64);
}

void dynamic_slice(NodeExport& c) {
  const std::string begin = as_int64(c, 1);
  c.out(c.op("Slice", {c.in(0), begin, c.op("Add", {begin, c.w.ints(c.config.get<Ints>("size"))})}));
}
void dynamic_slice_like(NodeExport& c) {
  const std::string begin = as_int64(c, 1);
  c.out(c.op("Slice", {c.in(0), begin, c.op("Add", {begin, c.op("Shape", {c.in(2)})})}));
}

void gather(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis")),
                     shared = c.config.get<std::int64_t>("batch_dims");
  if (shared == 0) return c.out(c.op("Gather", {c.in(0), c.in(1)}, {{"axis", axis}}));
  if (axis != shared) c.fail("ONNX gathers with batch dimensions along the axis right behind them alone");
  const std::string positions = c.op("Unsqueeze", {as_int64(c, 1), c.w.ints({-1})});
  c.out(c.op("GatherND", {c.in(0), positions}, {{"batch_dims", shared}}));
}

void gather_nd(NodeExport& c) {
  c.out(c.op("GatherND", {c.in(0), as_int64(c, 1)}, {{"batch_dims", c.config.get<std::int64_t>("batch_dims")}}));
}

void take_along_axis(NodeExport& c) {
  if (c.in_spec(0).shape.size() != c.rank(1)) c.fail("its indices have another number of dimensions than its input");
  c.out(c.op("GatherElements", {c.in(0), c.in(1)}, {{"axis", c.axis(c.config.get<std::int64_t>("axis"))}}));
}

void scatter_nd(NodeExport& c) {
  const Ints shape = c.config.get<Shape>("shape").to_vector();
  const std::string zeros = c.op("Expand", {c.w.scalar(0, c.dtype(1)), c.w.ints(shape)});
  c.out(c.op("ScatterND", {zeros, as_int64(c, 0), c.in(1)}, {{"reduction", std::string("add")}}));
}

void tensor_scatter(NodeExport& c) {
  const std::string how = c.config.get<std::string>("how");
  const std::string updates = how == "sub" ? c.op("Neg", {c.in(2)}) : c.in(2);
  Attributes attributes;
  if (how != "update") attributes.push_back({"reduction", how == "sub" ? std::string("add") : how});
  c.out(c.op("ScatterND", {c.in(0), as_int64(c, 1), updates}, attributes));
}

void one_hot(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  const Tensor values = concat({reshape(cast(Tensor(c.config.get<double>("off_value")), dtype), {1}),
                                reshape(cast(Tensor(c.config.get<double>("on_value")), dtype), {1})},
                               0);
  // ONNX counts negative indices from the end; strata gives them no place.
  const std::string indices = as_int64(c, 0), depth = c.w.ints({c.config.get<std::int64_t>("depth")});
  const std::string zero = c.w.tensor(Tensor(std::int64_t{0}), "");
  const std::string safe = c.op("Where", {c.op("Less", {indices, zero}), depth, indices});
  c.out(c.op("OneHot", {safe, depth, c.w.tensor(values, "")}, {{"axis", c.config.get<std::int64_t>("axis")}}));
}

void where_nonzero(NodeExport& c) { c.out(c.op("Transpose", {c.op("NonZero", {c.in(0)})}, {{"perm", Ints{1, 0}}})); }

void random(NodeExport& c) {
  const Shape shape = c.out_spec().shape;
  const bool is_like = c.num_inputs() > 0;  // in the shape of an input
  if (!is_like && !shape.is_known()) c.fail("the shape of its random numbers is not known");
  Attributes attributes = {{"dtype", std::int64_t{data_type(c.out_spec().dtype)}}};
  if (!is_like) attributes.push_back({"shape", shape.to_vector()});
  const bool uniform = std::string(c.onnx) == "RandomUniform";
  if (!uniform && c.config.get<bool>("truncated")) c.fail("ONNX has no truncated normal distribution");
  attributes.push_back({uniform ? "low" : "mean", c.config.get<double>(uniform ? "minval" : "mean")});
  attributes.push_back({uniform ? "high" : "scale", c.config.get<double>(uniform ? "maxval" : "stddev")});
  if (is_like)
    c.out(c.op((std::string(c.onnx) + "Like").c_str(), {c.in(0)}, attributes));
  else
    c.out(c.op(c.onnx, {}, attributes));
}

constexpr const char* kEffect = "it changes or writes something besides its results";
constexpr const char* kNone = "ONNX has no operator for it";
constexpr const char* kTraining = "it belongs to training, not to inference";
constexpr const char* kRandom = "ONNX has no such random distribution";
constexpr const char* kWithoutRow[][2] = {
    {"affine_transform", kNone},
    {"slice_update", kNone},
    {"dropout", kTraining},
    {"fused_batch_norm", kTraining},
    {"assign_variable", kEffect},
    {"read_variable", "its value becomes an initializer"},
    {"atan2", kNone},
    {"lgamma", kNone},
    {"digamma", kNone},
    {"trigamma", kNone},
    {"matrix_diag", kNone},
    {"matrix_diag_part", kNone},
    {"unsorted_segment_sum", kNone},
    {"bincount", kNone},
    {"searchsorted", kNone},
    {"unique", kNone},
    {"cumprod", kNone},
    {"random_uniform_int", kRandom},
    {"random_keep_mask", kRandom},
    {"random_permutation", kRandom},
    {"categorical", kRandom},
    {"random_with_parameters", kRandom},
};

}  // namespace

void add_index_rows(ExportTable& t) {
  t.add("strided_slice", strided_slice);
  t.add("slice", slice);
  t.add("dynamic_slice", dynamic_slice);
  t.add("dynamic_slice_like", dynamic_slice_like);
  t.add("gather", gather);
  t.add("gather_nd", gather_nd);
  t.add("take_along_axis", take_along_axis);
  t.add("scatter_nd", scatter_nd);
  t.add("tensor_scatter", tensor_scatter);
  t.add("one_hot", one_hot);
  t.add("where_nonzero", where_nonzero);
  t.add("random_uniform", random, "RandomUniform");
  t.add("random_normal", random, "RandomNormal");
}

std::string_view reason_without_row(std::string_view op) {
  for (const auto& [name, reason] : kWithoutRow)
    if (op == name) return reason;
  return exchange::reason_not_exported(op);
}

}  // namespace strata::onnx
