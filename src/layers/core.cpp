#include "strata/layers/core.h"

#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/linalg.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
template class Custom<layers::Dense, Layer>;
template class Custom<layers::Embedding, Layer>;
template class Custom<layers::Lambda, Layer>;
template class Custom<layers::Identity, Layer>;
}  // namespace strata

namespace strata::layers {

namespace {

const auto dense_fields = [](auto& o, auto&& v) {
  v("activation", o.activation);
  v("use_bias", o.use_bias);
  v("kernel_initializer", o.kernel_initializer);
  v("bias_initializer", o.bias_initializer);
  v("kernel_regularizer", o.kernel_regularizer);
  v("bias_regularizer", o.bias_regularizer);
  v("activity_regularizer", o.activity_regularizer);
  v("kernel_constraint", o.kernel_constraint);
  v("bias_constraint", o.bias_constraint);
};

const auto embedding_fields = [](auto& o, auto&& v) {
  v("embeddings_initializer", o.embeddings_initializer);
  v("embeddings_regularizer", o.embeddings_regularizer);
  v("embeddings_constraint", o.embeddings_constraint);
  v("mask_zero", o.mask_zero);
};

}  // namespace

Dense::Dense(std::int64_t units, const DenseOptions& options) : units_(units), options_(options) {
  if (units <= 0) throw ValueError("Dense: units is " + std::to_string(units) + "; it must be positive.");
  set_name(options.name);
  set_dtype(options.dtype);
  set_activity_regularizer(options.activity_regularizer);
  if (options.use_bias) bias_ = weight("bias");
}

void Dense::build(const Shape& input) const {
  kernel_.create({last_axis(*this, input), units_}, {.initializer = options_.kernel_initializer,
                                                     .regularizer = options_.kernel_regularizer,
                                                     .constraint = options_.kernel_constraint});
  if (options_.use_bias)
    bias_.create({units_}, {.initializer = options_.bias_initializer,
                            .regularizer = options_.bias_regularizer,
                            .constraint = options_.bias_constraint});
}

Tensor Dense::call(const Tensor& x) const {
  const std::int64_t n = kernel_.shape()[0];
  if (x.rank() == 0 || (x.shape().back() != None && x.shape().back() != n))
    throw ShapeError("Dense '" + path() + "': the input has shape " + to_string(x.shape()) +
                     ", but the layer was built for " + std::to_string(n) +
                     " features on the last axis. Give it such an input, or make another layer.");
  Tensor y;
  if (x.rank() == 1)
    y = reshape(matmul(expand_dims(x, 0), kernel_), {units_});
  else
    y = x.rank() == 2 ? matmul(x, kernel_) : tensordot(x, kernel_, 1);
  if (options_.use_bias) y = nn::bias_add(y, bias_);
  return options_.activation(y);
}

Config Dense::get_config() const {
  Config config = {{"units", units_}};
  config.update(write_options(options_, dense_fields));
  return config;
}
Dense Dense::from_config(const Config& c) {
  return Dense(c.get<std::int64_t>("units"), read_options<DenseOptions>(c, dense_fields));
}

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, const EmbeddingOptions& options)
    : input_dim_(input_dim), output_dim_(output_dim), options_(options) {
  if (input_dim <= 0 || output_dim <= 0)
    throw ValueError("Embedding: input_dim is " + std::to_string(input_dim) + " and output_dim " +
                     std::to_string(output_dim) + "; both must be positive.");
  set_name(options.name);
  set_dtype(options.dtype);
}

void Embedding::build(const Shape&) const {
  embeddings_.create({input_dim_, output_dim_}, {.initializer = options_.embeddings_initializer,
                                                 .regularizer = options_.embeddings_regularizer,
                                                 .constraint = options_.embeddings_constraint});
}

Tensor Embedding::call(const Tensor& x) const {
  const Tensor ids = x.dtype() == DType::int32 || x.dtype() == DType::int64 ? x : cast(x, int32);
  const Tensor y = gather(embeddings_, ids, 0);
  if (options_.mask_zero) set_mask(y, not_equal(ids, zeros_like(ids)));
  return y;
}

Config Embedding::get_config() const {
  Config config = {{"input_dim", input_dim_}, {"output_dim", output_dim_}};
  config.update(write_options(options_, embedding_fields));
  return config;
}
Embedding Embedding::from_config(const Config& c) {
  return Embedding(c.get<std::int64_t>("input_dim"), c.get<std::int64_t>("output_dim"),
                   read_options<EmbeddingOptions>(c, embedding_fields));
}

Lambda::Lambda(std::shared_ptr<const void> function, Call call, const LayerOptions& options)
    : function_(std::move(function)), call_(call) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Lambda::call(const Tensor& x) const { return call_(function_.get(), x); }
Config Lambda::get_config() const {
  throw ValueError(
      "Lambda '" + path() +
      "' cannot be saved or cloned: a C++ callable has no configuration. Write a CustomLayer class instead.");
}
Lambda Lambda::from_config(const Config&) {
  throw ValueError("Lambda: a C++ callable cannot be made from a configuration. Write a CustomLayer class instead.");
}

Identity::Identity(const LayerOptions& options) {
  set_name(options.name);
  set_dtype(options.dtype);
}
Tensor Identity::call(const Tensor& x) const { return x; }
Config Identity::get_config() const { return {}; }
Identity Identity::from_config(const Config& c) { return Identity(read_options<LayerOptions>(c, no_fields)); }

}  // namespace strata::layers

namespace strata::detail {

std::vector<std::int64_t> read_size(const Config::Value& value, std::size_t n) {
  if (value.kind() == Config::Value::Kind::integer) return std::vector<std::int64_t>(n, value.as_integer());
  std::vector<std::int64_t> out;
  for (const auto& v : value.as_list()) out.push_back(v.as_integer());
  if (out.size() != n)
    throw ValueError("a size with " + std::to_string(out.size()) + " numbers was found where " + std::to_string(n) +
                     " are expected.");
  return out;
}

}  // namespace strata::detail
