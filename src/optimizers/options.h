// The options of optimizers: what is common to all, and their values by the names of their configuration.
#pragma once

#include <memory>
#include <string>

#include "optimizers/state.h"

namespace strata::optimizers {

using StateHandle = std::shared_ptr<OptimizerState>;

StateHandle make_state(const SGDOptions& o);
StateHandle make_state(const AdamOptions& o);
StateHandle make_state(const AdamWOptions& o);
StateHandle make_state(const AdamaxOptions& o);
StateHandle make_state(const NadamOptions& o);
StateHandle make_state(const RMSpropOptions& o);
StateHandle make_state(const AdagradOptions& o);
StateHandle make_state(const AdadeltaOptions& o);
StateHandle make_state(const FtrlOptions& o);
StateHandle make_state(const LionOptions& o);
StateHandle make_state(const LambOptions& o);
StateHandle make_state(const AdafactorOptions& o);
StateHandle make_state(const MuonOptions& o);
StateHandle make_state(const ScheduleFreeAdamWOptions& o);

inline void check_fraction(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value <= 1))
    throw ValueError(std::string(optimizer) + ": " + option + " is " + std::to_string(value) + ". It is in [0, 1].");
}

// What one optimizer has and others do not.
template <class O, class V>
void visit_own(O& o, V&& v) {
  if constexpr (requires { o.momentum; }) v("momentum", o.momentum);
  if constexpr (requires { o.nesterov; }) v("nesterov", o.nesterov);
  if constexpr (requires { o.beta_1; }) v("beta_1", o.beta_1);
  if constexpr (requires { o.beta_2; }) v("beta_2", o.beta_2);
  if constexpr (requires { o.epsilon; }) v("epsilon", o.epsilon);
  if constexpr (requires { o.amsgrad; }) v("amsgrad", o.amsgrad);
  if constexpr (requires { o.rho; }) v("rho", o.rho);
  if constexpr (requires { o.centered; }) v("centered", o.centered);
  if constexpr (requires { o.warmup_steps; }) v("warmup_steps", o.warmup_steps);
  if constexpr (requires { o.learning_rate_power; }) v("learning_rate_power", o.learning_rate_power);
  if constexpr (requires { o.initial_accumulator_value; }) v("initial_accumulator_value", o.initial_accumulator_value);
  if constexpr (requires { o.l1_regularization_strength; }) {
    v("l1_regularization_strength", o.l1_regularization_strength);
    v("l2_regularization_strength", o.l2_regularization_strength);
    v("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength);
    v("beta", o.beta);
  }
  if constexpr (requires { o.beta_2_decay; }) {
    v("beta_2_decay", o.beta_2_decay);
    v("epsilon_1", o.epsilon_1);
    v("epsilon_2", o.epsilon_2);
    v("clip_threshold", o.clip_threshold);
    v("relative_step", o.relative_step);
  }
  if constexpr (requires { o.adam_beta_1; }) {
    v("adam_beta_1", o.adam_beta_1);
    v("adam_beta_2", o.adam_beta_2);
    v("adam_weight_decay", o.adam_weight_decay);
    v("exclude_layers", o.exclude_layers);
    v("exclude_embeddings", o.exclude_embeddings);
    v("muon_a", o.muon_a);
    v("muon_b", o.muon_b);
    v("muon_c", o.muon_c);
    v("adam_lr_ratio", o.adam_lr_ratio);
    v("ns_steps", o.ns_steps);
    v("rms_rate", o.rms_rate);
  }
}

template <class O>
CommonOptions common_options(const O& o) {
  return {o.learning_rate,
          o.weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.gradient_accumulation_steps,
          o.name};
}

template <class From, class To>
void copy_common(const From& from, To& to) {
  to.learning_rate = from.learning_rate;
  to.clipnorm = from.clipnorm;
  to.clipvalue = from.clipvalue;
  to.global_clipnorm = from.global_clipnorm;
  to.use_ema = from.use_ema;
  to.ema_momentum = from.ema_momentum;
  to.ema_overwrite_frequency = from.ema_overwrite_frequency;
  to.gradient_accumulation_steps = from.gradient_accumulation_steps;
  to.name = from.name;
}

struct OptionsWriter {
  Config& config;
  template <class T>
  void operator()(const char* name, const T& v) {
    config.set(name, v);
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& v) {
    config.set(name, v ? Config::Value(*v) : Config::Value());
  }
};

struct OptionsReader {
  const Config& config;
  template <class T>
  void operator()(const char* name, T& v) {
    if (const auto* value = config.find(name); value != nullptr && !value->is_none()) v = config.get<T>(name);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& v) {
    const auto* value = config.find(name);
    if (value == nullptr) return;
    v.reset();
    if (!value->is_none()) v = config.get<T>(name);
  }
};

template <class O>
void write_own(const O& o, Config& config) {
  OptionsWriter write{config};
  visit_own(o, write);
}

template <class O>
O options_from(const Config& config) {
  O o;
  OptionsReader read{config};
  visit_own(o, read);
  if (const auto* value = config.find("learning_rate"); value != nullptr && !value->is_none())
    o.learning_rate = schedules::Schedule::from_config_value(*value);
  read("weight_decay", o.weight_decay);
  read("clipnorm", o.clipnorm);
  read("clipvalue", o.clipvalue);
  read("global_clipnorm", o.global_clipnorm);
  read("use_ema", o.use_ema);
  read("ema_momentum", o.ema_momentum);
  read("ema_overwrite_frequency", o.ema_overwrite_frequency);
  read("gradient_accumulation_steps", o.gradient_accumulation_steps);
  read("name", o.name);
  return o;
}

}  // namespace strata::optimizers
