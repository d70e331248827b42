// Ops that change shape and order, join, split, pad and repeat.
#include <algorithm>
#include <limits>

#include "io/onnx/export.h"

namespace strata::onnx {

namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

std::string shape_of(NodeExport& c, std::size_t i) { return c.op("Shape", {c.in(i)}); }

void reshape(NodeExport& c) {
  const Shape target = c.config.get<Shape>("shape");
  const auto open = std::count_if(target.begin(), target.end(), [](auto d) { return d == -1 || d == None; });
  Ints dims;
  // Zero takes the dimension of the input at the same position; one unknown dimension is computed.
  for (const std::int64_t d : target) dims.push_back(d == None ? (open > 1 ? 0 : -1) : d);
  c.out(c.op("Reshape", {c.in(0), c.w.ints(dims)}));
}

void reshape_to_value(NodeExport& c) {
  const std::string shape = c.dtype(1) == DType::int64 ? c.in(1) : c.cast_to(c.in(1), DType::int64);
  c.out(c.op("Reshape", {c.in(0), shape}, {{"allowzero", std::int64_t{1}}}));
}

void reshape_like(NodeExport& c) {
  c.out(c.op("Reshape", {c.in(0), shape_of(c, 1)}, {{"allowzero", std::int64_t{1}}}));
}

void rows_of(NodeExport& c) {
  const std::int64_t columns = c.in_spec(0).shape.back();
  if (columns == None) c.fail("the last dimension of its input is not known");
  c.out(c.op("Reshape", {c.in(0), c.w.ints({-1, columns})}));
}

void with_axes(NodeExport& c) { c.out(c.op(c.onnx, {c.in(0), c.w.ints(c.config.get<Ints>("axes"))})); }

void transpose(NodeExport& c) {
  Ints perm = c.config.get<Ints>("perm");
  for (std::int64_t& a : perm) a = c.axis(a);
  // Data that are channels first already may be just what is asked for.
  if (c.layout() == Layout::channels_first && perm == to_channels_first(c.rank())) {
    c.out(c.op("Identity", {c.in(0, Layout::channels_first)}));
    return;
  }
  c.out(c.op("Transpose", {c.in(0)}, {{"perm", perm}}));
}

void shape(NodeExport& c) {
  const std::string s = shape_of(c, 0);
  c.out(c.out_spec().dtype == DType::int64 ? s : c.cast_to(s, c.out_spec().dtype));
}
void size(NodeExport& c) {
  const std::string s = c.op("Size", {c.in(0)});
  c.out(c.out_spec().dtype == DType::int64 ? s : c.cast_to(s, c.out_spec().dtype));
}

void full_like(NodeExport& c) {
  const DType dtype = c.out_spec().dtype;
  c.out(c.op("Expand", {c.w.scalar(c.config.get<double>("value"), dtype), shape_of(c, 0)}));
}

void sized_zeros(NodeExport& c) {
  const Shape dims = c.config.get<Shape>("shape");
  const Ints input = c.config.get<Ints>("input"), axis = c.config.get<Ints>("axis");
  Names parts;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != None) {
      parts.push_back(c.w.ints({dims[i]}));
      continue;
    }
    const std::string shape = shape_of(c, static_cast<std::size_t>(input[i]));
    parts.push_back(c.op("Slice", {shape, c.w.ints({axis[i]}), c.w.ints({axis[i] + 1}), c.w.ints({0})}));
  }
  const std::string shape = c.op("Concat", parts, {{"axis", std::int64_t{0}}});
  c.out(c.op("Expand", {c.w.scalar(0, c.out_spec().dtype), shape}));
}

void broadcast_to(NodeExport& c) {
  Ints dims = c.config.get<Shape>("shape").to_vector();
  for (std::int64_t& d : dims)
    if (d == -1 || d == None) d = 1;  // Expand keeps what is larger
  c.out(c.op("Expand", {c.in(0), c.w.ints(dims)}));
}
void broadcast_like(NodeExport& c) { c.out(c.op("Expand", {c.in(0), shape_of(c, 1)})); }

void concat(NodeExport& c) {
  Layout layout = Layout::plain;
  for (std::size_t i = 0; i < c.num_inputs(); ++i)
    if (c.layout(i) == Layout::channels_first) layout = Layout::channels_first;
  Names in;
  for (std::size_t i = 0; i < c.num_inputs(); ++i) in.push_back(c.in(i, layout));
  const std::int64_t axis = NodeExport::moved(c.axis(c.config.get<std::int64_t>("axis")), c.rank(), layout);
  c.out(c.op("Concat", in, {{"axis", axis}}), layout);
}

void split(NodeExport& c) {
  const Layout l = c.layout();
  const std::int64_t plain = c.axis(c.config.get<std::int64_t>("axis"));
  const Attribute axis = {"axis", NodeExport::moved(plain, c.rank(), l)};
  const std::size_t count = c.num_outputs();
  Ints sizes;
  for (std::size_t i = 0; i < count; ++i) sizes.push_back(c.out_spec(i).shape[static_cast<std::size_t>(plain)]);
  const bool known = std::find(sizes.begin(), sizes.end(), None) == sizes.end();
  const Names parts =
      known ? c.w.nodes("Split", {c.in(0, l), c.w.ints(sizes)}, count, {axis})
            : c.w.nodes("Split", {c.in(0, l)}, count, {axis, {"num_outputs", static_cast<std::int64_t>(count)}});
  for (std::size_t i = 0; i < count; ++i) c.out(i, parts[i], l);
}

void stack(NodeExport& c) {
  const std::int64_t given = c.config.get<std::int64_t>("axis");
  const std::int64_t axis = given < 0 ? given + static_cast<std::int64_t>(c.rank()) + 1 : given;
  Names in;
  for (std::size_t i = 0; i < c.num_inputs(); ++i) in.push_back(c.op("Unsqueeze", {c.in(i), c.w.ints({axis})}));
  c.out(c.op("Concat", in, {{"axis", axis}}));
}

void unstack(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  const std::size_t count = c.num_outputs();
  const Names parts = c.w.nodes("Split", {c.in(0), c.w.ints(Ints(count, 1))}, count, {{"axis", axis}});
  for (std::size_t i = 0; i < count; ++i) c.out(i, c.op("Squeeze", {parts[i], c.w.ints({axis})}));
}

// (before, after) of each axis, as ONNX wants them: all befores, then all afters.
Ints pads(NodeExport& c, Layout layout) {
  const Ints flat = c.config.get<Ints>("paddings");
  const std::size_t rank = c.rank();
  Ints out(2 * rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const auto at = static_cast<std::size_t>(NodeExport::moved(static_cast<std::int64_t>(i), rank, layout));
    out[at] = flat[2 * i];
    out[at + rank] = flat[2 * i + 1];
  }
  return out;
}

void pad(NodeExport& c) {
  const Layout l = c.layout();
  c.out(c.op("Pad", {c.in(0, l), c.w.ints(pads(c, l)), c.number(c.config.get<double>("value"))}), l);
}

void mirror_pad(NodeExport& c) {
  if (c.config.get<bool>("symmetric")) c.fail("ONNX pads by reflection, not symmetrically");
  const Layout l = c.layout();
  c.out(c.op("Pad", {c.in(0, l), c.w.ints(pads(c, l))}, {{"mode", std::string("reflect")}}), l);
}

void tile(NodeExport& c) { c.out(c.op("Tile", {c.in(0), c.w.ints(c.config.get<Ints>("multiples"))})); }

// Each element `repeats` times: a new axis, tiled, and joined with the one before it.
void repeat(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis")), n = c.config.get<std::int64_t>("repeats");
  Ints multiples(c.rank() + 1, 1), before(c.rank(), 0);
  multiples[static_cast<std::size_t>(axis) + 1] = n;
  const std::string tiled = c.op("Tile", {c.op("Unsqueeze", {c.in(0), c.w.ints({axis + 1})}), c.w.ints(multiples)});
  // The new shape is that of the input, the axis multiplied.
  Ints factors(c.rank(), 1);
  factors[static_cast<std::size_t>(axis)] = n;
  const std::string shape = c.op("Mul", {shape_of(c, 0), c.w.ints(factors)});
  c.out(c.op("Reshape", {tiled, shape}));
}

void reverse(NodeExport& c) {
  Ints axes = c.config.get<Ints>("axes");
  for (std::int64_t& a : axes) a = c.axis(a);
  const std::size_t n = axes.size();
  c.out(
      c.op("Slice", {c.in(0), c.w.ints(Ints(n, -1)), c.w.ints(Ints(n, -kEnd)), c.w.ints(axes), c.w.ints(Ints(n, -1))}));
}

void roll(NodeExport& c) {
  const Ints axes = c.config.get<Ints>("axis"), shifts = c.config.get<Ints>("shift");
  std::string x = c.in(0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t axis = c.axis(axes[i]), n = c.in_spec(0).shape[static_cast<std::size_t>(axis)];
    if (n == None) c.fail("the dimension that it rolls is not known");
    if (n == 0) continue;
    const std::int64_t cut = n - ((shifts[i] % n) + n) % n;
    const std::string at = c.w.ints({cut}), along = c.w.ints({axis});
    x = c.op("Concat", {c.op("Slice", {x, at, c.w.ints({kEnd}), along}), c.op("Slice", {x, c.w.ints({0}), at, along})},
             {{"axis", axis}});
  }
  c.out(axes.empty() ? c.op("Identity", {x}) : x);
}

void triangle(NodeExport& c) {
  const std::string k = c.w.tensor(Tensor(c.config.get<std::int64_t>("k")), "");
  c.out(c.op("Trilu", {c.in(0), k}, {{"upper", std::int64_t{c.config.get<bool>("upper")}}}));
}

void range(NodeExport& c) { c.out(c.op("Range", {c.in(0), c.in(1), c.in(2)})); }

}  // namespace

void add_shape_rows(ExportTable& t) {
  t.add("reshape", reshape);
  t.add("reshape_to_value", reshape_to_value);
  t.add("reshape_like", reshape_like);
  t.add("rows_of", rows_of);
  t.add("expand_dims", with_axes, "Unsqueeze");
  t.add("squeeze", with_axes, "Squeeze");
  t.add("transpose", transpose);
  t.add("shape", shape);
  t.add("size", size);
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
  t.add("range", range);
}

}  // namespace strata::onnx
