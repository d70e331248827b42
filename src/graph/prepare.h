// PreparedOp: an op made ready for known shapes. All that depends on shapes alone (checks, choices of kernels, sizes of
// scratch memory) is done once; a step then is one call with addresses.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "graph/op.h"

namespace strata {

class PackedMemory;

// All shapes are known. `constants` holds, by input, what is the same in every run; undefined where an input changes.
struct PrepareContext {
  std::span<const Spec> in, out;
  // Elements from one row (a place in all dimensions but the last) to the next, where an array is a slice of wider
  // rows; 0 where it is dense. Empty: all are dense.
  std::span<const std::int64_t> in_strides = {}, out_strides = {};

  std::int64_t in_stride(std::size_t i) const { return i < in_strides.size() ? in_strides[i] : 0; }
  std::int64_t out_stride(std::size_t i) const { return i < out_strides.size() ? out_strides[i] : 0; }
  std::span<const Tensor> constants = {};
  PackedMemory* memory = nullptr;  // of the program, for what ops keep; there where there are constants

  Tensor constant(std::size_t input) const { return input < constants.size() ? constants[input] : Tensor(); }
};

// The addresses of one call; `scratch` is 64-byte aligned and of the size that scratch_bytes() names.
struct StepMemory {
  const void* const* in;
  void* const* out;
  void* scratch;
};

// Immutable: threads run it at the same time, each with memory of its own.
class STRATA_API PreparedOp {
 public:
  PreparedOp() = default;
  virtual ~PreparedOp();
  PreparedOp(const PreparedOp&) = delete;
  PreparedOp& operator=(const PreparedOp&) = delete;

  virtual void run(const StepMemory& memory) const = 0;
  virtual std::size_t scratch_bytes() const { return 0; }
  // For profiles: the kernel ("onednn brgconv:avx512_core"), and the floating point operations of a run.
  virtual std::string kernel() const { return {}; }
  virtual double flops() const { return 0; }
  // Arrays that a run brings into another layout or type.
  virtual int reorders() const { return 0; }
};

// A step that is one call of f(memory).
template <class F>
class PreparedCall final : public PreparedOp {
 public:
  explicit PreparedCall(F f) : f_(std::move(f)) {}
  void run(const StepMemory& memory) const override { f_(memory); }

 private:
  F f_;
};
template <class F>
std::unique_ptr<PreparedOp> prepared_call(F f) {
  return std::make_unique<PreparedCall<F>>(std::move(f));
}

// Implemented by ops of which plans can make more than a call of run().
class STRATA_API Preparable {
 public:
  virtual ~Preparable();
  // What run() would do, made ready for known shapes; null: the plan calls run().
  virtual std::unique_ptr<PreparedOp> prepare(const PrepareContext& c) const;
  // Output 0 may be written over this input where both have the same size: element i is read before it is written.
  virtual bool runs_in_place(std::size_t input) const;
  // The one output has the shape of its largest input, and an element of it depends on the elements at its place alone:
  // what is prepared for a part of the rows computes that part, by one thread, and without scratch memory.
  virtual bool is_elementwise() const;
  // Whether prepare() takes this input, or makes this output, as a slice of wider rows, whatever the others are.
  virtual bool reads_slice(const PrepareContext& c, std::size_t input) const;
  virtual bool writes_slice(const PrepareContext& c, std::size_t output) const;
};

}  // namespace strata
