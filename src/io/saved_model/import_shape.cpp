// Ops that change shape and order, slices, gathers, scatters.
#include <algorithm>

#include "io/saved_model/import.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata::saved_model {

namespace {

using Call = const ImportCall&;

Tensors reshape_to(Call c) { return {c.reshaped(c.in(0), 1)}; }

Tensors squeeze_axes(Call c) {
  const Ints axes =
      c.ints_attribute("squeeze_dims").empty() ? c.ints_attribute("axis") : c.ints_attribute("squeeze_dims");
  return {axes.empty() ? squeeze(c.in(0)) : squeeze(c.in(0), axes)};
}

Tensors expand(Call c) { return {expand_dims(c.in(0), c.integer(1))}; }

// Dimensions that are not known yet must be those of the input.
Tensors broadcast(Call c) {
  Shape shape = c.dims(1);
  const Tensor x = c.in(0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != None) continue;
    const std::size_t lead = shape.size() - std::min(shape.size(), x.shape().size());
    if (i < lead || x.shape()[i - lead] != None) c.fail("it stretches to a size that is not known while it is traced");
  }
  return {broadcast_to(x, shape)};
}

// A value in a shape; one that is only known when the program runs is that of a tensor.
Tensors filled(Call c) {
  const Tensor like = c.value(0).like;
  if (like.defined() && like.is_symbolic()) return {zeros_like(like, c.in(1).dtype()) + c.in(1)};
  const Shape dims = c.dims(0);
  if (dims.is_known()) return {fill(dims, c.in(1))};
  const Tensor count = reduce_prod(c.in(0)), zero = cast(Tensor(0), count.dtype());
  const Tensor flat = cast(range(zero, count, cast(Tensor(1), count.dtype())) * zero, c.in(1).dtype()) + c.in(1);
  return {c.reshaped(flat, 0)};
}

Tensors concat_last(Call c) {
  Tensors parts = c.all();
  parts.pop_back();
  return {concat(parts, c.integer(c.size() - 1))};
}

Tensors split_first(Call c) {
  return split(c.in(1), static_cast<int>(c.integer_attribute("num_split", 1)), c.integer(0));
}
Tensors split_sizes(Call c) { return split(c.in(0), c.ints(1), c.integer(2)); }

std::vector<std::pair<std::int64_t, std::int64_t>> pairs(Call c) {
  const Ints flat = c.ints(1);
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) out.emplace_back(flat[i], flat[i + 1]);
  return out;
}
Tensors padded(Call c) {
  return {pad(c.in(0), pairs(c), {.constant_values = c.has(2) ? c.in(2).item<double>() : 0.0})};
}
Tensors mirrored(Call c) { return {pad(c.in(0), pairs(c), {.mode = c.text("mode", "REFLECT")})}; }

// NumPy's x[begin:end:strides, ...] with TensorFlow's masks, as strided_slice, squeeze and expand_dims.
Tensors strided(Call c) {
  const Tensor x = c.in(0);
  const Ints first = c.ints(1), last = c.ints(2), step = c.ints(3);
  const std::int64_t begin_mask = c.integer_attribute("begin_mask", 0), end_mask = c.integer_attribute("end_mask", 0),
                     ellipsis = c.integer_attribute("ellipsis_mask", 0),
                     fresh = c.integer_attribute("new_axis_mask", 0),
                     shrink = c.integer_attribute("shrink_axis_mask", 0);
  if (first.size() != last.size() || first.size() != step.size() || first.size() > 16) c.fail("its bounds do not fit");
  auto bit = [](std::int64_t mask, std::size_t i) { return ((mask >> i) & 1) != 0; };
  std::size_t named = 0;
  for (std::size_t i = 0; i < first.size(); ++i) named += !bit(ellipsis, i) && !bit(fresh, i);
  if (named > x.shape().size()) c.fail("it has more bounds than its input has dimensions");
  Ints begin, end, strides, squeezed, added;
  std::int64_t result_axis = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(begin.size());
    if (bit(ellipsis, i)) {
      for (std::size_t k = named; k < x.shape().size(); ++k)
        begin.push_back(None), end.push_back(None), strides.push_back(1), ++result_axis;
    } else if (bit(fresh, i)) {
      added.push_back(result_axis++);
    } else if (bit(shrink, i)) {
      begin.push_back(first[i]), end.push_back(first[i] == -1 ? None : first[i] + 1), strides.push_back(1);
      squeezed.push_back(axis);
    } else {
      begin.push_back(bit(begin_mask, i) ? None : first[i]);
      end.push_back(bit(end_mask, i) ? None : last[i]);
      strides.push_back(step[i]);
      ++result_axis;
    }
  }
  Tensor out = strided_slice(x, begin, end, strides);
  if (!squeezed.empty()) out = squeeze(out, squeezed);
  for (const std::int64_t axis : added) out = expand_dims(out, axis);
  return {out};
}

Tensors sliced(Call c) { return {slice(c.in(0), c.ints(1), c.ints(2))}; }

Tensors gathered(Call c) {
  return {gather(c.in(0), c.in(1), c.integer(2), {.batch_dims = c.integer_attribute("batch_dims", 0)})};
}

Tensors one_hot_of(Call c) {
  return {one_hot(c.in(0), c.integer(1),
                  {.on_value = c.in(2).item<double>(),
                   .off_value = c.in(3).item<double>(),
                   .axis = c.integer_attribute("axis", -1),
                   .dtype = c.in(2).dtype()})};
}

// Keeps a band of the last two axes.
Tensors band(Call c) {
  Tensor out = c.in(0);
  const std::int64_t below = c.integer(1), above = c.integer(2);
  if (below >= 0) out = triu(out, -below);
  if (above >= 0) out = tril(out, above);
  return {out};
}

// ---- Blocks moved between space and batch, as dilated convolutions of Keras 2 use them

Shape known_from(Call c, const Tensor& x, std::size_t axis) {
  const Shape rest = x.shape().sub(axis);
  if (!rest.is_known()) c.fail("the sizes of its images are not known while it is traced");
  return rest;
}

Tensors space_to_batch(Call c) {
  const Ints block = c.ints(1), pads = c.ints(2);
  const std::size_t m = block.size(), rank = c.in(0).shape().size();
  if (m + 1 > rank || pads.size() != 2 * m || rank + m > Shape::kMaxRank) c.fail("its blocks do not fit its input");
  std::vector<std::pair<std::int64_t, std::int64_t>> around(rank, {0, 0});
  for (std::size_t i = 0; i < m; ++i) around[i + 1] = {pads[2 * i], pads[2 * i + 1]};
  const Tensor x = pad(c.in(0), around);
  const Shape rest = known_from(c, x, 1);
  Shape apart = {-1}, together = {-1};
  Ints perm;
  for (std::size_t i = 0; i < m; ++i) {
    if (block[i] < 1 || rest[i] % block[i] != 0) c.fail("a block does not divide the image");
    apart.push_back(rest[i] / block[i]), apart.push_back(block[i]);
    together.push_back(rest[i] / block[i]);
    perm.push_back(static_cast<std::int64_t>(2 * i + 2));
  }
  perm.push_back(0);
  for (std::size_t i = 0; i < m; ++i) perm.push_back(static_cast<std::int64_t>(2 * i + 1));
  for (std::size_t i = m; i < rest.size(); ++i) {
    apart.push_back(rest[i]), together.push_back(rest[i]);
    perm.push_back(static_cast<std::int64_t>(m + i + 1));
  }
  return {reshape(transpose(reshape(x, apart), perm), together)};
}

Tensors batch_to_space(Call c) {
  const Ints block = c.ints(1), crops = c.ints(2);
  const Tensor x = c.in(0);
  const std::size_t m = block.size(), rank = x.shape().size();
  if (m + 1 > rank || crops.size() != 2 * m || rank + m > Shape::kMaxRank) c.fail("its blocks do not fit its input");
  const Shape rest = known_from(c, x, 1);
  Shape apart(block), together = {-1};
  apart.push_back(-1);
  Ints perm = {static_cast<std::int64_t>(m)}, begin = {None}, end = {None};
  for (std::size_t i = 0; i < m; ++i) {
    perm.push_back(static_cast<std::int64_t>(m + 1 + i)), perm.push_back(static_cast<std::int64_t>(i));
    together.push_back(rest[i] * block[i]);
    begin.push_back(crops[2 * i]), end.push_back(rest[i] * block[i] - crops[2 * i + 1]);
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    apart.push_back(rest[i]);
    if (i < m) continue;
    perm.push_back(static_cast<std::int64_t>(m + 1 + i));
    together.push_back(rest[i]);
  }
  return {strided_slice(reshape(transpose(reshape(x, apart), perm), together), begin, end)};
}

}  // namespace

void add_shape_rows(ImportTable& t) {
  t["Reshape"] = {reshape_to, {}};
  t["Squeeze"] = {squeeze_axes, {}};
  t["ExpandDims"] = {expand, {}};
  t["Transpose"] = {[](Call c) { return Tensors{transpose(c.in(0), c.ints(1))}; }, {}};
  t["BroadcastTo"] = {broadcast, {}};
  t["BroadcastArgs"] = {[](Call c) { return Tensors{maximum(c.in(0), c.in(1))}; }, {}};
  t["Fill"] = {filled, {}};
  t["ZerosLike"] = {[](Call c) { return Tensors{zeros_like(c.in(0))}; }, {}};
  t["OnesLike"] = {[](Call c) { return Tensors{ones_like(c.in(0))}; }, {}};
  t["Rank"] = {[](Call c) { return Tensors{rank(c.in(0))}; }, {}};
  t["ConcatV2"] = {concat_last, {}};
  t["Pack"] = {[](Call c) { return Tensors{stack(c.all(), c.integer_attribute("axis", 0))}; }, {}};
  t["Unpack"] = {[](Call c) { return unstack(c.in(0), c.integer_attribute("axis", 0)); }, {}};
  t["Split"] = {split_first, {}};
  t["SplitV"] = {split_sizes, {}};
  t["Pad"] = {padded, {}};
  t["PadV2"] = {padded, {}};
  t["MirrorPad"] = {mirrored, {}};
  t["Tile"] = {[](Call c) { return Tensors{tile(c.in(0), c.ints(1))}; }, {}};
  t["ReverseV2"] = {[](Call c) { return Tensors{reverse(c.in(0), c.ints(1))}; }, {}};
  t["Roll"] = {[](Call c) { return Tensors{roll(c.in(0), c.ints(1), c.ints(2))}; }, {}};
  t["Range"] = {[](Call c) { return Tensors{range(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["StridedSlice"] = {strided, {}};
  t["Slice"] = {sliced, {}};
  t["GatherV2"] = {gathered, {}};
  t["GatherNd"] = {[](Call c) { return Tensors{gather_nd(c.in(0), c.in(1))}; }, {}};
  t["ScatterNd"] = {[](Call c) { return Tensors{scatter_nd(c.in(0), c.in(1), Shape(c.ints(2)))}; }, {}};
  t["TensorScatterUpdate"] = {[](Call c) { return Tensors{tensor_scatter_nd_update(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["TensorScatterAdd"] = {[](Call c) { return Tensors{tensor_scatter_nd_add(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["TensorScatterSub"] = {[](Call c) { return Tensors{tensor_scatter_nd_sub(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["TensorScatterMax"] = {[](Call c) { return Tensors{tensor_scatter_nd_max(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["TensorScatterMin"] = {[](Call c) { return Tensors{tensor_scatter_nd_min(c.in(0), c.in(1), c.in(2))}; }, {}};
  t["UnsortedSegmentSum"] = {[](Call c) { return Tensors{unsorted_segment_sum(c.in(0), c.in(1), c.integer(2))}; }, {}};
  t["SpaceToBatchND"] = {space_to_batch, {}};
  t["BatchToSpaceND"] = {batch_to_space, {}};
  t["OneHot"] = {one_hot_of, {}};
  t["Where"] = {[](Call c) { return Tensors{where(c.in(0))}; }, {}};
  t["MatrixBandPart"] = {band, {}};
  t["MatrixDiagV3"] = {[](Call c) { return Tensors{linalg::diag(c.in(0), c.integer(1))}; }, {}};
  t["MatrixDiagPartV3"] = {[](Call c) { return Tensors{linalg::diag_part(c.in(0), c.integer(1))}; }, {}};
}

}  // namespace strata::saved_model
