// The families of neural network ops that register_activation adds.
#pragma once

#include "graph/registry.h"

namespace strata {

void register_softmax(Registry& r);
void register_cross_entropy(Registry& r);
void register_dropout(Registry& r);
void register_resize(Registry& r);
void register_recurrent(Registry& r);
void register_affine(Registry& r);
void register_fused(Registry& r);
void register_fake_quant(Registry& r);
void register_bytes(Registry& r);

}  // namespace strata
