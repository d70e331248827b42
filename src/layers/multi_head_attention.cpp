#include <algorithm>
#include <cmath>

#include "layers/attention_scores.h"
#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/layers/attention.h"
#include "strata/linalg.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
template class Custom<layers::EinsumDense, Layer>;
template class Custom<layers::MultiHeadAttention, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto einsum_fields = [](auto& o, auto&& v) {
  v("activation", o.activation);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
};
const auto heads_fields = [](auto& o, auto&& v) {
  v("value_dim", o.value_dim);
  v("dropout", o.dropout);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
  v("seed", o.seed);
};

// "ab...,bc->ac..." in its three parts.
struct Equation {
  std::string input, kernel, output;
};
Equation parse(const std::string& text) {
  const std::size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    throw ValueError("EinsumDense: the equation is \"" + text +
                     "\". Expected \"input,kernel->output\", for example "
                     "\"ab,bc->ac\".");
  Equation e = {text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
  auto strip = [](std::string s) {
    std::erase(s, ' ');
    return s;
  };
  return {strip(e.input), strip(e.kernel), strip(e.output)};
}

// The dimension of a letter in a term that may have dots in front or at the end; nothing where it is not there.
std::optional<std::int64_t> dimension_of(const std::string& term, char letter, const Shape& shape) {
  const bool leading = term.starts_with("..."), trailing = !leading && term.ends_with("...");
  const std::string letters = leading ? term.substr(3) : trailing ? term.substr(0, term.size() - 3) : term;
  const std::size_t at = letters.find(letter);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t i = leading ? shape.size() - letters.size() + at : at;
  if (i >= shape.size())
    throw ShapeError("EinsumDense: the shape " + to_string(shape) + " has too few dimensions for \"" + term + "\".");
  return shape[i];
}

}  // namespace

EinsumDense::EinsumDense(const std::string& equation, const Shape& output_shape, const EinsumDenseOptions& options)
    : equation_(equation), output_shape_(output_shape), options_(options) {
  parse(equation);
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
  if (!options.bias_axes.empty()) bias_ = weight("bias");
}

void EinsumDense::build(const Shape& input) const {
  const Equation e = parse(equation_);
  Shape output = output_shape_;
  output.insert(0, None);
  if (e.output.starts_with("..."))
    for (std::size_t i = 1; i + e.input.size() - 3 < input.size(); ++i) output.insert(1, input[i]);
  auto size = [&](char letter) {
    auto n = dimension_of(e.output, letter, output);
    if (!n || *n == None) n = dimension_of(e.input, letter, input);
    if (!n || *n == None)
      throw ShapeError("EinsumDense '" + path() + "': the size of '" + letter + "' in \"" + equation_ +
                       "\" is not known from the input " + to_string(input) + " and the output shape " +
                       to_string(output_shape_) + ". Give it there.");
    return *n;
  };
  Shape kernel, bias;
  std::int64_t in = 1, out = 1;
  bool is_ordered = true, seen_output = false;
  for (const char letter : e.kernel) {
    kernel.push_back(size(letter));
    const bool is_output = e.output.find(letter) != std::string::npos;
    (is_output ? out : in) *= kernel.back();
    is_ordered = is_ordered && (is_output || !seen_output);
    seen_output = seen_output || is_output;
  }
  const bool is_new = !kernel_.created();
  kernel_.create(kernel, {.initializer = options_.kernel_initializer,
                          .regularizer = options_.kernel_regularizer,
                          .constraint = options_.kernel_constraint});
  // Initializers scale by the sizes of input and output, which are not those of a convolution's kernel.
  if (is_new && is_ordered && in > 0 && out > 0)
    kernel_.assign(reshape(options_.kernel_initializer({in, out}, kernel_.dtype()), kernel));
  if (options_.bias_axes.empty()) return;
  // From the first axis of the bias on, those that it lacks are 1.
  const std::size_t first = e.output.find_first_of(options_.bias_axes);
  for (std::size_t i = first; i < e.output.size(); ++i)
    if (e.output[i] != '.')
      bias.push_back(options_.bias_axes.find(e.output[i]) != std::string::npos ? size(e.output[i]) : 1);
  bias_.create(bias, {.initializer = options_.bias_initializer,
                      .regularizer = options_.bias_regularizer,
                      .constraint = options_.bias_constraint});
}

Tensor EinsumDense::call(const Tensor& x) const {
  Tensor y = einsum(equation_, {x, kernel_});
  if (!options_.bias_axes.empty()) y = y + bias_;
  return options_.activation(y);
}

Config EinsumDense::get_config() const {
  Config config = {{"equation", equation_}, {"output_shape", output_shape_}};
  config.set("bias_axes", options_.bias_axes.empty() ? Config::Value() : Config::Value(options_.bias_axes));
  return config.update(write_options(options_, einsum_fields));
}
EinsumDense EinsumDense::from_config(const Config& c) {
  auto options = read_options<EinsumDenseOptions>(c, einsum_fields);
  options.bias_axes = c.get<std::string>("bias_axes", "");
  const Config::Value& shape = c.at("output_shape");
  return EinsumDense(
      c.get<std::string>("equation"),
      shape.kind() == Config::Value::Kind::integer ? Shape{shape.as_integer()} : c.get<Shape>("output_shape"), options);
}

// The projections of query, key and value to heads, and back, once the first call told the ranks.
struct MultiHeadAttention::Parts {
  std::optional<EinsumDense> query, key, value, output;
  std::string scores, combine;  // einsum equations
  std::size_t axes = 1;         // of attention
};

namespace {

// "abc,cde->abde" for 2 free axes, 1 bound and 2 of the output; the bias has those of the output.
std::pair<std::string, std::string> projection(std::size_t free, std::size_t bound, std::size_t output) {
  std::string in, kernel, out, bias;
  char letter = 'a';
  for (std::size_t i = 0; i < free; ++i, ++letter) in += letter, out += letter;
  for (std::size_t i = 0; i < bound; ++i, ++letter) in += letter, kernel += letter;
  for (std::size_t i = 0; i < output; ++i, ++letter) kernel += letter, out += letter, bias += letter;
  return {in + "," + kernel + "->" + out, bias};
}

// Equations of the scores (of key and query) and of the combination (of scores and value), for projected tensors of
// this rank whose `axes` are attended over.
std::pair<std::string, std::string> attention_equations(std::size_t rank, const std::vector<std::int64_t>& axes) {
  std::string target, source, product;
  auto is_attention = [&](std::size_t i) {
    return std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
  };
  char fresh = static_cast<char>('a' + rank);
  for (std::size_t i = 0; i < rank; ++i) {
    target += static_cast<char>('a' + i);
    source += is_attention(i) ? fresh++ : target[i];
  }
  for (std::size_t i = 0; i + 1 < rank; ++i)
    if (!is_attention(i)) product += target[i];
  for (const std::int64_t i : axes) product += target[static_cast<std::size_t>(i)];
  for (const std::int64_t i : axes) product += source[static_cast<std::size_t>(i)];
  return {source + "," + target + "->" + product, product + "," + source + "->" + target};
}

// Softmax over the last `axes` dimensions.
Tensor softmax_over(const Tensor& x, std::size_t axes) {
  if (axes == 1) return nn::softmax(x);
  Shape flat = x.shape().sub(0, x.shape().size() - axes);
  std::int64_t unknown = 0;
  for (std::size_t i = 0; i < flat.size(); ++i)
    if (flat[i] == None) flat[i] = -1, ++unknown;
  std::int64_t last = 1;
  for (std::size_t i = x.shape().size() - axes; i < x.shape().size(); ++i) last *= x.shape()[i];
  flat.push_back(last);
  Shape back = x.shape();
  for (std::size_t i = 0; i < back.size(); ++i)
    if (back[i] == None) back[i] = -1;
  return reshape(nn::softmax(reshape(x, flat)), back);
}

Tensor combined(const Tensor& a, const Tensor& b) { return !a.defined() ? b : logical_and(a, b); }

}  // namespace

MultiHeadAttention::MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim,
                                       const MultiHeadAttentionOptions& options)
    : num_heads_(num_heads), key_dim_(key_dim), options_(options), parts_(std::make_shared<Parts>()) {
  if (num_heads <= 0 || key_dim <= 0 || (options.value_dim && *options.value_dim <= 0))
    throw ValueError("MultiHeadAttention: num_heads is " + std::to_string(num_heads) + ", key_dim " +
                     std::to_string(key_dim) + "; both, and value_dim, must be positive.");
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
}

void MultiHeadAttention::build(const std::vector<Shape>& shapes) const {
  if (parts_->query) return;
  const Shape &query = shapes.at(0), &value = shapes.at(1);
  const auto& o = options_;
  auto dense = [&](const std::string& equation, const std::string& bias, const Shape& output) {
    return EinsumDense(equation, output,
                       {.bias_axes = o.use_bias ? bias : "",
                        .kernel_initializer = o.kernel_initializer,
                        .bias_initializer = o.bias_initializer,
                        .kernel_regularizer = o.kernel_regularizer,
                        .bias_regularizer = o.bias_regularizer,
                        .kernel_constraint = o.kernel_constraint,
                        .bias_constraint = o.bias_constraint,
                        .dtype = o.dtype});
  };
  auto to_heads = [&](const char* name, const Shape& in, std::int64_t size) {
    const auto [equation, bias] = projection(in.size() - 1, 1, 2);
    Shape out(std::vector<std::int64_t>(in.size() - 2, None));
    out.push_back(num_heads_);
    out.push_back(size);
    return track(name, dense(equation, bias, out));
  };
  const std::int64_t value_dim = o.value_dim.value_or(key_dim_);
  parts_->query = to_heads("query_dense", query, key_dim_);
  parts_->key = to_heads("key_dense", value, key_dim_);
  parts_->value = to_heads("value_dense", value, value_dim);
  const Shape features = o.output_shape.empty() ? Shape{last_axis(*this, query)} : Shape(o.output_shape);
  const auto [equation, bias] = projection(query.size() - 1, 2, features.size());
  Shape out(std::vector<std::int64_t>(query.size() - 2, None));
  for (const std::int64_t n : features) out.push_back(n);
  parts_->output = track("output_dense", dense(equation, bias, out));

  std::vector<std::int64_t> axes = o.attention_axes;
  const auto rank = static_cast<std::int64_t>(value.size()) + 1;
  for (std::int64_t& axis : axes) axis = axis < 0 ? axis + rank - 1 : axis;
  if (axes.empty())
    for (std::int64_t i = 1; i < rank - 2; ++i) axes.push_back(i);
  std::tie(parts_->scores, parts_->combine) = attention_equations(static_cast<std::size_t>(rank), axes);
  parts_->axes = axes.size();
}

Outputs MultiHeadAttention::call(const Tensor& query, const Tensor& value, const std::optional<Tensor>& key,
                                 const std::optional<Tensor>& attention_mask, bool training) const {
  const Tensor& keys = key ? *key : value;
  Tensor allowed = attention_mask ? cast(*attention_mask, boolean) : Tensor();
  const Tensor steps = mask_of(query);
  if (steps.defined()) allowed = combined(allowed, expand_dims(cast(steps, boolean), -1));
  for (const Tensor& t : key ? Tensors{value, *key} : Tensors{value})
    if (const Tensor m = mask_of(t); m.defined()) allowed = combined(allowed, expand_dims(cast(m, boolean), -2));
  if (options_.use_causal_mask) allowed = combined(allowed, causal_mask(query, value));

  const Tensor q = (*parts_->query)(query)*Tensor(1.0 / std::sqrt(static_cast<double>(key_dim_)));
  Tensor scores = einsum(parts_->scores, {(*parts_->key)(keys), q});
  if (allowed.defined()) {
    while (allowed.rank() < scores.rank()) allowed = expand_dims(allowed, -2 * static_cast<int>(parts_->axes) - 1);
    const double far = scores.dtype() == DType::float16 ? 3e4 : 1e9;
    scores = where(allowed, scores, scores - far);
  }
  const Tensor weights = softmax_over(scores, parts_->axes);
  const Tensor kept =
      training && options_.dropout > 0 ? nn::dropout(weights, options_.dropout, {.seed = options_.seed}) : weights;
  const Tensor y = (*parts_->output)(einsum(parts_->combine, {kept, (*parts_->value)(value)}));
  if (steps.defined()) set_mask(y, steps);
  return options_.return_attention_scores ? Outputs(Tensors{y, weights}) : Outputs(y);
}

Outputs MultiHeadAttention::operator()(const Tensor& query, const Tensor& value,
                                       const MultiHeadAttentionArguments& arguments) const {
  MultiHeadAttention same = *this;  // the weights are shared, the options of this call are not
  same.options_.use_causal_mask = options_.use_causal_mask || arguments.use_causal_mask;
  same.options_.return_attention_scores = options_.return_attention_scores || arguments.return_attention_scores;
  const auto call = [&](const auto&... a) { return arguments.training ? same(a..., *arguments.training) : same(a...); };
  if (arguments.attention_mask) return call(query, value, arguments.key, arguments.attention_mask);
  return arguments.key ? call(query, value, *arguments.key) : call(query, value);
}

Config MultiHeadAttention::get_config() const {
  Config config = {{"num_heads", num_heads_}, {"key_dim", key_dim_}};
  config.update(write_options(options_, heads_fields));
  config.set("output_shape", options_.output_shape.empty() ? Config::Value() : Config::Value(options_.output_shape));
  config.set("attention_axes",
             options_.attention_axes.empty() ? Config::Value() : Config::Value(options_.attention_axes));
  if (options_.use_causal_mask) config.set("use_causal_mask", true);
  if (options_.return_attention_scores) config.set("return_attention_scores", true);
  return config;
}

MultiHeadAttention MultiHeadAttention::from_config(const Config& c) {
  auto options = read_options<MultiHeadAttentionOptions>(c, heads_fields);
  auto list = [&](const char* key) {
    const Config::Value* v = c.find(key);
    if (v == nullptr || v->is_none()) return std::vector<std::int64_t>();
    return v->kind() == Config::Value::Kind::integer ? std::vector<std::int64_t>{v->as_integer()}
                                                     : c.get<std::vector<std::int64_t>>(key);
  };
  options.output_shape = list("output_shape");
  options.attention_axes = list("attention_axes");
  options.use_causal_mask = c.get<bool>("use_causal_mask", false);
  options.return_attention_scores = c.get<bool>("return_attention_scores", false);
  return MultiHeadAttention(c.get<std::int64_t>("num_heads"), c.get<std::int64_t>("key_dim"), options);
}

}  // namespace strata::layers
