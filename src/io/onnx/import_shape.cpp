// Ops that change shape and order, slices, gathers, scatters, constants.
#include <algorithm>
#include <limits>

#include "io/onnx/import.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/random.h"
#include "strata/reduce.h"

namespace strata::onnx {

namespace {

using Call = const ImportCall&;

std::int64_t axis_of(Call c, std::int64_t otherwise) {
  const std::int64_t a = c.integer_attribute("axis", otherwise), rank = c.in(0).rank();
  return a < 0 ? a + rank : a;
}

// Zero keeps the dimension at its place.
Tensors reshape_to(Call c) {
  const Tensor x = c.in(0);
  if (c.integer_attribute("allowzero", 0) == 0 && c.value(1).tensor.defined() && !c.in(1).is_symbolic()) {
    Ints dims = c.ints(1);
    const auto open = std::count(dims.begin(), dims.end(), -1);
    bool keeps_unknown = false;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != 0) continue;
      if (i >= x.shape().size()) c.fail("it keeps a dimension that its input does not have");
      dims[i] = x.shape()[i];
      keeps_unknown = keeps_unknown || dims[i] == None;
    }
    if (keeps_unknown && open == 0 && std::count(dims.begin(), dims.end(), None) == 1)
      std::replace(dims.begin(), dims.end(), None, std::int64_t{-1});
    return {reshape(x, Shape(dims))};
  }
  return {c.reshaped(x, 1)};
}

Tensors flattened(Call c) {
  const auto axis = static_cast<std::size_t>(std::clamp<std::int64_t>(axis_of(c, 1), 0, c.in(0).rank()));
  const Shape& s = c.in(0).shape();
  auto product = [](const Shape& part) { return part.is_known() ? part.num_elements() : None; };
  const std::int64_t front = product(s.sub(0, axis)), back = product(s.sub(axis));
  if (front == None && back == None) c.fail("its dimensions are not known");
  return {reshape(c.in(0), Shape{front == None ? -1 : front, back == None ? -1 : back})};
}

Tensors squeezed(Call c) {
  const Ints axes = c.ints_or(1, "axes");
  return {axes.empty() ? squeeze(c.in(0)) : squeeze(c.in(0), axes)};
}

Tensors unsqueezed(Call c) {
  Ints axes = c.ints_or(1, "axes");
  const auto rank = c.in(0).rank() + static_cast<std::int64_t>(axes.size());
  for (std::int64_t& a : axes) a = a < 0 ? a + rank : a;
  std::sort(axes.begin(), axes.end());
  Tensor x = c.in(0);
  for (const std::int64_t a : axes) x = expand_dims(x, a);
  return {x};
}

Tensors transposed(Call c) {
  const Ints perm = c.ints_attribute("perm");
  return {perm.empty() ? transpose(c.in(0)) : transpose(c.in(0), perm)};
}

Tensors parts(Call c) {
  const std::int64_t axis = c.integer_attribute("axis", 0);
  const Ints sizes = c.ints_or(1, "split");
  if (!sizes.empty()) return split(c.in(0), sizes, axis);
  const auto count = static_cast<int>(c.integer_attribute("num_outputs", static_cast<std::int64_t>(c.num_outputs())));
  const std::int64_t total = c.in(0).shape().at(axis);
  if (count < 1) c.fail("it splits into no parts");
  if (total == None || total % count == 0) return split(c.in(0), count, axis);
  Ints uneven(static_cast<std::size_t>(count), (total + count - 1) / count);  // the last one is smaller
  uneven.back() = total - uneven[0] * (count - 1);
  return split(c.in(0), uneven, axis);
}

Tensors sliced(Call c) {
  const Ints starts = c.ints_or(1, "starts"), ends = c.ints_or(2, "ends");
  Ints axes = c.ints_or(3, "axes"), steps = c.ints_or(4, "steps");
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    c.fail("its bounds do not fit");
  const std::int64_t rank = c.in(0).rank();
  Ints begin(static_cast<std::size_t>(rank), None), end = begin, strides(begin.size(), 1);
  constexpr std::int64_t kFar = std::numeric_limits<std::int32_t>::max();  // beyond it means: to the end
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (a < 0 || a >= rank) c.fail("axis " + std::to_string(axes[i]) + " is out of range");
    const auto at = static_cast<std::size_t>(a);
    begin[at] =
        starts[i] >= kFar || starts[i] <= -kFar ? (steps[i] > 0 && starts[i] > 0 ? starts[i] : None) : starts[i];
    end[at] = ends[i] >= kFar || ends[i] <= -kFar ? None : ends[i];
    strides[at] = steps[i];
  }
  return {strided_slice(c.in(0), begin, end, strides)};
}

// Negative indices count from the end.
Tensor counted(const Tensor& indices, std::int64_t size) {
  if (size == None) return indices;
  if (!indices.is_symbolic()) {
    const exchange::EagerScope eager;
    if (indices.size() == 0 || reduce_min(indices).item<std::int64_t>() >= 0) return indices;
  }
  return where(less(indices, cast(Tensor(0), indices.dtype())), indices + cast(Tensor(size), indices.dtype()), indices);
}

Tensors gathered(Call c) {
  const std::int64_t axis = axis_of(c, 0);
  return {gather(c.in(0), counted(c.in(1), c.in(0).shape().at(axis)), axis)};
}
Tensors gathered_along(Call c) {
  const std::int64_t axis = axis_of(c, 0);
  return {take_along_axis(c.in(0), counted(c.in(1), c.in(0).shape().at(axis)), axis)};
}
Tensors gathered_nd(Call c) {
  return {gather_nd(c.in(0), c.in(1), {.batch_dims = c.integer_attribute("batch_dims", 0)})};
}

Tensors scattered(Call c) {
  const std::string how = c.text("reduction", "none");
  if (how == "none") return {tensor_scatter_nd_update(c.in(0), c.in(1), c.in(2))};
  if (how == "add") return {tensor_scatter_nd_add(c.in(0), c.in(1), c.in(2))};
  if (how == "max") return {tensor_scatter_nd_max(c.in(0), c.in(1), c.in(2))};
  if (how == "min") return {tensor_scatter_nd_min(c.in(0), c.in(1), c.in(2))};
  c.fail("the reduction '" + how + "' is not supported");
}

// Zeros of the shape that input i is, which is known only when the program runs.
Tensor zeros_then(Call c, std::size_t i, DType dtype) {
  const Tensor count = reduce_prod(c.in(i)), zero = cast(Tensor(0), count.dtype()),
               one = cast(Tensor(1), count.dtype());
  return c.reshaped(cast(range(zero, count, one) * zero, dtype), i);
}

// To a shape, where ones keep what is longer.
Tensors expanded(Call c) {
  const Tensor& like = c.value(1).like;
  if (like.defined() && like.is_symbolic() && like.shape().size() >= c.in(0).shape().size())
    return {c.in(0) + zeros_like(like, c.in(0).dtype())};
  Shape shape = c.dims(1);
  const Shape& x = c.in(0).shape();
  while (shape.size() < x.size()) shape.insert(0, 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t lead = shape.size() - x.size();
    if (i >= lead && shape[i] == 1) shape[i] = x[i - lead];
    if (shape[i] == None && (i < lead || x[i - lead] != None)) {
      if (c.in(0).dtype() == DType::boolean) c.fail("it stretches to a size that is not known while it is traced");
      return {c.in(0) + zeros_then(c, 1, c.in(0).dtype())};
    }
  }
  return {broadcast_to(c.in(0), shape)};
}

Tensors padded(Call c) {
  const Ints flat = c.ints_or(1, "pads");
  const auto rank = static_cast<std::size_t>(c.in(0).rank());
  Ints axes = c.has(3) ? c.ints(3) : Ints();
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (flat.size() != 2 * axes.size()) c.fail("its pads do not fit its input");
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs(rank, {0, 0});
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t a = axes[i] < 0 ? axes[i] + static_cast<std::int64_t>(rank) : axes[i];
    if (a < 0 || a >= static_cast<std::int64_t>(rank)) c.fail("an axis is out of range");
    pairs[static_cast<std::size_t>(a)] = {flat[i], flat[i + axes.size()]};
  }
  const std::string mode = c.text("mode", "constant");
  if (mode != "constant" && mode != "reflect") c.fail("the mode '" + mode + "' is not supported");
  const double value = c.has(2) ? c.in(2).item<double>() : c.real("value", 0);
  return {pad(c.in(0), pairs, {.mode = mode, .constant_values = value})};
}

Tensors constant_of(Call c) {
  if (const ReadAttribute* a = c.attribute("value"); a != nullptr && a->tensor) return {*a->tensor};
  if (const ReadAttribute* a = c.attribute("value_float")) return {cast(Tensor(a->f), float32)};
  if (const ReadAttribute* a = c.attribute("value_int")) return {cast(Tensor(a->i), int64)};
  if (const ReadAttribute* a = c.attribute("value_ints"))
    return {Tensor::from(a->ints, {static_cast<std::int64_t>(a->ints.size())})};
  if (const ReadAttribute* a = c.attribute("value_floats"))
    return {cast(Tensor::from(a->floats, {static_cast<std::int64_t>(a->floats.size())}), float32)};
  c.fail("its value is of a kind that is not supported");
}

Tensors constant_of_shape(Call c) {
  const ReadAttribute* a = c.attribute("value");
  const Tensor value = a != nullptr && a->tensor ? reshape(*a->tensor, Shape{}) : Tensor(0.f);
  const Tensor& like = c.value(0).like;
  if (like.defined() && like.is_symbolic()) return {zeros_like(like, value.dtype()) + value};
  return {broadcast_to(constant(value, value.dtype()), Shape(c.ints(0)))};
}

// Indices that are out of range have no place.
Tensors one_hot_of(Call c) {
  const Tensor indices = cast(c.in(0), int64);
  const std::int64_t depth = c.integer(1);
  const std::vector<double> values = c.in(2).to_vector<double>();
  if (values.size() != 2) c.fail("it needs two values");
  return {one_hot(counted(indices, depth), depth,
                  {.on_value = values[1],
                   .off_value = values[0],
                   .axis = c.integer_attribute("axis", -1),
                   .dtype = c.in(2).dtype()})};
}

Tensors triangle(Call c) {
  const std::int64_t k = c.has(1) ? c.integer(1) : 0;
  return {c.integer_attribute("upper", 1) != 0 ? triu(c.in(0), k) : tril(c.in(0), k)};
}

DType type_of(Call c, const char* name, DType otherwise) {
  const ReadAttribute* a = c.attribute(name);
  return a != nullptr ? dtype_of(a->i, c.where()) : otherwise;
}
template <bool uniform>
Tensors random_numbers(Call c) {
  const Tensor like = c.size() > 0 ? c.in(0) : zeros(Shape(c.ints_attribute("shape")));
  const DType dtype = type_of(c, "dtype", c.size() > 0 ? like.dtype() : float32);
  const Tensor base = cast(like, float32);
  const Tensor out = uniform ? random::uniform_like(base, {.minval = c.real("low", 0), .maxval = c.real("high", 1)})
                             : random::normal_like(base, {.mean = c.real("mean", 0), .stddev = c.real("scale", 1)});
  return {cast(out, dtype)};
}

}  // namespace

void add_shape_rows(ImportTable& t) {
  t["Cast"] = [](Call c) { return Tensors{cast(c.in(0), type_of(c, "to", float32))}; };
  t["Reshape"] = reshape_to;
  t["Flatten"] = flattened;
  t["Squeeze"] = squeezed;
  t["Unsqueeze"] = unsqueezed;
  t["Transpose"] = transposed;
  t["Size"] = [](Call c) { return Tensors{size(c.in(0), int64)}; };
  t["Concat"] = [](Call c) { return Tensors{concat(c.all(), c.integer_attribute("axis", 0))}; };
  t["Split"] = parts;
  t["Slice"] = sliced;
  t["Gather"] = gathered;
  t["GatherElements"] = gathered_along;
  t["GatherND"] = gathered_nd;
  t["ScatterND"] = scattered;
  t["Expand"] = expanded;
  t["Tile"] = [](Call c) { return Tensors{tile(c.in(0), c.ints(1))}; };
  t["Pad"] = padded;
  t["Constant"] = constant_of;
  t["ConstantOfShape"] = constant_of_shape;
  t["OneHot"] = one_hot_of;
  t["NonZero"] = [](Call c) { return Tensors{transpose(where(c.in(0)), {1, 0})}; };
  t["Range"] = [](Call c) { return Tensors{range(c.in(0), c.in(1), c.in(2))}; };
  t["Trilu"] = triangle;
  t["RandomUniform"] = t["RandomUniformLike"] = random_numbers<true>;
  t["RandomNormal"] = t["RandomNormalLike"] = random_numbers<false>;
}

}  // namespace strata::onnx
