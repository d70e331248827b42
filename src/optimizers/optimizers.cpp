// The names of optimizers, and their classes.
#include "strata/optimizers.h"

#include <cctype>

#include "optimizers/options.h"

namespace strata::optimizers {

namespace {

template <class O>
O with_rate(O options, const schedules::Schedule& learning_rate) {
  options.learning_rate = learning_rate;
  return options;
}

template <class O>
StateHandle from_config(const Config& config) {
  return make_state(options_from<O>(config));
}

struct Row {
  const char* name;  // in lower case
  StateHandle (*make)(const Config& config);
};
constexpr Row kRows[] = {
    {"adadelta", from_config<AdadeltaOptions>},
    {"adafactor", from_config<AdafactorOptions>},
    {"adagrad", from_config<AdagradOptions>},
    {"adam", from_config<AdamOptions>},
    {"adamax", from_config<AdamaxOptions>},
    {"adamw", from_config<AdamWOptions>},
    {"ftrl", from_config<FtrlOptions>},
    {"lamb", from_config<LambOptions>},
    {"lion", from_config<LionOptions>},
    {"muon", from_config<MuonOptions>},
    {"nadam", from_config<NadamOptions>},
    {"rmsprop", from_config<RMSpropOptions>},
    {"schedulefreeadamw", from_config<ScheduleFreeAdamWOptions>},
    {"sgd", from_config<SGDOptions>},
};

}  // namespace

StateHandle make_optimizer(const std::string& name, const Config& config) {
  std::string lower, known;
  for (char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const Row& row : kRows) {
    if (lower == row.name) return row.make(config);
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw ValueError("unknown optimizer '" + name + "'. Known are " + known + ".");
}

SGD::SGD(const SGDOptions& options) : Optimizer(make_state(options)) {}
SGD::SGD(const schedules::Schedule& rate, SGDOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
Adam::Adam(const AdamOptions& options) : Optimizer(make_state(options)) {}
Adam::Adam(const schedules::Schedule& rate, AdamOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
AdamW::AdamW(const AdamWOptions& options) : Optimizer(make_state(options)) {}
AdamW::AdamW(const schedules::Schedule& rate, AdamWOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
Adamax::Adamax(const AdamaxOptions& options) : Optimizer(make_state(options)) {}
Adamax::Adamax(const schedules::Schedule& rate, AdamaxOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}
Nadam::Nadam(const NadamOptions& options) : Optimizer(make_state(options)) {}
Nadam::Nadam(const schedules::Schedule& rate, NadamOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
RMSprop::RMSprop(const RMSpropOptions& options) : Optimizer(make_state(options)) {}
RMSprop::RMSprop(const schedules::Schedule& rate, RMSpropOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}
Adagrad::Adagrad(const AdagradOptions& options) : Optimizer(make_state(options)) {}
Adagrad::Adagrad(const schedules::Schedule& rate, AdagradOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}
Adadelta::Adadelta(const AdadeltaOptions& options) : Optimizer(make_state(options)) {}
Adadelta::Adadelta(const schedules::Schedule& rate, AdadeltaOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}
Ftrl::Ftrl(const FtrlOptions& options) : Optimizer(make_state(options)) {}
Ftrl::Ftrl(const schedules::Schedule& rate, FtrlOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
Lion::Lion(const LionOptions& options) : Optimizer(make_state(options)) {}
Lion::Lion(const schedules::Schedule& rate, LionOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
Lamb::Lamb(const LambOptions& options) : Optimizer(make_state(options)) {}
Lamb::Lamb(const schedules::Schedule& rate, LambOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
Adafactor::Adafactor(const AdafactorOptions& options) : Optimizer(make_state(options)) {}
Adafactor::Adafactor(const schedules::Schedule& rate, AdafactorOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}
Muon::Muon(const MuonOptions& options) : Optimizer(make_state(options)) {}
Muon::Muon(const schedules::Schedule& rate, MuonOptions options) : Optimizer(make_state(with_rate(options, rate))) {}
ScheduleFreeAdamW::ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options) : Optimizer(make_state(options)) {}
ScheduleFreeAdamW::ScheduleFreeAdamW(const schedules::Schedule& rate, ScheduleFreeAdamWOptions options)
    : Optimizer(make_state(with_rate(options, rate))) {}

}  // namespace strata::optimizers
