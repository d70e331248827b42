#include "kernels/onednn.h"

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

}  // namespace strata::kernels::onednn
