// The networks that are timed. peers/torch_networks.py and peers/keras_networks.py have the same ones.
#pragma once

#include <strata/strata.h>

#include <string>

#include "work.h"

namespace bench {

struct Network {
  strata::Model model;
  strata::Shape input;  // of one sample
  int num_classes;
  int num_words = 0;  // inputs are so many words, where it is not 0
};

/// "inception", "mlp", "mnist", "residual", "depthwise", "dense" or "lstm", in "float32" or "mixed_bfloat16".
Network make_network(const std::string& name, const std::string& policy);

struct Batch {
  strata::Tensor x, y;  // y: one-hot
};
Batch make_batch(const Network& network, std::int64_t size);

/// Forward, loss, gradients, Adam over all variables, and the accuracy.
struct TrainStep {
  strata::Model model;
  strata::optimizers::Adam optimizer;
  strata::losses::CategoricalCrossentropy loss_fn;
  strata::metrics::CategoricalAccuracy accuracy;

  strata::Tensor operator()(const strata::Tensor& x, const strata::Tensor& y) const;
};

std::string policy_of(const Options& options);

}  // namespace bench
