// Maximum and average pools in any number of dimensions, and their gradients.
#include "kernels/pool.h"

#include "graph/op.h"
#include "graph/prepare.h"
#include "graph/registry.h"
#include "kernels/rows.h"
#include "ops/window.h"
#include "strata/array.h"
#include "strata/nn.h"

namespace strata {
namespace {

struct Attributes {
  window::Ints window, strides;
  std::string padding = "valid";
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("window", s.window);
    v("strides", s.strides);
    v("padding", s.padding);
  }
};

std::vector<window::Axis> axes(const Attributes& a, std::string_view op, const Shape& x) {
  const std::size_t rank = x.size() - 2;
  const window::Padding padding = window::padding_from_string(op, a.padding, false);
  const window::Ints sizes = window::spread(op, "window", a.window, rank),
                     strides = a.strides.empty() ? sizes : window::spread(op, "strides", a.strides, rank);
  std::vector<window::Axis> out(rank);
  for (std::size_t i = 0; i < rank; ++i) out[i] = {sizes[i], strides[i], 1, padding};
  return out;
}

kernels::Pooling geometry(const Attributes& a, const Shape& src, const Shape& dst) {
  const std::vector<window::Axis> all = axes(a, "pool", src);
  kernels::Pooling p;
  p.batch = src[0];
  p.channels = src.back();
  p.in = window::three(all.size(), 1, [&](std::size_t i) { return src[i + 1]; });
  p.out = window::three(all.size(), 1, [&](std::size_t i) { return dst[i + 1]; });
  p.window = window::three(all.size(), 1, [&](std::size_t i) { return all[i].kernel; });
  p.stride = window::three(all.size(), 1, [&](std::size_t i) { return all[i].stride; });
  p.pad = window::three(all.size(), 0, [&](std::size_t i) { return all[i].pad(src[i + 1]); });
  return p;
}

Spec pooled(const Attributes& a, const char* op_base, const Spec& x) {
  if (x.shape.size() < 3 || x.shape.size() > 5)
    throw ShapeError(std::string(op_base) + ": input has shape " + to_string(x.shape) +
                     ". Expected (batch, spatial dimensions..., channels) with one to three spatial dimensions.");
  const std::string op = window::with_rank(op_base, x.shape.rank());
  Shape out = {x.shape[0]};
  for (const std::int64_t d : window::output_dims(op, x.shape, axes(a, op, x.shape))) out.push_back(d);
  out.push_back(x.shape.back());
  return {out, x.dtype};
}

template <class F>
std::unique_ptr<PreparedOp> prepared_pool(kernels::Pooling pooling, std::int64_t src_stride, std::int64_t dst_stride,
                                          F f) {
  pooling.src_stride = src_stride;
  pooling.dst_stride = dst_stride;
  return prepared_call([pooling, f](const StepMemory& m) { f(pooling, m); });
}

// MaxPoolGrad(x, y, dy). The kernel has one stride for y and dy: where they differ, both are copied to dense rows.
class PreparedMaxPoolGrad final : public PreparedOp {
 public:
  PreparedMaxPoolGrad(const kernels::Pooling& pooling, const PrepareContext& c)
      : pooling_(pooling), dtype_(c.in[0].dtype), y_(c.in_stride(1)), dy_(c.in_stride(2)) {
    size_ = {c.in[1].shape.sub(0, c.in[1].shape.size() - 1).num_elements(), pooling.channels};
    y_ = y_ > 0 ? y_ : size_.channels;
    dy_ = dy_ > 0 ? dy_ : size_.channels;
    if (y_ == dy_) pooling_.dst_stride = dy_;
  }
  std::size_t scratch_bytes() const override { return y_ == dy_ ? 0 : 2 * bytes(); }
  void run(const StepMemory& m) const override {
    const void *y = m.in[1], *dy = m.in[2];
    if (y_ != dy_) {
      char* scratch = static_cast<char*>(m.scratch);
      kernels::copy_slice(size_, dtype_, y, y_, dtype_, scratch, size_.channels);
      kernels::copy_slice(size_, dtype_, dy, dy_, dtype_, scratch + bytes(), size_.channels);
      y = scratch, dy = scratch + bytes();
    }
    kernels::max_pool_backward(dtype_, pooling_, m.in[0], y, dy, m.out[0]);
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_.rows * size_.channels) * size_of(dtype_); }
  kernels::Pooling pooling_;
  DType dtype_;
  kernels::Rows size_{};
  std::int64_t y_, dy_;
};

// What all five ops have: the attributes as fields.
template <class Self>
struct PoolOp : OpBase<Self>, Preparable {
  PoolOp() = default;
  explicit PoolOp(const Attributes& a) : attributes(a) {}
  Attributes attributes;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    Attributes::fields(s.attributes, v);
  }
  bool is_differentiable() const override { return true; }
};

// MaxPoolSelect(x, y, values): values where x was the largest; the transpose of MaxPoolGrad.
struct MaxPoolSelect final : PoolOp<MaxPoolSelect> {
  using PoolOp::PoolOp;
  std::string_view name() const override { return "max_pool_grad_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[2].dtype}}; }
  void run(RunContext& c) const override {
    kernels::max_pool_select(c.in[0].dtype(), geometry(attributes, c.in_shape(0), c.in_shape(1)), c.src<void>(0),
                             c.src<void>(1), c.src<void>(2), c.dst<void>());
  }
  Tensors grad(const GradContext& c) const override;
};

// MaxPoolGrad(x, y, dy).
struct MaxPoolGrad final : PoolOp<MaxPoolGrad> {
  using PoolOp::PoolOp;
  std::string_view name() const override { return "max_pool_grad"; }
  Specs infer(const Specs& in) const override { return {{in[0].shape, in[2].dtype}}; }
  void run(RunContext& c) const override {
    kernels::max_pool_backward(c.in[0].dtype(), geometry(attributes, c.in_shape(0), c.in_shape(1)), c.src<void>(0),
                               c.src<void>(1), c.src<void>(2), c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return std::make_unique<PreparedMaxPoolGrad>(geometry(attributes, c.in[0].shape, c.in[1].shape), c);
  }
  bool reads_slice(const PrepareContext&, std::size_t input) const override { return input > 0; }
  // Which element is largest does not change with x, except at jumps.
  Tensors grad(const GradContext& c) const override {
    return {c.needed(0) ? zeros_like(c.input(0)) : Tensor(), c.needed(1) ? zeros_like(c.input(1)) : Tensor(),
            c.needed(2) ? apply1(make_op<MaxPoolSelect>(attributes), {c.input(0), c.input(1), c.grad()}) : Tensor()};
  }
};

Tensors MaxPoolSelect::grad(const GradContext& c) const {
  return {c.needed(0) ? zeros_like(c.input(0)) : Tensor(), c.needed(1) ? zeros_like(c.input(1)) : Tensor(),
          c.needed(2) ? apply1(make_op<MaxPoolGrad>(attributes), {c.input(0), c.input(1), c.grad()}) : Tensor()};
}

struct MaxPool final : PoolOp<MaxPool> {
  using PoolOp::PoolOp;
  std::string_view name() const override { return "max_pool"; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype == DType::boolean)
      throw DTypeError("max_pool: input is bool. Use a floating or integer type: cast(x, float32).");
    return {pooled(attributes, "max_pool", in[0])};
  }
  void run(RunContext& c) const override {
    kernels::max_pool(c.in[0].dtype(), geometry(attributes, c.in_shape(0), c.out_shape()), c.src<void>(0),
                      c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_pool(
        geometry(attributes, c.in[0].shape, c.out[0].shape), c.in_stride(0), c.out_stride(0),
        [dtype = c.in[0].dtype](const auto& p, const auto& m) { kernels::max_pool(dtype, p, m.in[0], m.out[0]); });
  }
  bool reads_slice(const PrepareContext&, std::size_t) const override { return true; }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<MaxPoolGrad>(attributes), {c.input(0), c.output(), c.grad()})};
  }
};

struct AvgPool final : PoolOp<AvgPool> {
  using PoolOp::PoolOp;
  std::string_view name() const override { return "avg_pool"; }
  Specs infer(const Specs& in) const override {
    if (!is_floating(in[0].dtype))
      throw DTypeError("avg_pool: input is " + to_string(in[0].dtype) +
                       ". Averages are for floating types: use cast(x, float32).");
    return {pooled(attributes, "avg_pool", in[0])};
  }
  void run(RunContext& c) const override {
    kernels::avg_pool(c.in[0].dtype(), geometry(attributes, c.in_shape(0), c.out_shape()), c.src<void>(0),
                      c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_pool(
        geometry(attributes, c.in[0].shape, c.out[0].shape), c.in_stride(0), c.out_stride(0),
        [dtype = c.in[0].dtype](const auto& p, const auto& m) { kernels::avg_pool(dtype, p, m.in[0], m.out[0]); });
  }
  bool reads_slice(const PrepareContext&, std::size_t) const override { return true; }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
  Tensors grad(const GradContext& c) const override;
};

// AvgPoolGrad(dy, x): x is there for its shape alone.
struct AvgPoolGrad final : PoolOp<AvgPoolGrad> {
  using PoolOp::PoolOp;
  std::string_view name() const override { return "avg_pool_grad"; }
  Specs infer(const Specs& in) const override { return {{in[1].shape, in[0].dtype}}; }
  void run(RunContext& c) const override {
    kernels::avg_pool_backward(c.in[0].dtype(), geometry(attributes, c.out_shape(), c.in_shape(0)), c.src<void>(0),
                               c.dst<void>());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_pool(geometry(attributes, c.out[0].shape, c.in[0].shape), c.out_stride(0), c.in_stride(0),
                         [dtype = c.in[0].dtype](const auto& p, const auto& m) {
                           kernels::avg_pool_backward(dtype, p, m.in[0], m.out[0]);
                         });
  }
  bool reads_slice(const PrepareContext&, std::size_t) const override { return true; }
  bool writes_slice(const PrepareContext&, std::size_t) const override { return true; }
  Tensors grad(const GradContext& c) const override {
    return {apply1(make_op<AvgPool>(attributes), {c.grad()}), Tensor()};
  }
};

Tensors AvgPool::grad(const GradContext& c) const {
  return {apply1(make_op<AvgPoolGrad>(attributes), {c.grad(), c.input(0)})};
}

template <class T>
Tensor pool(const char* op, std::size_t rank, const Tensor& x, const Ints& window, const PoolOptions& options) {
  check_defined(op, {&x, 1});
  if (rank != 0 && x.shape().size() != rank)
    throw ShapeError(std::string(op) + ": input has shape " + to_string(x.shape()) + ". Expected " +
                     std::to_string(rank) + " dimensions: the batch, " + std::to_string(rank - 2) +
                     " spatial, and the channels.");
  return apply1(make_op<T>(Attributes{window, options.strides, options.padding}), {x});
}

}  // namespace

namespace nn {

Tensor max_pool1d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<MaxPool>("max_pool1d", 3, x, window, options);
}
Tensor max_pool2d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<MaxPool>("max_pool2d", 4, x, window, options);
}
Tensor max_pool3d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<MaxPool>("max_pool3d", 5, x, window, options);
}
Tensor avg_pool1d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<AvgPool>("avg_pool1d", 3, x, window, options);
}
Tensor avg_pool2d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<AvgPool>("avg_pool2d", 4, x, window, options);
}
Tensor avg_pool3d(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<AvgPool>("avg_pool3d", 5, x, window, options);
}
Tensor max_pool(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<MaxPool>("max_pool", 0, x, window, options);
}
Tensor avg_pool(const Tensor& x, const PerDimension& window, const PoolOptions& options) {
  return pool<AvgPool>("avg_pool", 0, x, window, options);
}

}  // namespace nn

void register_pool(Registry& r) {
  r.add<MaxPool>();
  r.add<MaxPoolGrad>();
  r.add<MaxPoolSelect>();
  r.add<AvgPool>();
  r.add<AvgPoolGrad>();
}

}  // namespace strata
