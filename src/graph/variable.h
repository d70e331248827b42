// The state that handles of a variable share.
#pragma once

#include <memory>
#include <string>

#include "core/tensor_data.h"
#include "graph/op.h"
#include "strata/variable.h"

namespace strata::detail {

struct LossScale;  // graph/loss_scale.h

struct VariableState {
  std::string name = "variable";
  std::weak_ptr<LayerState> owner;
  bool trainable = true;
  bool created = false;
  DType dtype = DType::float32;
  Shape shape;
  Tensor value;  // eager
  Regularizer regularizer;
  Constraint constraint;
  std::shared_ptr<LossScale> loss_scale;  // where it is trained in float16
  bool is_unscaled = false;               // its gradient comes from a scaled loss, divided again by the tape
};

// "model/block/conv", or empty where no layer owns it. Defined with the layers.
STRATA_API std::string layer_path_of(const std::weak_ptr<LayerState>& layer);

// The value, in a buffer that nobody else sees: copied first where a tensor still shares it. For in-place updates.
STRATA_API Tensor& exclusive_value(VariableState& state);

// While it lives, floating variables of wider type read as `dtype`: the compute dtype of the layer that is called.
class STRATA_API AutocastScope {
 public:
  explicit AutocastScope(std::optional<DType> dtype);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  std::optional<DType> outer_;
};
std::optional<DType> current_autocast();

// Puts another value in the place of a variable's where a layer reads it.
class STRATA_API VariableReader {
 public:
  virtual ~VariableReader();
  // Before the cast to the compute dtype.
  virtual Tensor value_of(const VariableState& variable, const Tensor& value) = 0;
};
// While it lives, values of this thread's variables go through the reader.
class STRATA_API VariableReaderScope {
 public:
  explicit VariableReaderScope(VariableReader& reader);
  ~VariableReaderScope();
  VariableReaderScope(const VariableReaderScope&) = delete;
  VariableReaderScope& operator=(const VariableReaderScope&) = delete;

 private:
  VariableReader* outer_;
};

}  // namespace strata::detail
