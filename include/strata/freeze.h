/// \file
/// Frozen models: what `model.freeze(shape)` makes, for serving. The weights are those of that moment.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/layer.h"
#include "strata/profile.h"

namespace strata {

struct FreezeOptions {
  /// The type to compute in: bfloat16 (or float16) for a float32 model, which keeps float32 inputs and results. By
  /// default each layer's own.
  std::optional<DType> dtype = {};
  /// One for each input; by default those of Input(), or of the first call.
  std::vector<DType> input_dtypes = {};
  int threads = 0;                        ///< of a call; 0: utils::get_num_threads() as it is now
  std::vector<std::string> disable = {};  ///< passes that are not run, by name ("all" for every one)
};

struct RunOptions {
  int threads = 0;  ///< 0: as freeze() was told. The first call with another number prepares its kernels.
};

namespace detail {
class FrozenProgram;
}

/// A program for inputs of fixed shapes: batch normalization is folded into convolutions and dense layers, bias and
/// activation are part of them, and weights are laid out for the kernels. Copies share it. It never changes, so any
/// number of threads may call it at the same time, each with memory of its own, which is kept: after a thread's first
/// call strata allocates nothing in the calls on spans.
///
///     auto f = model.freeze({1, 32, 32, 3});
///     std::vector<float> in(f.input_size()), out(f.output_size());
///     f(in, out);
class STRATA_API FrozenModel {
 public:
  explicit FrozenModel(std::shared_ptr<const detail::FrozenProgram> program) : program_(std::move(program)) {}

  /// Of the only input and output. Throws ShapeError where the sizes are not input_size() and output_size(), DTypeError
  /// where one of them is not float32. `in` and `out` must not overlap.
  void operator()(std::span<const float> in, std::span<float> out, const RunOptions& options = {}) const;
  /// New tensors. Throws ShapeError or DTypeError where x is not what freeze() was told.
  Outputs operator()(const Inputs& x, const RunOptions& options = {}) const;
  /// Any number of inputs and outputs of any type, as dense arrays of the shapes and types below; sizes are not known
  /// here and so not checked.
  void run(std::span<const void* const> inputs, std::span<void* const> outputs, const RunOptions& options = {}) const;

  std::size_t num_inputs() const;
  std::size_t num_outputs() const;
  const Shape& input_shape(std::size_t i = 0) const;
  const Shape& output_shape(std::size_t i = 0) const;
  DType input_dtype(std::size_t i = 0) const;
  DType output_dtype(std::size_t i = 0) const;
  /// Elements.
  std::size_t input_size(std::size_t i = 0) const;
  std::size_t output_size(std::size_t i = 0) const;
  /// The passes that ran, the program, and the kernels it calls, as text.
  std::string explain() const;
  /// Where the time of a call goes: the first few calls, and of later ones every 16th, are measured. Throws ValueError
  /// where it was not called yet.
  Profile profile() const;

 private:
  std::shared_ptr<const detail::FrozenProgram> program_;
};

}  // namespace strata
