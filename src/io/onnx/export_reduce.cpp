// Reductions, positions of extremes, sorting, running sums.
#include <algorithm>

#include "io/onnx/export.h"
#include "io/onnx/proto.h"

namespace strata::onnx {

namespace {

// The axes of the config, all where there are none, in the form `layout` of input 0.
Ints axes_in(NodeExport& c, Layout layout) {
  Ints axes = c.config.get<Ints>("axis");
  if (axes.empty())
    for (std::size_t i = 0; i < c.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  for (std::int64_t& a : axes) a = NodeExport::moved(c.axis(a), c.rank(), layout);
  std::sort(axes.begin(), axes.end());
  return axes;
}

// What is left of channels-first data is plain again where the order of its axes is.
Layout layout_after(NodeExport& c, const Ints& axes, bool keepdims, Layout layout) {
  if (layout == Layout::plain || keepdims) return layout;
  std::size_t left = 0;  // spatial axes
  for (std::int64_t i = 2; i < static_cast<std::int64_t>(c.rank()); ++i)
    left += std::find(axes.begin(), axes.end(), i) == axes.end();
  const bool channels = std::find(axes.begin(), axes.end(), 1) == axes.end();
  return left == 0 || !channels ? Layout::plain : Layout::channels_first;
}

// Whether the result in the channels-first form is what the rest of the code takes for it: batch, channels, spatial.
bool usable(const Ints& axes, bool keepdims, Layout after) {
  return after == Layout::plain || keepdims || std::find(axes.begin(), axes.end(), 0) == axes.end();
}

void reduce(NodeExport& c) {
  const bool keepdims = c.config.get<bool>("keepdims");
  Layout from = c.layout();
  Ints axes = axes_in(c, from);
  Layout to = layout_after(c, axes, keepdims, from);
  if (!usable(axes, keepdims, to)) {
    from = to = Layout::plain;
    axes = axes_in(c, from);
  }
  const bool logical = c.dtype() == DType::boolean;
  const std::string x = logical ? c.cast_to(c.in(0, from), DType::int32) : c.in(0, from);
  const std::string y = c.op(c.onnx, {x, c.w.ints(axes)}, {{"keepdims", std::int64_t{keepdims}}});
  c.out(logical ? c.cast_to(y, c.out_spec().dtype) : y, to);
}

void arg_extreme(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  c.out(c.op(c.onnx, {c.in(0)}, {{"axis", axis}, {"keepdims", std::int64_t{0}}}));
}

std::string sorted_positions(NodeExport& c, std::int64_t axis, const std::string& count, bool largest) {
  return c.w.nodes("TopK", {c.in(0), count}, 2, {{"axis", axis}, {"largest", std::int64_t{largest}}})[1];
}

void top_k(NodeExport& c) {
  const std::string count = c.w.ints({c.config.get<std::int64_t>("k")});
  c.out(c.cast_to(sorted_positions(c, -1, count, true), DType::int32));
}

void argsort(NodeExport& c) {
  const std::int64_t axis = c.axis(c.config.get<std::int64_t>("axis"));
  const std::int64_t n = c.in_spec(0).shape[static_cast<std::size_t>(axis)];
  const std::string count =
      n != None ? c.w.ints({n})
                : c.op("Slice", {c.op("Shape", {c.in(0)}), c.w.ints({axis}), c.w.ints({axis + 1}), c.w.ints({0})});
  c.out(c.cast_to(sorted_positions(c, axis, count, c.config.get<bool>("descending")), DType::int32));
}

void cumsum(NodeExport& c) {
  const std::string axis = c.w.tensor(Tensor(c.axis(c.config.get<std::int64_t>("axis"))), "");
  c.out(c.op("CumSum", {c.in(0), axis},
             {{"exclusive", std::int64_t{c.config.get<bool>("exclusive")}},
              {"reverse", std::int64_t{c.config.get<bool>("reverse")}}}));
}

}  // namespace

void add_reduce_rows(ExportTable& t) {
  constexpr const char* kReductions[][2] = {{"reduce_sum", "ReduceSum"},   {"reduce_mean", "ReduceMean"},
                                            {"reduce_max", "ReduceMax"},   {"reduce_min", "ReduceMin"},
                                            {"reduce_prod", "ReduceProd"}, {"reduce_any", "ReduceMax"},
                                            {"reduce_all", "ReduceMin"}};
  for (const auto& [op, onnx] : kReductions) t.add(op, reduce, onnx);
  t.add("argmax", arg_extreme, "ArgMax");
  t.add("argmin", arg_extreme, "ArgMin");
  t.add("top_k", top_k);
  t.add("argsort", argsort);
  t.add("cumsum", cumsum);
}

}  // namespace strata::onnx
