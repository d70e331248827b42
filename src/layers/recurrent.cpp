#include "strata/layers/recurrent.h"

#include "layers/layer_config.h"
#include "layers/recurrent_call.h"
#include "layers/recurrent_loop.h"
#include "ops/recurrent.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::RNN, Layer>;
template class Custom<layers::SimpleRNN, Layer>;
template class Custom<layers::GRU, Layer>;
template class Custom<layers::LSTM, Layer>;
template class Custom<layers::Masking, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto sequence_fields = [](auto& o, auto&& v) {
  v("return_sequences", o.return_sequences);
  v("return_state", o.return_state);
  v("go_backwards", o.go_backwards);
  v("stateful", o.stateful);
  v("unroll", o.unroll);
  v("zero_output_for_mask", o.zero_output_for_mask);
};

const auto named_fields = [](auto& o, auto&& v) {
  sequence_fields(o, v);
  v("activity_regularizer", o.activity_regularizer);
};

template <class CellOptions, class Options>
CellOptions common_cell_options(const Options& o) {
  return {.activation = o.activation,
          .use_bias = o.use_bias,
          .kernel_initializer = o.kernel_initializer,
          .recurrent_initializer = o.recurrent_initializer,
          .bias_initializer = o.bias_initializer,
          .kernel_regularizer = o.kernel_regularizer,
          .recurrent_regularizer = o.recurrent_regularizer,
          .bias_regularizer = o.bias_regularizer,
          .kernel_constraint = o.kernel_constraint,
          .recurrent_constraint = o.recurrent_constraint,
          .bias_constraint = o.bias_constraint,
          .dropout = o.dropout,
          .recurrent_dropout = o.recurrent_dropout,
          .seed = o.seed,
          .dtype = o.dtype};
}

GRUCellOptions cell_options(const GRUOptions& o) {
  auto out = common_cell_options<GRUCellOptions>(o);
  out.recurrent_activation = o.recurrent_activation;
  out.reset_after = o.reset_after;
  return out;
}
LSTMCellOptions cell_options(const LSTMOptions& o) {
  auto out = common_cell_options<LSTMCellOptions>(o);
  out.recurrent_activation = o.recurrent_activation;
  out.unit_forget_bias = o.unit_forget_bias;
  return out;
}

// The layer's configuration: the cell's, and its own flags.
template <class Cell, class Options>
Config layer_config(const Cell& cell, const Options& options) {
  Config config = cell.get_config();
  return config.update(write_options(options, named_fields));
}

// Reads back: what cell and layer share comes from a cell made of the same configuration.
template <class Cell, class Options>
Options read_layer_options(const Config& c) {
  Options o = read_options<Options>(c, named_fields);
  const auto cell = Cell::from_config(c).options();
  o.activation = cell.activation;
  o.use_bias = cell.use_bias;
  o.kernel_initializer = cell.kernel_initializer;
  o.recurrent_initializer = cell.recurrent_initializer;
  o.bias_initializer = cell.bias_initializer;
  o.kernel_regularizer = cell.kernel_regularizer;
  o.recurrent_regularizer = cell.recurrent_regularizer;
  o.bias_regularizer = cell.bias_regularizer;
  o.kernel_constraint = cell.kernel_constraint;
  o.recurrent_constraint = cell.recurrent_constraint;
  o.bias_constraint = cell.bias_constraint;
  o.dropout = cell.dropout;
  o.recurrent_dropout = cell.recurrent_dropout;
  o.seed = cell.seed;
  return o;
}

// Sums over whole sequences are kept in float32 where the layer computes in 16 bits.
Tensor widened(const Tensor& t) {
  return t.dtype() == DType::float16 || t.dtype() == DType::bfloat16 ? cast(t, float32) : t;
}

// The products of all steps with the kernel, with the inputs dropped alike in all steps.
template <class Options>
Tensor input_products(const Tensor& x, const Tensor& kernel, const Options& o, bool training) {
  Tensor in = x;
  if (training && o.dropout > 0 && o.dropout < 1)
    in = nn::dropout(x, o.dropout, {.seed = o.seed, .noise_shape = {None, 1, None}});
  return tensordot(in, kernel, 1);
}

Tensors narrowed(const Tensors& states, DType dtype) {
  Tensors out;
  for (const Tensor& t : states) out.push_back(t.dtype() == dtype ? t : cast(t, dtype));
  return out;
}

Tensor defined_or_none(const std::optional<Tensor>& t) { return t ? *t : Tensor(); }

}  // namespace

RNN::RNN(const Layer& cell, const RNNOptions& options) : options_(options), kept_(std::make_shared<KeptStates>()) {
  cell_of(cell, "RNN");
  set_name(options.name);
  set_dtype(options.dtype);
  cell_ = track("cell", unnamed(cell));
}
RNN::RNN(const std::vector<Layer>& cells, const RNNOptions& options) : RNN(StackedRNNCells(cells), options) {}

void RNN::build(const Shape& sequences) const { build_on_steps(cell_, sequences, cell_of(cell_, "RNN").state_size()); }

Outputs RNN::call(const Tensor& x, const std::optional<Tensor>& state_0, const std::optional<Tensor>& state_1,
                  const std::optional<Tensor>& state_2, const std::optional<Tensor>& state_3,
                  const std::optional<Tensor>& mask, bool training) const {
  return run_recurrent({*this, cell_, options_, cell_of(cell_, "RNN").state_size(), kept_, x,
                        given_states(*this, {state_0, state_1, state_2, state_3}), defined_or_none(mask), training},
                       {});
}

Outputs RNN::operator()(const Tensor& x, const RecurrentArguments& arguments) const {
  return call_by_name<4>(*this, x, arguments);
}
void RNN::reset_state() const { reset_kept(*kept_); }

Config RNN::get_config() const {
  Config config = {{"cell", cell_.to_config_value()}};
  return config.update(write_options(options_, sequence_fields));
}
RNN RNN::from_config(const Config& c) {
  return RNN(c.get<Layer>("cell"), read_options<RNNOptions>(c, sequence_fields));
}

SimpleRNN::SimpleRNN(std::int64_t units, const SimpleRNNOptions& options)
    : options_(options),
      cell_(track("cell", SimpleRNNCell(units, common_cell_options<SimpleRNNCellOptions>(options)))),
      kept_(std::make_shared<KeptStates>()) {
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
}

void SimpleRNN::build(const Shape& sequences) const { build_on_steps(cell_, sequences, cell_.state_size()); }

Outputs SimpleRNN::call(const Tensor& x, const std::optional<Tensor>& initial_state, const std::optional<Tensor>& mask,
                        bool training) const {
  const RecurrentCall call = {*this,   cell_, sequence_options(options_),           cell_.state_size(),
                              kept_,   x,     given_states(*this, {initial_state}), defined_or_none(mask),
                              training};
  if (!recurrent::has_kernel(options_.activation.name()) || options_.recurrent_dropout > 0)
    return run_recurrent(call, {});
  return run_recurrent(call, [&](const Tensor& in, const Tensors& start, const Tensor& steps_mask) {
    Tensor products = input_products(in, cell_.kernel(), options_, training);
    if (options_.use_bias) products = nn::bias_add(products, cell_.bias());
    return narrowed({recurrent::simple_rnn(widened(products), widened(start[0]), widened(cell_.recurrent_kernel()),
                                           {.activation = options_.activation.name(), .mask = steps_mask})},
                    in.dtype());
  });
}

Outputs SimpleRNN::operator()(const Tensor& x, const RecurrentArguments& arguments) const {
  return call_by_name<1>(*this, x, arguments);
}
void SimpleRNN::reset_state() const { reset_kept(*kept_); }
Config SimpleRNN::get_config() const { return layer_config(cell_, options_); }
SimpleRNN SimpleRNN::from_config(const Config& c) {
  return SimpleRNN(c.get<std::int64_t>("units"), read_layer_options<SimpleRNNCell, SimpleRNNOptions>(c));
}

GRU::GRU(std::int64_t units, const GRUOptions& options)
    : options_(options),
      cell_(track("cell", GRUCell(units, cell_options(options)))),
      kept_(std::make_shared<KeptStates>()) {
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
}

void GRU::build(const Shape& sequences) const { build_on_steps(cell_, sequences, cell_.state_size()); }

Outputs GRU::call(const Tensor& x, const std::optional<Tensor>& initial_state, const std::optional<Tensor>& mask,
                  bool training) const {
  const RecurrentCall call = {*this,   cell_, sequence_options(options_),           cell_.state_size(),
                              kept_,   x,     given_states(*this, {initial_state}), defined_or_none(mask),
                              training};
  const std::string &activation = options_.activation.name(), &gate = options_.recurrent_activation.name();
  if (!recurrent::has_kernel(activation, gate) || options_.recurrent_dropout > 0) return run_recurrent(call, {});
  return run_recurrent(call, [&](const Tensor& in, const Tensors& start, const Tensor& steps_mask) {
    Tensor products = input_products(in, cell_.kernel(), options_, training);
    const std::int64_t width = 3 * cell_.state_size()[0];
    Tensor inner = zeros({width}, products.dtype());
    if (options_.use_bias) {
      const Tensor bias = cell_.bias();
      products = nn::bias_add(products, options_.reset_after ? bias[0] : bias);
      if (options_.reset_after) inner = bias[1];
    }
    return narrowed({recurrent::gru(widened(products), widened(start[0]), widened(cell_.recurrent_kernel()),
                                    widened(inner), {activation, gate, options_.reset_after, steps_mask})},
                    in.dtype());
  });
}

Outputs GRU::operator()(const Tensor& x, const RecurrentArguments& arguments) const {
  return call_by_name<1>(*this, x, arguments);
}
void GRU::reset_state() const { reset_kept(*kept_); }
Config GRU::get_config() const { return layer_config(cell_, options_); }
GRU GRU::from_config(const Config& c) {
  auto options = read_layer_options<GRUCell, GRUOptions>(c);
  const auto cell = GRUCell::from_config(c).options();
  options.recurrent_activation = cell.recurrent_activation;
  options.reset_after = cell.reset_after;
  return GRU(c.get<std::int64_t>("units"), options);
}

LSTM::LSTM(std::int64_t units, const LSTMOptions& options)
    : options_(options),
      cell_(track("cell", LSTMCell(units, cell_options(options)))),
      kept_(std::make_shared<KeptStates>()) {
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
}

void LSTM::build(const Shape& sequences) const { build_on_steps(cell_, sequences, cell_.state_size()); }

Outputs LSTM::call(const Tensor& x, const std::optional<Tensor>& initial_state,
                   const std::optional<Tensor>& initial_carry, const std::optional<Tensor>& mask, bool training) const {
  const RecurrentCall call = {*this,
                              cell_,
                              sequence_options(options_),
                              cell_.state_size(),
                              kept_,
                              x,
                              given_states(*this, {initial_state, initial_carry}),
                              defined_or_none(mask),
                              training};
  const std::string &activation = options_.activation.name(), &gate = options_.recurrent_activation.name();
  if (!recurrent::has_kernel(activation, gate) || options_.recurrent_dropout > 0) return run_recurrent(call, {});
  return run_recurrent(call, [&](const Tensor& in, const Tensors& start, const Tensor& steps_mask) {
    Tensor products = input_products(in, cell_.kernel(), options_, training);
    if (options_.use_bias) products = nn::bias_add(products, cell_.bias());
    const auto all = recurrent::lstm(widened(products), widened(start[0]), widened(start[1]),
                                     widened(cell_.recurrent_kernel()), {activation, gate, true, steps_mask});
    return narrowed({all.states, all.carries}, in.dtype());
  });
}

Outputs LSTM::operator()(const Tensor& x, const RecurrentArguments& arguments) const {
  return call_by_name<2>(*this, x, arguments);
}
void LSTM::reset_state() const { reset_kept(*kept_); }
Config LSTM::get_config() const { return layer_config(cell_, options_); }
LSTM LSTM::from_config(const Config& c) {
  auto options = read_layer_options<LSTMCell, LSTMOptions>(c);
  const auto cell = LSTMCell::from_config(c).options();
  options.recurrent_activation = cell.recurrent_activation;
  options.unit_forget_bias = cell.unit_forget_bias;
  return LSTM(c.get<std::int64_t>("units"), options);
}

Layer make_recurrent(const std::string& class_name, const Config& config) {
  if (class_name == "RNN") return RNN::from_config(config);
  if (class_name == "SimpleRNN") return SimpleRNN::from_config(config);
  if (class_name == "GRU") return GRU::from_config(config);
  if (class_name == "LSTM") return LSTM::from_config(config);
  throw ValueError("Bidirectional: " + class_name +
                   " is no recurrent layer. Use RNN, SimpleRNN, GRU or LSTM; a cell of your own goes into an RNN.");
}

Masking::Masking(const MaskingOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Masking::call(const Tensor& x) const {
  if (x.rank() < 2)
    throw ShapeError("Masking '" + path() + "': the input has shape " + to_string(x.shape()) +
                     ". Expected (batch, steps, features).");
  const Tensor counts = reduce_any(not_equal(x, cast(Tensor(options_.mask_value), x.dtype())), -1);
  const Tensor y = where(expand_dims(counts, -1), x, zeros_like(x));
  set_mask(y, counts);
  return y;
}
Config Masking::get_config() const { return {{"mask_value", options_.mask_value}}; }
Masking Masking::from_config(const Config& c) {
  return Masking(read_options<MaskingOptions>(c, [](auto& o, auto&& v) { v("mask_value", o.mask_value); }));
}

}  // namespace strata::layers
