/// \file
/// How kernels of convolutions are chosen. Several implementations compute the same convolution; which one is fastest
/// depends on shapes and machine. Choices differ in rounding only, but a run repeats another bit for bit only where
/// both made the same ones.
#pragma once

#include <string>
#include <string_view>

#include "strata/export.h"

namespace strata::kernels {

/// "timed" (the default): where the fastest implementation is not known beforehand, candidates are timed once, at the
/// first use; the result is remembered in the process and in a file (`STRATA_KERNEL_CACHE` names it, empty for none;
/// else `$XDG_CACHE_HOME/strata/kernels.txt` or `~/.cache/strata/kernels.txt`). "fixed": by rules alone, so that every
/// run on this kind of machine makes the same choices. Throws ValueError for another word.
STRATA_API void set_choice(std::string_view how);
STRATA_API std::string choice();

/// Winograd's method F(4x4, 3x3) computes 3x3 convolutions with a quarter of the multiplications, at a relative L2
/// error of about 2e-6 instead of 3e-7 in float32 (on bfloat16 data the rounding of the data hides it). `false` forbids
/// it; allowed by default.
STRATA_API void allow_winograd(bool allowed);
STRATA_API bool winograd_allowed();

/// The choices made so far, a line each: "<operation, shape, type, threads, machine> = <implementation>".
STRATA_API std::string export_choices();
/// Takes over the lines of export_choices(), in front of choices made here and of the file. Throws ValueError for text
/// that holds anything else.
STRATA_API void import_choices(std::string_view text);

}  // namespace strata::kernels
