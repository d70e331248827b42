#include "core/fields.h"
#include "graph/prepare.h"
#include "kernels/cast.h"
#include "ops/array_util.h"
#include "strata/array.h"

namespace strata {
namespace {

struct Cast final : OpBase<Cast>, Preparable {
  Cast() = default;
  explicit Cast(DType dtype) : dtype(dtype) {}
  DType dtype = DType::float32;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("dtype", s.dtype);
  }
  std::string_view name() const override { return "cast"; }
  Specs infer(const Specs& in) const override { return {{in[0].shape, dtype}}; }
  void run(RunContext& c) const override {
    kernels::cast(c.in[0].dtype(), array::raw_in(c), dtype, array::raw_out(c), c.in[0].size());
  }
  std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const override {
    return prepared_call([from = c.in[0].dtype, to = dtype, size = c.in[0].shape.num_elements()](const StepMemory& m) {
      kernels::cast(from, m.in[0], to, m.out[0], size);
    });
  }
  bool is_elementwise() const override { return true; }
  bool is_differentiable() const override { return is_floating(dtype); }
  Tensors grad(const GradContext& c) const override {
    const DType source = c.input(0).dtype();
    return {is_floating(source) ? cast(c.grad(), source) : Tensor()};
  }
};

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  check_defined("cast", {&x, 1});
  if (x.dtype() == dtype) return detail::data_of(x).weak ? detail::view(x, x.shape()) : x;
  Tensor out = apply1(make_op<Cast>(dtype), {x});
  if (is_integer(dtype)) {  // sizes of a tensor stay what they are
    out.impl()->sizes_of = x.impl()->sizes_of;
    out.impl()->size_axis = x.impl()->size_axis;
  }
  return out;
}

void array::register_cast(Registry& r) { r.add<Cast>(); }

}  // namespace strata
