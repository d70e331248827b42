#include "strata/input.h"

#include "core/tensor_data.h"
#include "graph/symbolic.h"
#include "models/layer_state.h"
#include "serialization/serialize.h"
#include "strata/call.h"

namespace strata {

template class Custom<layers::InputLayer, Layer>;

Tensor Input(const Shape& shape, const InputOptions& options) {
  Shape full = shape;
  full.insert(0, options.batch_size ? *options.batch_size : None);
  for (std::size_t i = 1; i < full.size(); ++i)
    if (full[i] != None && full[i] < 0)
      throw ShapeError("Input: dimension " + std::to_string(full[i]) + " of shape " + to_string(shape) +
                       " is negative. Use None for a dimension that is not known.");
  const DType dtype = options.dtype.empty() ? DType::float32 : dtype_from_string(options.dtype);
  auto node = new_symbolic_node(options.name.empty() ? unique_name("input", true) : options.name, {}, {{full, dtype}});
  return outputs_of(node)[0];
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
  const Tensor input = input_from_config(config);
  if (!input.defined()) throw ValueError("InputLayer: the configuration has no batch_shape.");
  return of(input);
}

}  // namespace layers

}  // namespace strata
