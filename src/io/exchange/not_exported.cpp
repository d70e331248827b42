#include "io/exchange/not_exported.h"

#include <algorithm>
#include <array>

namespace strata::exchange {

namespace {

constexpr std::string_view kGradient = "it is the gradient of another op, and no part of a model's call";
constexpr std::string_view kEffect = "it changes or writes something besides its results";
constexpr std::string_view kUnrolled = "it is unrolled over its steps before";
constexpr std::string_view kLoss = "it belongs to a loss, not to the call of a model";
constexpr std::string_view kPass = "passes of compiled functions make it, and traces do not hold it";

constexpr std::array<std::string_view, 7> kPassOps = {"scale_shift", "fused_conv", "fused_matmul", "quantize",
                                                      "dequantize",  "byte_conv",  "byte_matmul"};
constexpr std::array<std::string_view, 3> kUnrolledOps = {"simple_rnn", "lstm", "gru"};
// Those of gradients whose names do not say it.
constexpr std::array<std::string_view, 5> kGradientOps = {"split_like", "sum_to", "sum_to_like", "segment_gather",
                                                          "conv_backprop_filter"};
constexpr std::array<std::string_view, 3> kLossOps = {"softmax_cross_entropy_with_logits",
                                                      "sparse_softmax_cross_entropy_with_logits",
                                                      "sigmoid_cross_entropy_with_logits"};

template <class List>
bool is_in(const List& list, std::string_view op) {
  return std::find(list.begin(), list.end(), op) != list.end();
}

}  // namespace

std::string_view reason_not_exported(std::string_view op) {
  if (is_in(kPassOps, op)) return kPass;
  if (is_in(kUnrolledOps, op)) return kUnrolled;
  if (op.ends_with("_grad") || is_in(kGradientOps, op)) return kGradient;
  if (is_in(kLossOps, op)) return kLoss;
  const bool updates = op.ends_with("_update") && op != "slice_update";  // of optimizers
  if (updates || op.starts_with("summary_") || op == "conditional") return kEffect;
  return {};
}

}  // namespace strata::exchange
