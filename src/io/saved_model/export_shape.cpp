// Ops that change shape and order, join, split, pad and repeat.
#include <algorithm>
#include <numeric>

#include "io/saved_model/export.h"
#include "strata/array.h"

namespace strata::saved_model {

namespace {

const auto kIndex = std::pair<std::string, std::string>{"Tidx", attr::type(DType::int32)};

// One number of a shape.
std::string dimension(NodeExport& c, const std::string& shape, std::size_t axis) {
  const auto at = static_cast<std::int64_t>(axis);
  return c.op(
      "StridedSlice", {shape, c.ints({at}), c.ints({at + 1}), c.ints({1})}, "output",
      {{"T", attr::type(DType::int32)}, {"Index", attr::type(DType::int32)}, {"shrink_axis_mask", attr::integer(1)}});
}

// A shape of which `unknown(i)` gives the dimensions that are None.
template <class F>
std::string packed_dimensions(NodeExport& c, const Shape& dims, F unknown) {
  Names parts;
  for (std::size_t i = 0; i < dims.size(); ++i) parts.push_back(dims[i] != None ? c.integer(dims[i]) : unknown(i));
  return c.op("Pack", parts, "output",
              {{"T", attr::type(DType::int32)},
               {"N", attr::integer(static_cast<std::int64_t>(parts.size()))},
               {"axis", attr::integer(0)}});
}

void reshape(NodeExport& c) {
  const Shape target = c.config.get<Shape>("shape");
  const auto open = std::count_if(target.begin(), target.end(), [](auto d) { return d == -1 || d == None; });
  Ints dims;
  for (const std::int64_t d : target) dims.push_back(d == None ? -1 : d);
  if (open <= 1) return c.out(c.reshape(c.in(0), c.dtype(), c.ints(dims)));
  // Unknown dimensions beside others are those of the input at the same position.
  const std::string shape = c.shape_of(c.in(0), c.dtype());
  const std::string packed = packed_dimensions(c, target, [&](std::size_t i) { return dimension(c, shape, i); });
  c.out(c.reshape(c.in(0), c.dtype(), packed));
}
void reshape_to_value(NodeExport& c) {
  c.out(c.op("Reshape", c.all_in(), "output", {c.T(), {"Tshape", attr::type(c.dtype(1))}}));
}
void reshape_like(NodeExport& c) { c.out(c.reshape(c.in(0), c.dtype(), c.shape_of(c.in(1), c.dtype(1)))); }
void rows_of(NodeExport& c) {
  const std::int64_t columns = c.in_spec(0).shape.back();
  if (columns == None) c.fail("the last dimension of its input is not known");
  c.out(c.reshape(c.in(0), c.dtype(), c.ints({-1, columns})));
}

void expand_dims(NodeExport& c) {
  std::string x = c.in(0);
  for (const std::int64_t axis : c.config.get<Ints>("axes"))
    x = c.op("ExpandDims", {x, c.integer(axis)}, "output", {c.T(), {"Tdim", attr::type(DType::int32)}});
  c.out(x);
}
void squeeze(NodeExport& c) {
  const Ints axes = c.config.get<Ints>("axes");
  if (axes.empty()) return c.out(c.op("Identity", c.all_in(), "output"));
  c.out(c.op("Squeeze", c.all_in(), "output", {c.T(), {"squeeze_dims", attr::ints(axes)}}));
}
void transpose(NodeExport& c) {
  Ints perm = c.config.get<Ints>("perm");
  for (std::int64_t& a : perm) a = c.axis(a);
  c.out(c.transpose(c.in(0), c.dtype(), perm));
}
void shape(NodeExport& c) {
  c.out(c.op(c.tf, c.all_in(), "output", {c.T(), {"out_type", attr::type(c.out_spec().dtype)}}));
}

void full_like(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  c.out(c.op("Fill", {c.shape_of(c.in(0), c.dtype()), c.scalar(c.config.get<double>("value"), dtype)}, "output",
             {{"T", attr::type(dtype)}, {"index_type", attr::type(DType::int32)}}));
}

void sized_zeros(NodeExport& c) {
  const Shape dims = c.config.get<Shape>("shape");
  const Ints input = c.config.get<Ints>("input"), axis = c.config.get<Ints>("axis");
  const DType dtype = c.out_spec().dtype;
  const std::string shape = packed_dimensions(c, dims, [&](std::size_t i) {
    const auto from = static_cast<std::size_t>(input[i]);
    return dimension(c, c.shape_of(c.in(from), c.dtype(from)), static_cast<std::size_t>(axis[i]));
  });
  c.out(c.op("Fill", {shape, c.scalar(0, dtype)}, "output",
             {{"T", attr::type(dtype)}, {"index_type", attr::type(DType::int32)}}));
}

std::string broadcast(NodeExport& c, const std::string& shape) {
  return c.op("BroadcastTo", {c.in(0), shape}, "output", {c.T(), kIndex});
}
void broadcast_to(NodeExport& c) {
  if (!c.out_spec().shape.is_known() && c.rank() == 0) c.fail("its result has no known shape");
  const Shape out = c.out_spec().shape;
  Ints dims = out.to_vector();
  if (out.is_known()) return c.out(broadcast(c, c.ints(dims)));
  // Ones take the dimensions of the input.
  for (std::int64_t& d : dims) d = d == None ? 1 : d;
  const std::string common =
      c.op("BroadcastArgs", {c.shape_of(c.in(0), c.dtype()), c.ints(dims)}, "r0", {{"T", attr::type(DType::int32)}});
  c.out(broadcast(c, common));
}
void broadcast_like(NodeExport& c) { c.out(broadcast(c, c.shape_of(c.in(1), c.dtype(1)))); }

void concat(NodeExport& c) {
  Names in = c.all_in();
  if (in.size() == 1) return c.out(c.op("Identity", in, "output"));
  in.push_back(c.integer(c.config.get<std::int64_t>("axis")));
  c.out(
      c.op("ConcatV2", in, "output", {c.T(), kIndex, {"N", attr::integer(static_cast<std::int64_t>(c.num_inputs()))}}));
}

void split(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  const std::size_t count = c.num_outputs();
  Ints sizes;
  for (std::size_t i = 0; i < count; ++i) sizes.push_back(c.out_spec(i).shape[static_cast<std::size_t>(axis)]);
  const bool known = std::find(sizes.begin(), sizes.end(), None) == sizes.end();
  const auto number = std::pair{std::string("num_split"), attr::integer(static_cast<std::int64_t>(count))};
  const std::string node = known ? c.w.add("SplitV", {c.in(0), c.ints(sizes), c.integer(axis)},
                                           {c.T(), number, {"Tlen", attr::type(DType::int32)}})
                                 : c.w.add("Split", {c.integer(axis), c.in(0)}, {c.T(), number});
  for (std::size_t i = 0; i < count; ++i) c.out(i, node + ":output:" + std::to_string(i));
}

void stack(NodeExport& c) {
  c.out(c.op("Pack", c.all_in(), "output",
             {c.T(),
              {"N", attr::integer(static_cast<std::int64_t>(c.num_inputs()))},
              {"axis", attr::integer(c.config.get<std::int64_t>("axis"))}}));
}
void unstack(NodeExport& c) {
  const std::string node = c.w.add("Unpack", {c.in(0)},
                                   {c.T(),
                                    {"num", attr::integer(static_cast<std::int64_t>(c.num_outputs()))},
                                    {"axis", attr::integer(c.config.get<std::int64_t>("axis"))}});
  for (std::size_t i = 0; i < c.num_outputs(); ++i) c.out(i, node + ":output:" + std::to_string(i));
}

std::string paddings(NodeExport& c) {
  const Ints flat = c.config.get<Ints>("paddings");
  const Tensor pairs = Tensor::from(flat, {static_cast<std::int64_t>(flat.size() / 2), 2});
  return c.w.constant(strata::cast(pairs, DType::int32));
}
void pad(NodeExport& c) {
  c.out(c.op("PadV2", {c.in(0), paddings(c), c.number(c.config.get<double>("value"))}, "output",
             {c.T(), {"Tpaddings", attr::type(DType::int32)}}));
}
void mirror_pad(NodeExport& c) {
  c.out(c.op("MirrorPad", {c.in(0), paddings(c)}, "output",
             {c.T(),
              {"Tpaddings", attr::type(DType::int32)},
              {"mode", attr::text(c.config.get<bool>("symmetric") ? "SYMMETRIC" : "REFLECT")}}));
}

std::string tiled(NodeExport& c, const std::string& x, const Ints& multiples) {
  return c.op("Tile", {x, c.ints(multiples)}, "output", {c.T(), {"Tmultiples", attr::type(DType::int32)}});
}
void tile(NodeExport& c) { c.out(tiled(c, c.in(0), c.config.get<Ints>("multiples"))); }

// Each element `repeats` times: a new axis, tiled, and joined with the one before it.
void repeat(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis")), n = c.config.get<std::int64_t>("repeats");
  Ints multiples(c.rank() + 1, 1), factors(c.rank(), 1);
  multiples[static_cast<std::size_t>(axis) + 1] = n;
  factors[static_cast<std::size_t>(axis)] = n;
  const std::string wide =
      c.op("ExpandDims", {c.in(0), c.integer(axis + 1)}, "output", {c.T(), {"Tdim", attr::type(DType::int32)}});
  const std::string shape =
      c.op("Mul", {c.shape_of(c.in(0), c.dtype()), c.ints(factors)}, "z", {{"T", attr::type(DType::int32)}});
  c.out(c.reshape(tiled(c, wide, multiples), c.dtype(), shape));
}
void reverse(NodeExport& c) {
  c.out(c.op("ReverseV2", {c.in(0), c.ints(c.config.get<Ints>("axes"))}, "output", {c.T(), kIndex}));
}
void roll(NodeExport& c) {
  c.out(c.op("Roll", {c.in(0), c.ints(c.config.get<Ints>("shift")), c.ints(c.config.get<Ints>("axis"))}, "output",
             {c.T(), {"Tshift", attr::type(DType::int32)}, {"Taxis", attr::type(DType::int32)}}));
}

void triangle(NodeExport& c) {
  const bool is_upper = c.config.get<bool>("upper");
  const std::int64_t k = c.config.get<std::int64_t>("k");
  if (is_upper ? k > 0 : k < 0) c.fail("TensorFlow's triangles contain the main diagonal");
  c.out(c.op("MatrixBandPart", {c.in(0), c.integer(is_upper ? -k : -1), c.integer(is_upper ? -1 : k)}, "band",
             {c.T(), {"Tindex", attr::type(DType::int32)}}));
}
void diagonal(NodeExport& c) {
  Names in = {c.in(0), c.integer(c.config.get<std::int64_t>("k"))};
  const bool makes = std::string(c.tf) == "MatrixDiagV3";
  if (makes) in.insert(in.end(), {c.integer(-1), c.integer(-1)});
  in.push_back(c.number(0));
  c.out(c.op(c.tf, in, makes ? "output" : "diagonal", {c.T(), {"align", attr::text("RIGHT_LEFT")}}));
}
void range(NodeExport& c) { c.out(c.op("Range", c.all_in(), "output", {{"Tidx", attr::type(c.dtype())}})); }

}  // namespace

void add_shape_rows(ExportTable& t) {
  t.add("reshape", reshape);
  t.add("reshape_to_value", reshape_to_value);
  t.add("reshape_like", reshape_like);
  t.add("rows_of", rows_of);
  t.add("expand_dims", expand_dims);
  t.add("squeeze", squeeze);
  t.add("transpose", transpose);
  t.add("shape", shape, "Shape");
  t.add("size", shape, "Size");
  t.add("full_like", full_like);
  t.add("sized_zeros", sized_zeros);
  t.add("broadcast_to", broadcast_to);
  t.add("broadcast_like", broadcast_like);
  t.add("concat", concat);
  t.add("split", split);
  t.add("stack", stack);
  t.add("unstack", unstack);
  t.add("pad", pad);
  t.add("mirror_pad", mirror_pad);
  t.add("tile", tile);
  t.add("repeat", repeat);
  t.add("reverse", reverse);
  t.add("roll", roll);
  t.add("triangle", triangle);
  t.add("matrix_diag", diagonal, "MatrixDiagV3");
  t.add("matrix_diag_part", diagonal, "MatrixDiagPartV3");
  t.add("range", range);
}

}  // namespace strata::saved_model
