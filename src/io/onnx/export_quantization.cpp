// Fake quantization as pairs of QuantizeLinear and DequantizeLinear, from which ONNX Runtime, OpenVINO and others make
// inference with 8 bits.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/tensor_data.h"
#include "io/onnx/export.h"
#include "kernels/bytes.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::onnx {

namespace {

kernels::GridBits bits_of(const Config& c) {
  return {static_cast<int>(c.get<std::int64_t>("num_bits")), c.get<bool>("narrow_range")};
}

// The grids of an input's channels, or the only one.
struct Grids {
  std::vector<float> steps;
  std::vector<std::uint8_t> zeros;
};
Grids grids_between(const kernels::GridBits& bits, const Tensor& min, const Tensor& max) {
  Grids all;
  const std::vector<float> low = min.to_vector<float>(), high = max.to_vector<float>();
  for (std::size_t i = 0; i < low.size(); ++i) {
    const kernels::Grid g = bits.between(low[i], high[i]);
    all.steps.push_back(g.step);
    all.zeros.push_back(static_cast<std::uint8_t>(g.zero));
  }
  return all;
}

void fake_quant(NodeExport& c) {
  const kernels::GridBits bits = bits_of(c.config);
  const Tensor *min = c.constant(1), *max = c.constant(2);
  const Layout layout = c.layout();
  if (min == nullptr || max == nullptr) c.fail("its range is computed, but ONNX wants a constant one");
  if (bits.bits != 8) c.fail("ONNX quantizes to 8 bits, not to " + std::to_string(bits.bits));
  if (bits.narrow) c.fail("ONNX has no narrow range for what is computed");
  const Grids grids = grids_between(bits, *min, *max);
  const auto unseen = std::count(grids.steps.begin(), grids.steps.end(), 0.f);
  if (unseen > 0 && min->rank() == 0 && c.config.get<bool>("keep_unseen")) return c.out(c.in(0, layout), layout);
  if (unseen > 0) c.fail("its range is empty");
  Attributes attributes;
  if (min->rank() > 0) attributes = {{"axis", NodeExport::moved(c.axis(-1), c.rank(), layout)}};
  const std::string step = c.w.tensor(Tensor::from(grids.steps, min->shape()), ""),
                    zero = c.w.tensor(Tensor::from(grids.zeros, min->shape()), "");
  const std::string bytes = c.op("QuantizeLinear", {c.in(0, layout), step, zero}, attributes);
  c.out(c.op("DequantizeLinear", {bytes, step, zero}, attributes), layout);
}

}  // namespace

// Only grids around zero: those of a model's weights. The only grid of an array stays that of its elements reshaped.
void GraphExport::note_grid(const Node& node) {
  const Tensor& before = value(node.in[0]).steps;
  if (node.op->is_view() && before.defined() && before.rank() == 0) value(node.out[0]).steps = before;
  if (node.op->name() != "fake_quant") return;
  const kernels::GridBits bits = bits_of(node.op->config());
  const Tensor &min = *value(node.in[1]).constant, &max = *value(node.in[2]).constant;
  if (bits.bits != 8 || !bits.narrow) return;
  const Grids grids = grids_between(bits, min, max);
  for (std::size_t i = 0; i < grids.steps.size(); ++i)
    if (grids.zeros[i] != 128 || grids.steps[i] == 0) return;
  value(node.out[0]).steps = Tensor::from(grids.steps, min.shape());
}

std::string NodeExport::weights(std::size_t i, const Ints& perm) {
  const auto& known = all_.values_[static_cast<std::size_t>(node_.in[i])];
  const Tensor moved = transpose(*known.constant, perm);
  if (!known.steps.defined()) return w.tensor(moved, known.stem);
  const Tensor levels = transpose(round(*known.constant / known.steps), perm);
  std::vector<std::uint8_t> bytes;
  for (const float level : levels.to_vector<float>())
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::int8_t>(level)));
  Attributes attributes;
  if (known.steps.rank() > 0) {
    const auto last = std::find(perm.begin(), perm.end(), static_cast<std::int64_t>(perm.size()) - 1);
    attributes = {{"axis", std::int64_t{last - perm.begin()}}};
  }
  return w.node("DequantizeLinear",
                {w.signed_bytes(Tensor::from(bytes, moved.shape()), known.stem + "_quantized"),
                 w.tensor(known.steps, known.stem + "_scale")},
                attributes);
}

void add_quantization_rows(ExportTable& t) { t.add("fake_quant", fake_quant); }

}  // namespace strata::onnx
