// The state that all handles of a layer share.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/op.h"
#include "graph/variable.h"
#include "strata/layer.h"

namespace strata {

struct SymbolicNode;  // graph/symbolic.h
struct ModelState;    // models/model_state.h: what compile() and fit() keep

struct LayerState : std::enable_shared_from_this<LayerState> {
  struct Child {
    std::string name;
    Layer layer;
  };

  std::string class_name = "Layer";
  std::string name;  // empty until given, tracked or made
  bool is_name_given = false;
  std::string policy;                // the global one at its construction, unless it was given another
  std::weak_ptr<LayerState> parent;  // the first layer that tracks it

  std::vector<Variable> weights;  // in the order of declaration
  std::vector<Child> children;
  std::shared_ptr<bool> trainable;  // shared with the handles' flag

  std::recursive_mutex mutex;  // around the first call
  bool built = false;
  std::vector<Shape> input_shapes;  // of the first call, None for the batch
  std::vector<DType> input_dtypes;  // as they were given, before the cast to the compute dtype
  Specs output_specs;               // of the last symbolic run
  Regularizer activity_regularizer;
  Tensors call_losses;  // of the last call from outside
  std::vector<std::weak_ptr<const SymbolicNode>> recorded;  // calls on symbolic tensors; models keep them alive

  std::shared_ptr<ModelState> model;

  // "Conv2D 'block/conv'" for messages.
  std::string describe();
  STRATA_API const std::string& ensure_name();
  STRATA_API std::string path();
  bool tracks(const LayerState* other) const;
};

// `base`, or `base_1`, `base_2`, ... where it was given before in this process.
STRATA_API std::string unique_name(const std::string& base, bool first_has_number = false);

// Whether a layer of the current call stack is frozen (trainable = false).
STRATA_API bool call_is_frozen();
// While it lives, calls record the shapes of what they return: for summary() and shape inference.
class STRATA_API ShapeInferenceScope {
 public:
  ShapeInferenceScope();
  ~ShapeInferenceScope();
  ShapeInferenceScope(const ShapeInferenceScope&) = delete;
  ShapeInferenceScope& operator=(const ShapeInferenceScope&) = delete;

 private:
  bool outer_;
};
// Inside of one: a call's results matter for their shapes alone.
STRATA_API bool shapes_are_inferred();
// Runs the layer on symbolic tensors of these shapes, which builds it; the shapes and dtypes of the results.
STRATA_API Specs infer_outputs(const Layer& layer, const CallArguments& arguments);
STRATA_API Specs infer_outputs(const Layer& layer, const std::vector<Shape>& input_shapes);

}  // namespace strata
