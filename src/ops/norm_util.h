// What normalizations share, written with public ops so that it works on symbolic shapes.
#pragma once

#include "graph/op.h"
#include "graph/registry.h"
#include "strata/reduce.h"

namespace strata::norms {

// All axes but the last.
Axes leading_axes(const Tensor& x);
// The number of rows before the last axis, as a scalar of the type in which statistics of x are kept.
Tensor row_count(const Tensor& x);
// The vector v over the last axis, repeated to the shape of x.
Tensor spread_over(const Tensor& v, const Tensor& x);

// Throws unless every tensor from `first` on is a vector over the last axis of x, of the type of its statistics.
void check_vectors(const char* op, const Spec& x, const Specs& in, std::size_t first);
// x as rows of channels.
std::int64_t channels_of(const Shape& x);
std::int64_t rows_of(const Shape& x);

void register_batch_norm(Registry& r);  // the training form

}  // namespace strata::norms
