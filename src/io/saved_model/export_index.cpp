// Slices, gathers, scatters, one-hot vectors; and the list of ops that have no row.
#include <numeric>

#include "io/exchange/not_exported.h"
#include "io/saved_model/export.h"

namespace strata::saved_model {

namespace {

void strided_slice(NodeExport& c) {
  const Ints begin = c.config.get<Ints>("begin"), end = c.config.get<Ints>("end"),
             strides = c.config.get<Ints>("strides"), shrink = c.config.get<Ints>("shrink");
  Ints first, last, step;
  std::int64_t begin_mask = 0, end_mask = 0, shrink_mask = 0;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const std::int64_t bit = std::int64_t{1} << i;
    const bool is_position = i < shrink.size() && shrink[i] != 0;
    if (is_position) shrink_mask |= bit;
    if (begin[i] == None) begin_mask |= bit;
    if (!is_position && end[i] == None) end_mask |= bit;
    first.push_back(begin[i] == None ? 0 : begin[i]);
    last.push_back(is_position ? begin[i] + 1 : end[i] == None ? 0 : end[i]);
    step.push_back(is_position ? 1 : strides[i]);
  }
  c.out(c.op("StridedSlice", {c.in(0), c.ints(first), c.ints(last), c.ints(step)}, "output",
             {c.T(),
              {"Index", attr::type(DType::int32)},
              {"begin_mask", attr::integer(begin_mask)},
              {"end_mask", attr::integer(end_mask)},
              {"ellipsis_mask", attr::integer(0)},
              {"new_axis_mask", attr::integer(0)},
              {"shrink_axis_mask", attr::integer(shrink_mask)}}));
}

std::string sliced(NodeExport& c, const std::string& begin, const std::string& size) {
  return c.op("Slice", {c.in(0), begin, size}, "output", {c.T(), {"Index", attr::type(DType::int32)}});
}
void slice(NodeExport& c) { c.out(sliced(c, c.ints(c.config.get<Ints>("begin")), c.ints(c.config.get<Ints>("size")))); }
void dynamic_slice(NodeExport& c) {
  c.out(sliced(c, c.cast_to(c.in(1), c.dtype(1), DType::int32), c.ints(c.config.get<Ints>("size"))));
}
void dynamic_slice_like(NodeExport& c) {
  c.out(sliced(c, c.cast_to(c.in(1), c.dtype(1), DType::int32), c.shape_of(c.in(2), c.dtype(2))));
}

std::string gathered(NodeExport& c, const std::string& x, const std::string& indices, std::int64_t axis,
                     std::int64_t batch_dims) {
  return c.op("GatherV2", {x, indices, c.integer(axis)}, "output",
              {{"Tparams", attr::type(c.dtype())},
               {"Tindices", attr::type(c.dtype(1))},
               {"Taxis", attr::type(DType::int32)},
               {"batch_dims", attr::integer(batch_dims)}});
}
void gather(NodeExport& c) {
  std::string indices = c.in(1);
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  if (c.config.get<bool>("wrap")) {  // negative ones count from the end
    const std::int64_t n = c.in_spec(0).shape[static_cast<std::size_t>(axis)];
    if (n == None) c.fail("it counts from the end of a dimension that is not known");
    const Attributes t = {{"T", attr::type(c.dtype(1))}};
    const std::string behind = c.op("Less", {indices, c.scalar(0, c.dtype(1))}, "z", t);
    const std::string moved = c.op("AddV2", {indices, c.scalar(static_cast<double>(n), c.dtype(1))}, "z", t);
    indices = c.op("SelectV2", {behind, moved, indices}, "output", t);
  }
  c.out(gathered(c, c.in(0), indices, axis, c.config.get<std::int64_t>("batch_dims")));
}

Attributes nd_types(NodeExport& c) {
  return {{"Tparams", attr::type(c.dtype())}, {"Tindices", attr::type(c.dtype(1))}};
}
void gather_nd(NodeExport& c) {
  if (c.config.get<std::int64_t>("batch_dims") != 0) c.fail("TensorFlow's op has no batch dimensions");
  c.out(c.op("GatherNd", c.all_in(), "output", nd_types(c)));
}

// All axes but one are shared: they go to the front as batch dimensions.
void take_along_axis(NodeExport& c) {
  const auto axis = static_cast<std::size_t>(c.axis(c.config.get<std::int64_t>("axis")));
  if (c.rank(1) != c.rank()) c.fail("its indices have another number of dimensions than its input");
  for (std::size_t i = 0; i < c.rank(); ++i)
    if (i != axis && c.in_spec(0).shape[i] != c.in_spec(1).shape[i]) c.fail("its indices are stretched over an axis");
  const auto last = static_cast<std::int64_t>(c.rank()) - 1;
  if (static_cast<std::int64_t>(axis) == last) return c.out(gathered(c, c.in(0), c.in(1), last, last));
  Ints perm(c.rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[axis], perm.back());
  const std::string y =
      gathered(c, c.transpose(c.in(0), c.dtype(), perm), c.transpose(c.in(1), c.dtype(1), perm), last, last);
  c.out(c.transpose(y, c.dtype(), perm));
}

void scatter_nd(NodeExport& c) {
  const std::string shape = c.ints(c.config.get<Shape>("shape").to_vector());
  c.out(c.op("ScatterNd", {c.cast_to(c.in(0), c.dtype(0), DType::int32), c.in(1), shape}, "output",
             {{"T", attr::type(c.dtype(1))}, {"Tindices", attr::type(DType::int32)}}));
}
void tensor_scatter(NodeExport& c) {
  const std::string how = c.config.get<std::string>("how");
  std::string op = "TensorScatter" + how;
  op[13] = static_cast<char>(std::toupper(static_cast<unsigned char>(op[13])));
  c.out(c.op(op, c.all_in(), "output", {c.T(), {"Tindices", attr::type(c.dtype(1))}}));
}
void segment_sum(NodeExport& c) {
  c.out(c.op("UnsortedSegmentSum", {c.in(0), c.in(1), c.integer(c.config.get<std::int64_t>("num_segments"))}, "output",
             {c.T(), {"Tindices", attr::type(c.dtype(1))}, {"Tnumsegments", attr::type(DType::int32)}}));
}

void one_hot(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  c.out(c.op("OneHot",
             {c.in(0), c.integer(c.config.get<std::int64_t>("depth")),
              c.scalar(c.config.get<double>("on_value"), dtype), c.scalar(c.config.get<double>("off_value"), dtype)},
             "output",
             {{"T", attr::type(dtype)},
              {"TI", attr::type(c.dtype())},
              {"axis", attr::integer(c.config.get<std::int64_t>("axis"))}}));
}

constexpr const char* kNone = "TensorFlow has no op for it";
constexpr const char* kVariable = "it is written by the exporter itself";
constexpr const char* kWithoutRow[][2] = {
    {"affine_transform", kNone},
    {"slice_update", kNone},
    {"assign_variable", kVariable},
    {"read_variable", kVariable},
    {"bincount", kNone},
    {"searchsorted", kNone},
    {"unique", kNone},
    {"random_uniform_int", kNone},
    {"random_keep_mask", kNone},
    {"random_permutation", kNone},
    {"categorical", kNone},
    {"random_with_parameters", kNone},
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
  t.add("unsorted_segment_sum", segment_sum);
  t.add("one_hot", one_hot);
  t.add("where_nonzero", [](NodeExport& c) { c.out(c.op("Where", c.all_in(), "index")); });
}

std::string_view reason_without_row(std::string_view op) {
  for (const auto& [name, reason] : kWithoutRow)
    if (op == name) return reason;
  return exchange::reason_not_exported(op);
}

}  // namespace strata::saved_model
