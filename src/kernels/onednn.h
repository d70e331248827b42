// What the files that call oneDNN share. Only files of src/kernels include this header.
#pragma once

#include <dnnl.hpp>

#include "strata/dtype.h"

namespace strata::kernels::onednn {

const dnnl::engine& engine();
// One for each thread: a stream must not be used by two threads at a time.
dnnl::stream& stream();

// float32, bfloat16 and float16; throws Error for the others.
dnnl::memory::data_type data_type(DType dtype);

}  // namespace strata::kernels::onednn
