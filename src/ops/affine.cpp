// Pictures through affine and projective transformations.
#include "graph/op.h"
#include "graph/registry.h"
#include "kernels/projective.h"
#include "ops/nn_families.h"
#include "strata/image_ops.h"

namespace strata {
namespace {

const std::pair<const char*, kernels::FillMode> kFillModes[] = {{"constant", kernels::FillMode::constant},
                                                                {"reflect", kernels::FillMode::reflect},
                                                                {"wrap", kernels::FillMode::wrap},
                                                                {"nearest", kernels::FillMode::nearest}};

kernels::FillMode fill_mode_of(const std::string& name) {
  for (const auto& [known, mode] : kFillModes)
    if (name == known) return mode;
  throw ValueError("affine_transform: fill_mode is \"" + name +
                   "\". Use \"constant\", \"reflect\", \"wrap\" or \"nearest\".");
}

// AffineTransform(images, transforms).
struct AffineTransform final : OpBase<AffineTransform> {
  AffineTransform() = default;
  explicit AffineTransform(const image::AffineTransformOptions& o)
      : interpolation(o.interpolation), fill_mode(o.fill_mode), fill_value(o.fill_value) {}
  std::string interpolation = "bilinear", fill_mode = "constant";
  double fill_value = 0;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("interpolation", s.interpolation);
    v("fill_mode", s.fill_mode);
    v("fill_value", s.fill_value);
  }
  std::string_view name() const override { return "affine_transform"; }
  Specs infer(const Specs& in) const override {
    const Shape &x = in[0].shape, &t = in[1].shape;
    if (x.size() != 4 || t.size() != 2 || (t[1] != None && t[1] != 8) || (x[0] != None && t[0] != None && x[0] != t[0]))
      throw ShapeError("affine_transform: inputs have shapes " + describe(in) +
                       ". Expected (batch, height, width, channels) and (batch, 8).");
    if (in[0].dtype != DType::float32 || in[1].dtype != DType::float32)
      throw DTypeError("affine_transform: inputs are " + describe(in) + ". Expected float32: cast(x, float32).");
    return {in[0]};
  }
  void run(RunContext& c) const override {
    const Shape& s = c.in_shape(0);
    kernels::projective_transform(
        {s[0], s[1], s[2], s[3], interpolation == "bilinear", fill_mode_of(fill_mode), static_cast<float>(fill_value)},
        c.src<float>(0), c.src<float>(1), c.dst<float>());
  }
};

}  // namespace

Tensor image::affine_transform(const Tensor& images, const Tensor& transforms, const AffineTransformOptions& options) {
  fill_mode_of(options.fill_mode);
  if (options.interpolation != "bilinear" && options.interpolation != "nearest")
    throw ValueError("affine_transform: interpolation is \"" + options.interpolation +
                     "\". Use \"bilinear\" or \"nearest\".");
  return apply1(make_op<AffineTransform>(options), {images, transforms});
}

void register_affine(Registry& r) { r.add<AffineTransform>(); }

}  // namespace strata
