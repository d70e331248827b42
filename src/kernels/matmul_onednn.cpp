#include <omp.h>

#include <string>

#include "core/tensor_data.h"
#include "kernels/matmul.h"
#include "kernels/onednn.h"
#include "kernels/plan_cache.h"

namespace strata::kernels {
namespace {

using dnnl::memory;

struct MatmulPrimitive {
  dnnl::matmul primitive;
  memory::desc a, b, dst, scratchpad;
  bool exists = false;
};

std::shared_ptr<const MatmulPrimitive> make(memory::data_type type, const MatmulSize& s) {
  auto made = std::make_shared<MatmulPrimitive>();
  try {
    using Dims = memory::dims;
    made->a = {{s.m, s.k}, type, s.transpose_a ? Dims{1, s.m} : Dims{s.k, 1}};
    made->b = {{s.k, s.n}, type, s.transpose_b ? Dims{1, s.k} : Dims{s.n, 1}};
    made->dst = {{s.m, s.n}, type, Dims{s.n, 1}};
    dnnl::primitive_attr own;
    own.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::matmul::primitive_desc desc({made->a, made->b, made->dst}, own, onednn::engine());
    made->scratchpad = desc.scratchpad_desc();
    made->primitive = dnnl::matmul(desc);
    made->exists = std::string(desc.impl_info_str()).find("ref") == std::string::npos;
  } catch (const dnnl::error&) {
    // No kernel for this type on this machine.
  }
  return made;
}

}  // namespace

bool matmul_onednn(DType dtype, const MatmulSize& s, const void* a, const void* b, void* dst) {
  static PlanCache<MatmulPrimitive>& cache = *new PlanCache<MatmulPrimitive>(1024);  // never destroyed, as the engine
  std::string key;
  append_key(key, dtype, s.m, s.n, s.k, s.transpose_a, s.transpose_b, omp_get_max_threads());
  const auto made = cache.get(key, [&] { return make(onednn::data_type(dtype), s); });
  if (!made->exists) return false;
  const detail::Buffer scratch(made->scratchpad.get_size() + 1);
  const dnnl::engine& engine = onednn::engine();
  made->primitive.execute(onednn::stream(), {{DNNL_ARG_SRC, memory(made->a, engine, const_cast<void*>(a))},
                                             {DNNL_ARG_WEIGHTS, memory(made->b, engine, const_cast<void*>(b))},
                                             {DNNL_ARG_DST, memory(made->dst, engine, dst)},
                                             {DNNL_ARG_SCRATCHPAD, memory(made->scratchpad, engine, scratch.data())}});
  onednn::stream().wait();
  return true;
}

}  // namespace strata::kernels
