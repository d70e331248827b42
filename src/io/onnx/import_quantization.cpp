// Files of quantized models: pairs of QuantizeLinear and DequantizeLinear around what computes with 8 bits, and weights
// that are stored as integers.
//
// A pair with a constant grid is fake quantization, which also trains and converts to 8-bit kernels. Integers with a
// DequantizeLinear behind them become weights of real numbers, with the fake quantization of their own grid.
#include <algorithm>
#include <cmath>

#include "io/onnx/export.h"
#include "io/onnx/import.h"
#include "io/onnx/proto.h"
#include "ops/fake_quant.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::onnx {

namespace {

using Call = const ImportCall&;

// The integers that a type of the file has.
struct Integers {
  int bits = 8;
  std::int64_t lowest = 0;
  std::int64_t highest() const { return lowest + (std::int64_t{1} << bits) - 1; }
};
std::optional<Integers> integers_of(std::int64_t type) {
  if (type == data_type(uint8)) return Integers{8, 0};
  if (type == kInt8) return Integers{8, -128};
  if (type == kUint16) return Integers{16, 0};
  if (type == kInt16) return Integers{16, -32768};
  return std::nullopt;
}

std::int64_t axis_of(const Tensor& x, std::int64_t axis, Call c) {
  const std::int64_t at = axis < 0 ? axis + x.rank() : axis;
  if (at < 0 || at >= x.rank()) c.fail("its axis " + std::to_string(axis) + " is none of its input");
  return at;
}

// A scale or zero point of one element for each index of the axis, so that it is broadcast.
Tensor along_axis(const Tensor& values, const Tensor& x, Call c) {
  if (values.size() == 1) return reshape(values, Shape{});
  if (values.rank() != 1) c.fail("quantization in blocks is not supported");
  Ints spread(static_cast<std::size_t>(x.rank()), 1);
  spread[static_cast<std::size_t>(axis_of(x, c.integer_attribute("axis", 1), c))] = values.size();
  return reshape(values, spread);
}

// What computes between the two: integers, as int32.
Tensors quantize(Call c) {
  const Tensor levels = round(cast(c.in(0), float32) / along_axis(cast(c.in(1), float32), c.in(0), c));
  const double lowest = c.real("lowest", 0), highest = c.real("highest", 255);
  const Tensor moved = c.has(2) ? levels + along_axis(cast(c.in(2), float32), c.in(0), c) : levels;
  return {cast(clip(moved, Tensor(static_cast<float>(lowest)), Tensor(static_cast<float>(highest))), int32)};
}

Tensors dequantize(Call c) {
  Tensor levels = cast(c.in(0), float32);
  if (c.has(2)) levels = levels - along_axis(cast(c.in(2), float32), c.in(0), c);
  return {cast(levels * along_axis(cast(c.in(1), float32), c.in(0), c), c.in(1).dtype())};
}

Tensors fake_quantize(Call c) {
  const Tensor &x = c.in(0), &min = *c.attribute("min")->tensor, &max = *c.attribute("max")->tensor;
  const kernels::GridBits bits{static_cast<int>(c.integer_attribute("bits", 8))};
  auto rounded = [&](const Tensor& value) {
    return cast(quantize::fake_quant(bits, false, cast(value, float32), min, max), x.dtype());
  };
  if (min.rank() == 0) return {rounded(x)};
  // The channels come last for this op.
  const std::int64_t axis = axis_of(x, c.integer_attribute("axis", 1), c);
  if (x.shape()[static_cast<std::size_t>(axis)] != min.size())
    c.fail("it has " + std::to_string(min.size()) + " scales for an input of shape " + to_string(x.shape()) +
           " with axis " + std::to_string(axis));
  if (axis + 1 == x.rank()) return {rounded(x)};
  Ints perm, back;
  for (std::int64_t a = 0; a < x.rank(); ++a)
    if (a != axis) perm.push_back(a);
  perm.push_back(axis);
  for (std::int64_t a = 0; a < x.rank(); ++a) back.push_back(std::find(perm.begin(), perm.end(), a) - perm.begin());
  return {transpose(rounded(transpose(x, perm)), back)};
}

class Quantization {
 public:
  Quantization(const std::string& path, ReadGraph& graph) : path_(path), graph_(graph) {
    for (std::size_t i = 0; i < graph.initializers.size(); ++i) stored_[graph.initializers[i].name] = i;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const std::string& o : graph.nodes[n].outputs) made_by_[o] = n;
      for (const std::string& i : graph.nodes[n].inputs) ++uses_[i];
    }
    for (const ReadValue& v : graph.outputs) ++uses_[v.name];
  }

  void run() {
    for (ReadNode& n : graph_.nodes) {
      if (n.inputs.size() < 2) continue;
      if (n.op == "QuantizeLinear") note_integers(n);
      if (n.op == "DequantizeLinear") join(n);
    }
    remove_unused();
  }

 private:
  // The grid of a node: its scale and zero point, where they are stored.
  struct Grid {
    std::vector<float> steps;
    std::vector<std::int64_t> zeros;
    Integers integers;
    bool whole = true;  // one for all
  };

  const ReadInitializer* stored(const std::string& name) const {
    const auto it = stored_.find(name);
    return it == stored_.end() ? nullptr : &graph_.initializers[it->second];
  }
  std::string where(const ReadNode& n) const { return path_ + ", node '" + n.name + "' (" + n.op + ")"; }
  static bool has_zero(const ReadNode& n) { return n.inputs.size() > 2 && !n.inputs[2].empty(); }

  // The type of the integers that a QuantizeLinear gives: its zero point's.
  std::int64_t type_of(const ReadNode& n) const {
    if (!has_zero(n)) {
      const auto given = n.attributes.find("output_dtype");
      return given != n.attributes.end() && given->second.i != 0 ? given->second.i : data_type(uint8);
    }
    const ReadInitializer* zero = stored(n.inputs[2]);
    if (zero == nullptr) throw ValueError(where(n) + ": its zero point is computed, but strata wants a constant one.");
    return zero->type;
  }

  void note_integers(ReadNode& n) const {
    const std::optional<Integers> integers = integers_of(type_of(n));
    if (!integers)
      throw ValueError(where(n) + ": it gives ONNX's data type " + std::to_string(type_of(n)) +
                       ", but strata quantizes to int8, uint8, int16 and uint16.");
    n.attributes["lowest"].f = static_cast<double>(integers->lowest);
    n.attributes["highest"].f = static_cast<double>(integers->highest());
  }

  // Nothing where it is computed, or is none that one op can have.
  std::optional<Grid> grid_of(const ReadNode& n, std::int64_t type) const {
    const ReadInitializer* scale = stored(n.inputs[1]);
    const std::optional<Integers> integers = integers_of(type);
    if (scale == nullptr || !integers || !is_floating(scale->value.dtype()) || scale->value.rank() > 1)
      return std::nullopt;
    Grid g;
    g.integers = *integers;
    g.steps = cast(scale->value, float32).to_vector<float>();
    g.whole = g.steps.size() == 1;
    g.zeros.assign(g.steps.size(), 0);
    if (has_zero(n)) {
      const ReadInitializer* zero = stored(n.inputs[2]);
      if (zero == nullptr || zero->type != type || zero->value.size() != scale->value.size()) return std::nullopt;
      g.zeros = cast(zero->value, int64).to_vector<std::int64_t>();
    }
    const bool good = std::all_of(g.steps.begin(), g.steps.end(), [](float s) { return s > 0 && std::isfinite(s); });
    return good && !g.steps.empty() ? std::optional<Grid>(g) : std::nullopt;
  }

  void join(ReadNode& n) {
    if (const ReadInitializer* levels = stored(n.inputs[0])) return restore_weight(n, *levels);
    const auto maker = made_by_.find(n.inputs[0]);
    if (maker == made_by_.end()) return;
    const ReadNode& first = graph_.nodes[maker->second];
    if (first.op != "QuantizeLinear" || first.inputs.size() < 2) return;
    auto same = [&](std::size_t i) {
      return (has_zero(first) || i < 2 ? first.inputs[i] : "") == (has_zero(n) || i < 2 ? n.inputs[i] : "");
    };
    const auto axis = [](const ReadNode& node) {
      const auto it = node.attributes.find("axis");
      return it == node.attributes.end() ? 1 : it->second.i;
    };
    const std::optional<Grid> grid = grid_of(first, type_of(first));
    if (!grid || !same(1) || !same(2) || axis(first) != axis(n)) return;
    for (const std::string& i : n.inputs) --uses_[i];
    become_fake(n, first.inputs[0], *grid);
  }

  // The node rounds `x` to the grid.
  void become_fake(ReadNode& n, const std::string& x, const Grid& g) {
    std::vector<float> low, high;
    for (std::size_t i = 0; i < g.steps.size(); ++i) {
      low.push_back(static_cast<float>(g.integers.lowest - g.zeros[i]) * g.steps[i]);
      high.push_back(static_cast<float>(g.integers.highest() - g.zeros[i]) * g.steps[i]);
    }
    const Shape shape = g.whole ? Shape{} : Shape{static_cast<std::int64_t>(low.size())};
    n.row = fake_quantize;
    n.inputs = {x};
    n.attributes["min"].tensor = Tensor::from(low, shape);
    n.attributes["max"].tensor = Tensor::from(high, shape);
    n.attributes["bits"].i = g.integers.bits;
    if (!n.attributes.contains("axis")) n.attributes["axis"].i = 1;
    ++uses_[x];
  }

  // Integers that are stored: real numbers under a name of their own, and int8 or uint8 keep their grid.
  void restore_weight(ReadNode& n, const ReadInitializer& levels) {
    const std::string suffix = "_quantized";
    std::string name = levels.name.ends_with(suffix) ? levels.name.substr(0, levels.name.size() - suffix.size())
                                                     : levels.name + "_real";
    const ReadInitializer* scale = stored(n.inputs[1]);
    if (scale == nullptr || (has_zero(n) && stored(n.inputs[2]) == nullptr)) return;
    while (stored_.contains(name) || made_by_.contains(name)) name += "_";
    const std::string place = where(n);
    const exchange::Values in = {{levels.value, {}, {}, -1},
                                 {scale->value, {}, {}, -1},
                                 {has_zero(n) ? stored(n.inputs[2])->value : Tensor(), {}, {}, -1}};
    const Tensor value = dequantize(ImportCall(place, in, n))[0];
    const std::optional<Grid> grid = grid_of(n, levels.type);
    for (const std::string& i : n.inputs) --uses_[i];
    if (grid) {
      become_fake(n, name, *grid);
    } else {
      n.row = [](Call c) { return Tensors{c.in(0)}; };
      n.inputs = {name};
      ++uses_[name];
    }
    // In the place of the integers, so that weights keep their order.
    const std::size_t at = stored_.at(levels.name);
    const bool last_use = uses_[levels.name] <= 0;
    stored_[name] = last_use ? at : graph_.initializers.size();
    if (last_use) stored_.erase(levels.name);
    const ReadInitializer weight = {name, value, data_type(value.dtype())};
    if (last_use)
      graph_.initializers[at] = weight;
    else
      graph_.initializers.push_back(weight);
  }

  // Grids that are settled now, the QuantizeLinear of pairs: none of them is a weight of the model.
  void remove_unused() {
    std::erase_if(graph_.nodes, [&](const ReadNode& n) {
      if (n.op != "QuantizeLinear" || n.outputs.size() != 1 || uses_[n.outputs[0]] > 0) return false;
      for (const std::string& i : n.inputs) --uses_[i];
      return true;
    });
    std::erase_if(graph_.initializers, [&](const ReadInitializer& i) {
      const auto it = uses_.find(i.name);
      return it != uses_.end() && it->second <= 0;
    });
  }

  const std::string& path_;
  ReadGraph& graph_;
  std::unordered_map<std::string, std::size_t> stored_, made_by_;
  std::unordered_map<std::string, int> uses_;
};

}  // namespace

void join_quantization(const std::string& path, ReadGraph& graph) {
  const bool any = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const ReadNode& n) {
    return n.op == "QuantizeLinear" || n.op == "DequantizeLinear";
  });
  if (any) Quantization(path, graph).run();
}

void add_quantization_rows(ImportTable& t) {
  t["QuantizeLinear"] = quantize;
  t["DequantizeLinear"] = dequantize;
}

}  // namespace strata::onnx
