#include "strata/input.h"

#include "core/tensor_data.h"
#include "graph/symbolic.h"
#include "models/layer_state.h"
#include "strata/call.h"

namespace strata {

template class Custom<layers::InputLayer, Layer>;

namespace {

Tensor input_of_batch(const Shape& shape, const std::string& name, const std::string& dtype) {
  for (std::size_t i = 1; i < shape.size(); ++i)
    if (shape[i] != None && shape[i] < 0)
      throw ShapeError("Input: dimension " + std::to_string(shape[i]) + " of shape " + to_string(shape.sub(1)) +
                       " is negative. Use None for a dimension that is not known.");
  const DType type = dtype.empty() ? DType::float32 : dtype_from_string(dtype);
  return outputs_of(new_symbolic_node(name.empty() ? unique_name("input", true) : name, {}, {{shape, type}}))[0];
}

}  // namespace

Tensor Input(const Shape& shape, const InputOptions& options) {
  Shape full = shape;
  full.insert(0, options.batch_size ? *options.batch_size : None);
  return input_of_batch(full, options.name, options.dtype);
}

namespace layers {

void InputLayer::set_input(const Tensor& input) {
  if (!detail::is_recorded(input))
    throw ValueError("InputLayer: of() takes the symbolic tensor of Input(), not an ordinary one.");
  input_ = input;
  set_name(input.impl()->node->name);
  state()->built = true;
  state()->input_shapes = {input.shape()};
  state()->output_specs = {{input.shape(), input.dtype()}};
  state()->recorded = {input.impl()->node};
}

InputLayer::InputLayer(const Shape& shape, const InputOptions& options) { set_input(Input(shape, options)); }

InputLayer InputLayer::of(const Tensor& input) {
  InputLayer layer;
  layer.set_input(input);
  return layer;
}

Tensor InputLayer::call(const Tensor& x) const { return x; }

Config InputLayer::get_config() const {
  return {{"batch_shape", input_.shape()}, {"dtype", to_string(input_.dtype())}, {"sparse", false}, {"ragged", false}};
}

InputLayer InputLayer::from_config(const Config& config) {
  return of(input_of_batch(config.get<Shape>("batch_shape"), config.get<std::string>("name", ""),
                           config.get<std::string>("dtype", "float32")));
}

}  // namespace layers

}  // namespace strata
