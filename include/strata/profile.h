/// \file
/// Profiles of compiled functions and frozen models: where the time of a call goes.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "strata/export.h"

namespace strata {

/// One step of a program, or all steps of one layer together.
struct ProfileRow {
  std::string op, layer;    ///< "fused_conv", "model/block/conv"; empty where there is none
  std::string kernel;       ///< "winograd 4x4", "onednn brgconv:avx512_core"; empty for ops without a choice of kernels
  double start = 0;         ///< ms after the begin of the call, in the mean
  double milliseconds = 0;  ///< of a call, in the mean over the measured ones
  double share = 0;         ///< of the time of all steps, 0 to 1
  double gflops = 0;        ///< GFLOP/s by the direct method; 0 where the operations are not counted
  /// Of what products of large matrices reach on this machine in the type of the step. Winograd's method, which
  /// multiplies less, may be above 1.
  double peak_share = 0;
  int reorders = 0;  ///< arrays that the step brings into another layout or type for its kernel
  int steps = 1;     ///< how many are added up
};

/// Printing gives the table by steps.
struct STRATA_API Profile {
  std::string name;
  std::string shapes;  ///< of the inputs: "(64, 32, 32, 3)"
  int calls = 0;       ///< that were measured
  int threads = 1;
  double milliseconds = 0;  ///< of a call: all steps
  std::vector<ProfileRow> rows;

  /// A row for each layer, the costliest first.
  std::vector<ProfileRow> by_layer() const;
  std::string to_string() const;
  std::string layers_to_string() const;
  /// Writes the mean call in Chrome's trace format, which chrome://tracing and Perfetto show. Throws FileError.
  void save_trace(const std::string& path) const;
};

STRATA_API std::ostream& operator<<(std::ostream& out, const Profile& profile);

}  // namespace strata
