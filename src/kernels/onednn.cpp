#include "kernels/onednn.h"

#include "kernels/onednn_conv.h"
#include "strata/error.h"

namespace strata::kernels::onednn {

const dnnl::engine& engine() {
  // Never destroyed: primitives in static variables outlive it otherwise.
  static const dnnl::engine& only = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return only;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

dnnl::memory::data_type data_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return dnnl::memory::data_type::f32;
    case DType::bfloat16:
      return dnnl::memory::data_type::bf16;
    case DType::float16:
      return dnnl::memory::data_type::f16;
    default:
      throw Error("internal error: oneDNN has no element type " + to_string(dtype));
  }
}

ConvDims::ConvDims(const Convolution& c) : src{c.batch, c.in_channels}, dst{c.batch, c.out_channels} {
  using Tag = dnnl::memory::format_tag;
  const bool flat = c.is_flat(), groups = c.groups > 1;
  if (groups)
    weights = {c.groups, c.out_channels / c.groups, c.in_channels / c.groups};
  else
    weights = {c.out_channels, c.in_channels};
  for (std::size_t i = flat ? 1 : 0; i < 3; ++i) {
    const std::int64_t reach = (c.out[i] - 1) * c.stride[i] + (c.kernel[i] - 1) * c.dilation[i] + 1;
    src.push_back(c.in[i]);
    dst.push_back(c.out[i]);
    weights.push_back(c.kernel[i]);
    stride.push_back(c.stride[i]);
    dilation.push_back(c.dilation[i] - 1);
    pad_before.push_back(c.pad[i]);
    pad_behind.push_back(reach - c.in[i] - c.pad[i]);
  }
  activations_tag = flat ? Tag::nhwc : Tag::ndhwc;
  weights_tag = groups ? (flat ? Tag::hwigo : Tag::dhwigo) : (flat ? Tag::hwio : Tag::dhwio);
}

}  // namespace strata::kernels::onednn
