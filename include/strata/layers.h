/// \file
/// All layers.
#pragma once

#include "strata/layers/activation.h"
#include "strata/layers/convolution.h"
#include "strata/layers/core.h"
#include "strata/layers/merging.h"
#include "strata/layers/normalization.h"
#include "strata/layers/pooling.h"
#include "strata/layers/regularization.h"
#include "strata/layers/reshaping.h"
