// Reductions over any set of dimensions.
#pragma once

#include "strata/dtype.h"
#include "strata/shape.h"

namespace strata::kernels {

enum class Reduction { sum, mean, prod, max, min, any, all };

// dst from src, whose dimensions i with axes[i] = 1 are reduced (axes is as long as the shape, of 0 and 1).
//
// Sums, means and products are accumulated in double (integers in 64 bits) and rounded once; rows are cut into blocks
// of a fixed size, so results do not depend on the number of threads. NaN wins in max and min. Over no elements: 0,
// NaN, 1, the lowest, the highest, false, true. any and all are of bool alone; the others are of numbers.
void reduce(Reduction reduction, DType dtype, const void* src, const Shape& shape, const Shape& axes, void* dst);

// The position of the first largest (or smallest) element along the middle one of three dimensions. NaN is passed over,
// as in TensorFlow.
void arg_extreme(bool largest, DType dtype, const void* src, std::int64_t outer, std::int64_t n, std::int64_t inner,
                 std::int64_t* dst);

}  // namespace strata::kernels
