/// \file
/// Masks: which steps of a sequence count. Layers find the mask of their input on it, as Keras does.
#pragma once

#include "strata/tensor.h"

namespace strata {

/// The mask that a layer (Masking, Embedding with mask_zero, ...) or set_mask() put on a tensor: (batch, steps) of
/// bool, false for a step that recurrent and attention layers, losses and averages leave out. Undefined where there is
/// none. Layers that work step by step (Dense, Dropout, activations, normalization, LSTM with return_sequences, ...)
/// pass it on to their result; other operations drop it. A mask is seen by the thread that set it.
STRATA_API Tensor mask_of(const Tensor& x);

/// Puts a mask on `x` itself. Throws ValueError for a tensor of Input(), whose calls run later on other tensors.
STRATA_API void set_mask(const Tensor& x, const Tensor& mask);

}  // namespace strata
