#include "strata/layers/attention.h"

#include "layers/attention_scores.h"
#include "layers/layer_config.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/masking.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"

namespace strata {
template class Custom<layers::Attention, Layer>;
template class Custom<layers::AdditiveAttention, Layer>;
}  // namespace strata

namespace strata::layers {

Tensor causal_mask(const Tensor& query, const Tensor& value) {
  const Tensor rows = cumsum(ones_like(query[{0, Slice(0, None), Slice(0, 1)}], int32), 0);
  const Tensor columns = cumsum(ones_like(value[{0, Slice(0, None), Slice(0, 1)}], int32), 0);
  return expand_dims(rows >= transpose(columns), 0);
}

namespace {

const auto attention_fields = [](auto& o, auto&& v) {
  v("use_scale", o.use_scale);
  v("score_mode", o.score_mode);
  v("dropout", o.dropout);
  v("seed", o.seed);
};
const auto additive_fields = [](auto& o, auto&& v) {
  v("use_scale", o.use_scale);
  v("dropout", o.dropout);
  v("seed", o.seed);
};

void check_inputs(const Layer& layer, std::size_t count) {
  if (count != 2 && count != 3)
    throw ValueError(layer.class_name() + " '" + layer.path() + "': called on " + std::to_string(count) +
                     " tensors. Give a list {query, value} or {query, value, key}.");
}

// From the scores (batch, Tq, Tv) to what the layer gives.
template <class Options>
Outputs attend(const Tensors& inputs, const Tensor& raw_scores, const Options& options, bool training) {
  const Tensor &query = inputs[0], &value = inputs[1];
  Tensor scores = raw_scores, counts = mask_of(value);
  if (counts.defined()) counts = expand_dims(cast(counts, boolean), -2);
  if (options.use_causal_mask) {
    const Tensor causal = causal_mask(query, value);
    counts = counts.defined() ? logical_and(counts, causal) : causal;
  }
  if (counts.defined()) {
    const double far = scores.dtype() == DType::float16 ? 65504.0 : 1e9;
    scores = where(counts, scores, scores - far);
  }
  Tensor weights = nn::softmax(scores);
  if (training && options.dropout > 0) weights = nn::dropout(weights, options.dropout, {.seed = options.seed});
  Tensor y = matmul(weights, value);
  if (const Tensor steps = mask_of(query); steps.defined()) {
    y = where(expand_dims(cast(steps, boolean), -1), y, zeros_like(y));
    set_mask(y, steps);
  }
  return options.return_attention_scores ? Outputs(Tensors{y, weights}) : Outputs(y);
}

template <class Options>
Config with_call_options(Config config, const Options& options) {
  if (options.use_causal_mask) config.set("use_causal_mask", true);
  if (options.return_attention_scores) config.set("return_attention_scores", true);
  return config;
}
template <class Options>
Options read_call_options(Options options, const Config& c) {
  options.use_causal_mask = c.get<bool>("use_causal_mask", false);
  options.return_attention_scores = c.get<bool>("return_attention_scores", false);
  return options;
}

}  // namespace

Attention::Attention(const AttentionOptions& options) : options_(options) {
  if (options.score_mode != "dot" && options.score_mode != "concat")
    throw ValueError("Attention: score_mode is \"" + options.score_mode + "\". Use \"dot\" or \"concat\".");
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.use_scale) scale_ = weight("scale");
  if (options.score_mode == "concat") concat_score_weight_ = weight("concat_score_weight");
}

void Attention::build(const std::vector<Shape>&) const {
  if (options_.use_scale) scale_.create({}, {.initializer = "ones"});
  if (options_.score_mode == "concat") concat_score_weight_.create({}, {.initializer = "ones"});
}

Tensor Attention::scores(const Tensor& query, const Tensor& key) const {
  if (options_.score_mode == "dot") {
    const Tensor s = matmul(query, key, {.transpose_b = true});
    return options_.use_scale ? s * scale_ : s;
  }
  Tensor sum = expand_dims(query, -2) + expand_dims(key, -3);
  if (options_.use_scale) sum = sum * scale_;
  return concat_score_weight_ * reduce_sum(tanh(sum), -1);
}

Outputs Attention::call(const Tensors& inputs, bool training) const {
  check_inputs(*this, inputs.size());
  return attend(inputs, scores(inputs[0], inputs.size() > 2 ? inputs[2] : inputs[1]), options_, training);
}

Config Attention::get_config() const { return with_call_options(write_options(options_, attention_fields), options_); }
Attention Attention::from_config(const Config& c) {
  return Attention(read_call_options(read_options<AttentionOptions>(c, attention_fields), c));
}

AdditiveAttention::AdditiveAttention(const AdditiveAttentionOptions& options) : options_(options) {
  set_name(options.name);
  set_dtype(options.dtype);
  if (options.use_scale) scale_ = weight("scale");
}

void AdditiveAttention::build(const std::vector<Shape>& shapes) const {
  if (options_.use_scale) scale_.create({last_axis(*this, shapes.at(0))}, {.initializer = "glorot_uniform"});
}

Outputs AdditiveAttention::call(const Tensors& inputs, bool training) const {
  check_inputs(*this, inputs.size());
  const Tensor& key = inputs.size() > 2 ? inputs[2] : inputs[1];
  Tensor scores = tanh(expand_dims(inputs[0], -2) + expand_dims(key, -3));
  if (options_.use_scale) scores = scale_ * scores;
  return attend(inputs, reduce_sum(scores, -1), options_, training);
}

Config AdditiveAttention::get_config() const {
  return with_call_options(write_options(options_, additive_fields), options_);
}
AdditiveAttention AdditiveAttention::from_config(const Config& c) {
  return AdditiveAttention(read_call_options(read_options<AdditiveAttentionOptions>(c, additive_fields), c));
}

}  // namespace strata::layers
