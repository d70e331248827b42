// x[...] between layers: GetItem of Keras 3, SlicingOpLambda of Keras 2.
#pragma once

#include "serialization/op_rows.h"
#include "serialization/serialize.h"

namespace strata {

// The part that a call's key takes: an integer, a slice, None, Ellipsis, or a list of these.
Tensor read_slice(const Tensor& x, const OpCall& call);
// The key of a strided_slice of strata with this configuration.
Config::Value::List slice_key(const Config& config, KerasStyle style);

}  // namespace strata
