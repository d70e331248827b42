#include "strata/layers/recurrent_cells.h"

#include "layers/layer_config.h"
#include "layers/recurrent_loop.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
template class Custom<layers::SimpleRNNCell, Layer>;
template class Custom<layers::GRUCell, Layer>;
template class Custom<layers::LSTMCell, Layer>;
template class Custom<layers::StackedRNNCells, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto weight_fields = [](auto& o, auto&& v) {
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("recurrent_initializer", o.recurrent_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("recurrent_regularizer", o.recurrent_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("recurrent_constraint", o.recurrent_constraint);
  v("bias_constraint", o.bias_constraint);
  v("dropout", o.dropout);
  v("recurrent_dropout", o.recurrent_dropout);
  v("seed", o.seed);
};
const auto simple_fields = [](auto& o, auto&& v) {
  v("activation", o.activation);
  weight_fields(o, v);
};
const auto gru_fields = [](auto& o, auto&& v) {
  v("activation", o.activation);
  v("recurrent_activation", o.recurrent_activation);
  weight_fields(o, v);
  v("reset_after", o.reset_after);
};
const auto lstm_fields = [](auto& o, auto&& v) {
  v("activation", o.activation);
  v("recurrent_activation", o.recurrent_activation);
  v("unit_forget_bias", o.unit_forget_bias);
  weight_fields(o, v);
};

void check_units(const char* cell, std::int64_t units) {
  if (units <= 0)
    throw ValueError(std::string(cell) + ": units is " + std::to_string(units) + "; it must be positive.");
}

template <class Options>
void create_kernels(const Layer& cell, const Variable& kernel, const Variable& recurrent, const Shape& input,
                    std::int64_t units, std::int64_t gates, const Options& o) {
  kernel.create(
      {last_axis(cell, input), gates * units},
      {.initializer = o.kernel_initializer, .regularizer = o.kernel_regularizer, .constraint = o.kernel_constraint});
  recurrent.create({units, gates * units}, {.initializer = o.recurrent_initializer,
                                            .regularizer = o.recurrent_regularizer,
                                            .constraint = o.recurrent_constraint});
}

template <class Options>
WeightOptions bias_options(const Options& o) {
  return {.initializer = o.bias_initializer, .regularizer = o.bias_regularizer, .constraint = o.bias_constraint};
}

// The products x @ kernel of a step, gate by gate; each gate drops inputs of its own where states are dropped, too.
template <class Options>
Tensors products(const Layer& cell, const Tensor& x, const Tensor& kernel, int gates, const std::string& kind,
                 double rate, const Options& o, bool training) {
  if (!training || rate <= 0 || rate >= 1) return split(matmul(x, kernel), gates, -1);
  const bool apart = o.recurrent_dropout != 0;
  const Tensors masks = dropout_masks(cell, kind, x, rate, apart ? gates : 1, o.seed);
  if (!apart) return split(matmul(x * masks[0], kernel), gates, -1);
  const Tensors kernels = split(kernel, gates, 1);
  Tensors out;
  for (std::size_t i = 0; i < kernels.size(); ++i) out.push_back(matmul(x * masks[i], kernels[i]));
  return out;
}

Tensors sums(const Tensors& a, const Tensors& b) {
  Tensors out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(a[i] + b[i]);
  return out;
}

}  // namespace

RecurrentCell::~RecurrentCell() = default;

SimpleRNNCell::SimpleRNNCell(std::int64_t units, const SimpleRNNCellOptions& options)
    : units_(units), options_(options) {
  check_units("SimpleRNNCell", units);
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.use_bias) bias_ = weight("bias");
}

void SimpleRNNCell::build(const Shape& input) const {
  create_kernels(*this, kernel_, recurrent_kernel_, input, units_, 1, options_);
  if (options_.use_bias) bias_.create({units_}, bias_options(options_));
}

Tensors SimpleRNNCell::call(const Tensor& x, const std::optional<Tensor>& state, bool training) const {
  const Tensor h = state ? *state : zero_states(x, {units_})[0];
  Tensor y = products(*this, x, kernel_, 1, "input", options_.dropout, options_, training)[0];
  if (options_.use_bias) y = nn::bias_add(y, bias_);
  y = options_.activation(
      y + products(*this, h, recurrent_kernel_, 1, "state", options_.recurrent_dropout, options_, training)[0]);
  return {y, y};
}

Config SimpleRNNCell::get_config() const {
  Config config = {{"units", units_}};
  return config.update(write_options(options_, simple_fields));
}
SimpleRNNCell SimpleRNNCell::from_config(const Config& c) {
  return SimpleRNNCell(c.get<std::int64_t>("units"), read_options<SimpleRNNCellOptions>(c, simple_fields));
}

GRUCell::GRUCell(std::int64_t units, const GRUCellOptions& options) : units_(units), options_(options) {
  check_units("GRUCell", units);
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.use_bias) bias_ = weight("bias");
}

void GRUCell::build(const Shape& input) const {
  create_kernels(*this, kernel_, recurrent_kernel_, input, units_, 3, options_);
  if (options_.use_bias)
    bias_.create(options_.reset_after ? Shape{2, 3 * units_} : Shape{3 * units_}, bias_options(options_));
}

Tensors GRUCell::call(const Tensor& x, const std::optional<Tensor>& state, bool training) const {
  const Tensor h = state ? *state : zero_states(x, {units_})[0];
  const auto& o = options_;
  Tensors in = products(*this, x, kernel_, 3, "input", o.dropout, o, training), inner;
  if (o.use_bias) in = sums(in, split(o.reset_after ? Tensor(bias_)[0] : Tensor(bias_), 3, 0));
  if (o.reset_after) {
    inner = products(*this, h, recurrent_kernel_, 3, "state", o.recurrent_dropout, o, training);
    if (o.use_bias) inner = sums(inner, split(Tensor(bias_)[1], 3, 0));
  } else {
    // The candidate's product waits for the reset gate; its mask is that of the third gate.
    inner = products(*this, h, recurrent_kernel_, 3, "state", o.recurrent_dropout, o, training);
  }
  const Tensor z = o.recurrent_activation(in[0] + inner[0]), r = o.recurrent_activation(in[1] + inner[1]);
  Tensor candidate = r * inner[2];
  if (!o.reset_after) {
    Tensor dropped = h;
    if (training && o.recurrent_dropout > 0)
      dropped = h * dropout_masks(*this, "state", h, o.recurrent_dropout, 3, o.seed)[2];
    candidate = matmul(r * dropped, split(Tensor(recurrent_kernel_), 3, 1)[2]);
  }
  const Tensor y = z * h + (1.f - z) * o.activation(in[2] + candidate);
  return {y, y};
}

Config GRUCell::get_config() const {
  Config config = {{"units", units_}};
  return config.update(write_options(options_, gru_fields));
}
GRUCell GRUCell::from_config(const Config& c) {
  return GRUCell(c.get<std::int64_t>("units"), read_options<GRUCellOptions>(c, gru_fields));
}

LSTMCell::LSTMCell(std::int64_t units, const LSTMCellOptions& options) : units_(units), options_(options) {
  check_units("LSTMCell", units);
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.use_bias) bias_ = weight("bias");
}

void LSTMCell::build(const Shape& input) const {
  create_kernels(*this, kernel_, recurrent_kernel_, input, units_, 4, options_);
  if (!options_.use_bias || bias_.created()) return;
  bias_.create({4 * units_}, bias_options(options_));
  if (!options_.unit_forget_bias) return;
  const Tensor ordinary = bias_.read();
  bias_.assign(concat({ordinary[Slice(0, units_)], ones({units_}, ordinary.dtype()), ordinary[Slice(2 * units_)]}, 0));
}

Tensors LSTMCell::call(const Tensor& x, const std::optional<Tensor>& state, const std::optional<Tensor>& carry,
                       bool training) const {
  const Tensor h = state ? *state : zero_states(x, {units_})[0], c0 = carry ? *carry : zero_states(x, {units_})[0];
  const auto& o = options_;
  Tensors gates = sums(products(*this, x, kernel_, 4, "input", o.dropout, o, training),
                       products(*this, h, recurrent_kernel_, 4, "state", o.recurrent_dropout, o, training));
  if (o.use_bias) gates = sums(gates, split(Tensor(bias_), 4, 0));
  const Tensor c = o.recurrent_activation(gates[1]) * c0 + o.recurrent_activation(gates[0]) * o.activation(gates[2]);
  const Tensor y = o.recurrent_activation(gates[3]) * o.activation(c);
  return {y, y, c};
}

Config LSTMCell::get_config() const {
  Config config = {{"units", units_}};
  return config.update(write_options(options_, lstm_fields));
}
LSTMCell LSTMCell::from_config(const Config& c) {
  return LSTMCell(c.get<std::int64_t>("units"), read_options<LSTMCellOptions>(c, lstm_fields));
}

StackedRNNCells::StackedRNNCells(const std::vector<Layer>& cells, const StackedRNNCellsOptions& options) {
  if (cells.empty()) throw ValueError("StackedRNNCells: there are no cells. Give at least one.");
  set_name(options.name);
  set_dtype(options.dtype);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cell_of(cells[i], "StackedRNNCells");
    cells_.push_back(track("cells_" + std::to_string(i), unnamed(cells[i])));
  }
}

std::vector<std::int64_t> StackedRNNCells::state_size() const {
  std::vector<std::int64_t> out;
  for (const Layer& cell : cells_)
    for (const std::int64_t size : cell_of(cell, "StackedRNNCells").state_size()) out.push_back(size);
  return out;
}

Tensors StackedRNNCells::call(const Tensors& inputs, bool training) const {
  if (inputs.empty()) throw ValueError("StackedRNNCells '" + path() + "': there is no input.");
  Tensors states(inputs.begin() + 1, inputs.end());
  if (states.empty()) states = zero_states(inputs[0], state_size());
  Tensor x = inputs[0];
  Tensors out = {x};
  std::size_t at = 0;
  for (const Layer& cell : cells_) {
    const std::size_t n = cell_of(cell, "StackedRNNCells").state_size().size();
    if (at + n > states.size())
      throw ValueError("StackedRNNCells '" + path() + "': " + std::to_string(states.size()) +
                       " states are given, expected " + std::to_string(state_size().size()) + ".");
    Tensors in = {x};
    for (std::size_t i = 0; i < n; ++i) in.push_back(states[at++]);
    const Tensors step = cell.call_with(CallArguments(in, training));
    x = step[0];
    out.insert(out.end(), step.begin() + 1, step.end());
  }
  out[0] = x;
  return out;
}

Config StackedRNNCells::get_config() const {
  Config::Value::List cells;
  for (const Layer& cell : cells_) cells.push_back(cell.to_config_value());
  return {{"cells", cells}};
}
StackedRNNCells StackedRNNCells::from_config(const Config& c) {
  std::vector<Layer> cells;
  for (const auto& v : c.at("cells").as_list()) cells.push_back(Layer::from_config_value(v));
  return StackedRNNCells(cells, read_options<StackedRNNCellsOptions>(c, no_fields));
}

}  // namespace strata::layers
