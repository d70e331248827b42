// Ops that passes make for inference with 8 bits: arrays of bytes stand for real numbers, step * (byte - zero).
#include "kernels/bytes.h"

#include <algorithm>

#include "graph/op.h"
#include "graph/prepare.h"
#include "kernels/byte_conv.h"
#include "ops/conv_util.h"
#include "ops/nn_families.h"

namespace strata {
namespace {

using kernels::Grid;

// The numbers that bytes stand for.
struct GridFields {
  double step = 1;
  std::int64_t zero = 0;
  operator Grid() const { return {static_cast<float>(step), static_cast<std::int32_t>(zero)}; }
};

// Quantize(x): bytes. Dequantize(bytes): float32.
template <class Self>
struct Converter : OpBase<Self>, Preparable {
  GridFields grid;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("step", s.grid.step), v("zero", s.grid.zero);
  }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype != Self::kFrom)
      throw DTypeError(std::string(this->name()) + ": received " + describe(in) + ". Expected " +
                       to_string(Self::kFrom) + ".");
    return {{in[0].shape, Self::kTo}};
  }
  void run(RunContext& c) const override {
    Self::convert(grid, c.in[0].size(), detail::data_of(c.in[0]).raw(), detail::data_of(c.out[0]).raw());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_call([g = Grid(grid), size = c.in[0].shape.num_elements()](const StepMemory& m) {
      Self::convert(g, size, m.in[0], m.out[0]);
    });
  }
};
struct Quantize final : Converter<Quantize> {
  static constexpr DType kFrom = DType::float32, kTo = DType::uint8;
  std::string_view name() const override { return "quantize"; }
  static void convert(const Grid& g, std::int64_t size, const void* src, void* dst) {
    kernels::to_bytes(g, size, static_cast<const float*>(src), static_cast<std::uint8_t*>(dst));
  }
};
struct Dequantize final : Converter<Dequantize> {
  static constexpr DType kFrom = DType::uint8, kTo = DType::float32;
  std::string_view name() const override { return "dequantize"; }
  static void convert(const Grid& g, std::int64_t size, const void* src, void* dst) {
    kernels::from_bytes(g, size, static_cast<const std::uint8_t*>(src), static_cast<float*>(dst));
  }
};

class PreparedByteConv final : public PreparedOp {
 public:
  PreparedByteConv(const kernels::ByteConvTask& task, const Tensor& weights, const Tensor& bias)
      : plan_(kernels::prepare_byte_conv(task, detail::elements<float>(weights),
                                         bias.defined() ? detail::elements<float>(bias) : nullptr)) {
    const kernels::Convolution& c = task.geometry;
    flops_ = 2.0 * static_cast<double>(c.dst_size()) * static_cast<double>(c.taps() * (c.in_channels / c.groups));
  }
  void run(const StepMemory& m) const override { plan_->run(m.in[0], m.out[0], m.scratch); }
  std::size_t scratch_bytes() const override { return plan_->scratch_size(); }
  std::string kernel() const override { return plan_->implementation(); }
  double flops() const override { return flops_; }

 private:
  std::shared_ptr<const kernels::ByteConvPlan> plan_;
  double flops_ = 0;
};

// ByteConv(x, filters[, bias]) and ByteMatmul: relu(x filters + bias) of bytes with float32 weights and bias, which are
// constants of the graph; `to_bytes`: the result is bytes on another grid.
struct ByteProduct {
  GridFields src, dst;
  bool to_bytes = false, bias = false, relu = false;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("src_step", s.src.step), v("src_zero", s.src.zero);
    v("to_bytes", s.to_bytes), v("dst_step", s.dst.step), v("dst_zero", s.dst.zero);
    v("bias", s.bias), v("relu", s.relu);
  }
  DType result() const { return to_bytes ? DType::uint8 : DType::float32; }

  void check(std::string_view op, const Specs& in) const {
    auto has_channel_each = [&](const Spec& offsets) {
      const std::int64_t channels = in[1].shape.back();
      return offsets.dtype == DType::float32 && offsets.shape.size() == 1 &&
             (offsets.shape[0] == None || channels == None || offsets.shape[0] == channels);
    };
    const bool fits = in.size() == (bias ? 3u : 2u) && in[0].dtype == DType::uint8 && in[1].dtype == DType::float32 &&
                      in[1].shape.size() >= 2 && (!bias || has_channel_each(in[2]));
    if (!fits)
      throw DTypeError(std::string(op) + ": received " + strata::describe(in) +
                       ". Expected uint8 data, float32 weights and a float32 bias where there is one.");
  }
  kernels::ByteConvTask task(const kernels::Convolution& geometry) const {
    kernels::ByteConvTask t{.geometry = geometry, .src = src};
    if (to_bytes) t.dst = dst;
    t.relu = relu;
    return t;
  }
  // Weights are laid out once, so run() is for tests and for those that have time.
  void run(RunContext& c, const kernels::Convolution& geometry) const {
    const PreparedByteConv prepared(task(geometry), c.in[1], bias ? c.in[2] : Tensor());
    const detail::Buffer scratch(std::max<std::size_t>(prepared.scratch_bytes(), 1));
    const void* from = detail::data_of(c.in[0]).raw();
    void* to = detail::data_of(c.out[0]).raw();
    prepared.run({&from, &to, scratch.data()});
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c, const kernels::Convolution& geometry) const {
    const Tensor weights = c.constant(1), offsets = bias ? c.constant(2) : Tensor();
    if (!weights.defined() || (bias && !offsets.defined())) return nullptr;
    kernels::ByteConvTask t = task(geometry);
    t.dst_stride = c.out_stride(0);
    return std::make_unique<PreparedByteConv>(t, weights, offsets);
  }
};

struct ByteConv final : OpBase<ByteConv>, Preparable {
  conv::Attributes attributes;
  ByteProduct product;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    conv::Attributes::fields(s.attributes, v);
    ByteProduct::fields(s.product, v);
  }
  std::string_view name() const override { return "byte_conv"; }
  Specs infer(const Specs& in) const override {
    product.check(name(), in);
    const Shape &x = in[0].shape, &w = in[1].shape;
    conv::check(attributes, "conv", {x, DType::float32}, in[1]);
    Shape out = {x[0]};
    for (const std::int64_t d : window::output_dims(window::with_rank("conv", x.rank()), x, conv::axes(attributes, w)))
      out.push_back(d);
    out.push_back(w.back());
    return {{out, product.result()}};
  }
  void run(RunContext& c) const override {
    product.run(c, conv::geometry(attributes, c.in_shape(0), c.in_shape(1), c.out_shape()));
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return product.prepare(c, conv::geometry(attributes, c.in[0].shape, c.in[1].shape, c.out[0].shape));
  }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
};

struct ByteMatmul final : OpBase<ByteMatmul>, Preparable {
  ByteProduct product;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    ByteProduct::fields(s.product, v);
  }
  std::string_view name() const override { return "byte_matmul"; }
  Specs infer(const Specs& in) const override {
    product.check(name(), in);
    const Shape &x = in[0].shape, &w = in[1].shape;
    if (x.size() < 2 || w.size() != 2 || (x.back() != None && w[0] != None && x.back() != w[0]))
      throw ShapeError("byte_matmul: " + describe(in) + " do not fit. Expected (..., n) and (n, units).");
    Shape out = x;
    out[out.size() - 1] = w[1];
    return {{out, product.result()}};
  }
  void run(RunContext& c) const override { product.run(c, geometry(c.in_shape(0), c.in_shape(1))); }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return product.prepare(c, geometry(c.in[0].shape, c.in[1].shape));
  }

 private:
  // As a convolution whose kernel is one pixel.
  static kernels::Convolution geometry(const Shape& x, const Shape& w) {
    kernels::Convolution c;
    c.batch = 1;
    c.in_channels = w[0], c.out_channels = w[1];
    c.in = c.out = {1, x.sub(0, x.size() - 1).num_elements(), 1};
    return c;
  }
};

}  // namespace

void register_bytes(Registry& r) {
  r.add<Quantize>();
  r.add<Dequantize>();
  r.add<ByteConv>();
  r.add<ByteMatmul>();
}

}  // namespace strata
