// The classes of losses, their options as configuration, and their names.
#include "strata/losses.h"

#include <functional>

#include "core/fields.h"
#include "losses/registry.h"
#include "losses/weights.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata::losses {

namespace {

// What each options struct has besides name, reduction and dtype.
template <class O, class V>
void visit(O& o, V&& v) {
  if constexpr (requires { o.apply_class_balancing; }) v("apply_class_balancing", o.apply_class_balancing);
  if constexpr (requires { o.alpha; }) v("alpha", o.alpha);
  if constexpr (requires { o.beta; }) v("beta", o.beta);
  if constexpr (requires { o.gamma; }) v("gamma", o.gamma);
  if constexpr (requires { o.margin; }) v("margin", o.margin);
  if constexpr (requires { o.remove_diagonal; }) v("remove_diagonal", o.remove_diagonal);
  if constexpr (requires { o.q; }) v("q", o.q);
  if constexpr (requires { o.delta; }) v("delta", o.delta);
  if constexpr (requires { o.from_logits; }) v("from_logits", o.from_logits);
  if constexpr (requires { o.ignore_class; }) v("ignore_class", o.ignore_class);
  if constexpr (requires { o.label_smoothing; }) v("label_smoothing", o.label_smoothing);
  if constexpr (requires { o.axis; }) v("axis", o.axis);
}

struct Writer {
  Config config;
  template <class T>
  void operator()(const char* name, const T& v) {
    config.set(name, v);
  }
  void operator()(const char* name, const std::optional<int>& v) {
    config.set(name, v ? Config::Value(*v) : Config::Value());
  }
  void operator()(const char* name, const std::vector<std::int64_t>& v) {
    config.set(name, v.empty() ? Config::Value() : Config::Value(v));
  }
};

struct Reader {
  const Config& config;
  template <class T>
  void operator()(const char* name, T& v) {
    v = config.get<T>(name, v);
  }
  void operator()(const char* name, std::optional<int>& v) {
    if (const auto* value = config.find(name); value != nullptr && !value->is_none()) v = config.get<int>(name);
  }
};

template <class O>
O options_from(const Config& config) {
  O options;
  Reader read{config};
  visit(options, read);
  read("name", options.name);
  read("reduction", options.reduction);
  read("dtype", options.dtype);
  return options;
}

using Function = std::function<Tensor(const Tensor&, const Tensor&)>;

class FunctionLoss : public Loss::Base {
 public:
  std::string class_name() const override { return class_name_; }
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const override { return function_(y_true, y_pred); }
  Config get_config() const override { return config_; }
  bool expects_probabilities() const override { return expects_probabilities_; }

  std::string class_name_;
  Function function_;
  Config config_;
  bool expects_probabilities_ = false;
};

template <class O>
std::shared_ptr<FunctionLoss> fill(std::shared_ptr<FunctionLoss> loss, const char* class_name, const char* name,
                                   const O& options, Function function) {
  loss->options = {options.reduction, options.name.empty() ? name : options.name, options.dtype};
  loss->class_name_ = class_name;
  loss->function_ = std::move(function);
  Writer write;
  visit(options, write);
  loss->config_ = write.config;
  if constexpr (requires { options.from_logits; }) loss->expects_probabilities_ = !options.from_logits;
  return loss;
}

template <class O>
Loss make(const char* class_name, const char* name, const O& options, Function function) {
  return Loss(fill(std::make_shared<FunctionLoss>(), class_name, name, options, std::move(function)));
}

// For functions that take options.
template <class O>
Loss make(const char* class_name, const char* name, const O& options,
          Tensor (*function)(const Tensor&, const Tensor&, const O&)) {
  return make(class_name, name, options,
              Function([options, function](const Tensor& t, const Tensor& p) { return function(t, p, options); }));
}

// Masks the samples whose label is ignored, so that they do not count in means.
class SparseLoss final : public FunctionLoss {
 public:
  explicit SparseLoss(std::optional<int> ignored) : ignored_(ignored) {}
  Tensor mask(const Tensor& y_true, const Tensor& y_pred) const override {
    if (!ignored_) return {};
    Tensor labels = cast(y_true, int64);
    if (labels.rank() == y_pred.rank() && labels.shape().back() == 1) labels = squeeze(labels, -1);
    return not_equal(labels, static_cast<std::int64_t>(*ignored_));
  }

 private:
  std::optional<int> ignored_;
};

Loss make_sparse(const SparseCategoricalCrossentropyOptions& options) {
  return Loss(fill(std::make_shared<SparseLoss>(options.ignore_class), "SparseCategoricalCrossentropy",
                   "sparse_categorical_crossentropy", options, [options](const Tensor& t, const Tensor& p) {
                     return sparse_categorical_crossentropy(t, p, options);
                   }));
}

// Samples without a loss do not count in means.
class CircleLoss final : public FunctionLoss {
 public:
  Tensor mask(const Tensor& y_true, const Tensor& y_pred) const override { return greater(call(y_true, y_pred), 0.0); }
};

// "crossentropy": one column is binary, index labels are sparse.
Tensor crossentropy_by_shape(const Tensor& y_true, const Tensor& y_pred) {
  if (y_pred.rank() == 0 || y_pred.shape().back() == 1) {
    const auto [truth, prediction] = squeeze_or_expand_to_same_rank(y_true, y_pred);
    return binary_crossentropy(truth, prediction);
  }
  if (y_true.rank() < y_pred.rank() || y_true.shape().back() == 1)
    return sparse_categorical_crossentropy(y_true, y_pred);
  return categorical_crossentropy(y_true, y_pred);
}

struct Row {
  const char* class_name;
  std::vector<const char*> names;  // that of the function first
  Loss (*make)(const Config& config);
};

template <class L, class O>
Loss make_class(const Config& config) {
  return L(options_from<O>(config));
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"CategoricalCrossentropy",
       {"categorical_crossentropy"},
       make_class<CategoricalCrossentropy, CategoricalCrossentropyOptions>},
      {"SparseCategoricalCrossentropy",
       {"sparse_categorical_crossentropy"},
       make_class<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>},
      {"BinaryCrossentropy",
       {"binary_crossentropy", "bce", "BCE"},
       make_class<BinaryCrossentropy, BinaryCrossentropyOptions>},
      {"BinaryFocalCrossentropy",
       {"binary_focal_crossentropy"},
       make_class<BinaryFocalCrossentropy, BinaryFocalCrossentropyOptions>},
      {"CategoricalFocalCrossentropy",
       {"categorical_focal_crossentropy"},
       make_class<CategoricalFocalCrossentropy, CategoricalFocalCrossentropyOptions>},
      {"MeanSquaredError", {"mean_squared_error", "mse", "MSE"}, make_class<MeanSquaredError, LossOptions>},
      {"MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}, make_class<MeanAbsoluteError, LossOptions>},
      {"MeanAbsolutePercentageError",
       {"mean_absolute_percentage_error", "mape", "MAPE"},
       make_class<MeanAbsolutePercentageError, LossOptions>},
      {"MeanSquaredLogarithmicError",
       {"mean_squared_logarithmic_error", "msle", "MSLE"},
       make_class<MeanSquaredLogarithmicError, LossOptions>},
      {"LogCosh", {"log_cosh", "logcosh"}, make_class<LogCosh, LossOptions>},
      {"Huber", {"huber", "huber_loss"}, make_class<Huber, HuberOptions>},
      {"Hinge", {"hinge"}, make_class<Hinge, LossOptions>},
      {"SquaredHinge", {"squared_hinge"}, make_class<SquaredHinge, LossOptions>},
      {"CategoricalHinge", {"categorical_hinge"}, make_class<CategoricalHinge, LossOptions>},
      {"KLDivergence",
       {"kl_divergence", "kld", "KLD", "kullback_leibler_divergence"},
       make_class<KLDivergence, LossOptions>},
      {"Poisson", {"poisson"}, make_class<Poisson, LossOptions>},
      {"CosineSimilarity", {"cosine_similarity"}, make_class<CosineSimilarity, CosineSimilarityOptions>},
      {"CategoricalGeneralizedCrossEntropy",
       {"categorical_generalized_cross_entropy"},
       make_class<CategoricalGeneralizedCrossEntropy, CategoricalGeneralizedCrossEntropyOptions>},
      {"Circle", {"circle"}, make_class<Circle, CircleOptions>},
      {"CTC", {"ctc"}, make_class<CTC, LossOptions>},
      {"Dice", {"dice"}, make_class<Dice, DiceOptions>},
      {"Tversky", {"tversky"}, make_class<Tversky, TverskyOptions>},
  };
  return all;
}

}  // namespace

Loss make_loss_by_name(const std::string& name) {
  if (name == "crossentropy" || name == "ce") {
    auto loss = std::make_shared<FunctionLoss>();
    fill(loss, name.c_str(), name.c_str(), LossOptions(), crossentropy_by_shape)->expects_probabilities_ = true;
    return Loss(loss);
  }
  std::string known;
  for (const Row& row : rows()) {
    if (name == row.class_name) return row.make({});
    for (const char* alias : row.names) {
      if (name == alias) return row.make({{"name", name}});
      known += (known.empty() ? "" : ", ") + std::string(alias);
    }
  }
  throw ValueError("unknown loss '" + name + "'. Known are crossentropy, " + known +
                   ", and the class names such as MeanSquaredError; losses::custom(function, name) makes others.");
}

Loss make_loss(const std::string& class_name, const Config& config) {
  for (const Row& row : rows())
    if (class_name == row.class_name) return row.make(config);
  if (class_name == "crossentropy" || class_name == "ce") return make_loss_by_name(class_name);
  throw ValueError("unknown loss '" + class_name + "'. Name the class in custom_objects.");
}

CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& options)
    : Loss(make("CategoricalCrossentropy", "categorical_crossentropy", options, &categorical_crossentropy)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options)
    : Loss(make_sparse(options)) {}
BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& options)
    : Loss(make("BinaryCrossentropy", "binary_crossentropy", options, &binary_crossentropy)) {}
BinaryFocalCrossentropy::BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options)
    : Loss(make("BinaryFocalCrossentropy", "binary_focal_crossentropy", options, &binary_focal_crossentropy)) {}
CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& options)
    : Loss(make("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", options,
                &categorical_focal_crossentropy)) {}
MeanSquaredError::MeanSquaredError(const LossOptions& options)
    : Loss(make("MeanSquaredError", "mean_squared_error", options, Function(mean_squared_error))) {}
MeanAbsoluteError::MeanAbsoluteError(const LossOptions& options)
    : Loss(make("MeanAbsoluteError", "mean_absolute_error", options, Function(mean_absolute_error))) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(const LossOptions& options)
    : Loss(make("MeanAbsolutePercentageError", "mean_absolute_percentage_error", options,
                Function(mean_absolute_percentage_error))) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const LossOptions& options)
    : Loss(make("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", options,
                Function(mean_squared_logarithmic_error))) {}
LogCosh::LogCosh(const LossOptions& options) : Loss(make("LogCosh", "log_cosh", options, Function(log_cosh))) {}
Huber::Huber(const HuberOptions& options) : Loss(make("Huber", "huber_loss", options, &huber)) {}
Hinge::Hinge(const LossOptions& options) : Loss(make("Hinge", "hinge", options, Function(hinge))) {}
SquaredHinge::SquaredHinge(const LossOptions& options)
    : Loss(make("SquaredHinge", "squared_hinge", options, Function(squared_hinge))) {}
CategoricalHinge::CategoricalHinge(const LossOptions& options)
    : Loss(make("CategoricalHinge", "categorical_hinge", options, Function(categorical_hinge))) {}
KLDivergence::KLDivergence(const LossOptions& options)
    : Loss(make("KLDivergence", "kl_divergence", options, Function(kl_divergence))) {}
Poisson::Poisson(const LossOptions& options) : Loss(make("Poisson", "poisson", options, Function(poisson))) {}
CosineSimilarity::CosineSimilarity(const CosineSimilarityOptions& options)
    : Loss(make("CosineSimilarity", "cosine_similarity", options, &cosine_similarity)) {}
CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(
    const CategoricalGeneralizedCrossEntropyOptions& options)
    : Loss(make("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy", options,
                &categorical_generalized_cross_entropy)) {
  if (!(options.q > 0 && options.q < 1))
    throw ValueError("CategoricalGeneralizedCrossEntropy: q is " + std::to_string(options.q) +
                     ". It must be in (0, 1).");
}
Circle::Circle(const CircleOptions& options)
    : Loss(fill(std::make_shared<CircleLoss>(), "Circle", "circle", options,
                [options](const Tensor& t, const Tensor& p) { return circle(t, p, options); })) {}
CTC::CTC(const LossOptions& options) : Loss(make("CTC", "ctc", options, Function(ctc))) {}
Dice::Dice(const DiceOptions& options) : Loss(make("Dice", "dice", options, &dice)) {}
Tversky::Tversky(const TverskyOptions& options) : Loss(make("Tversky", "tversky", options, &tversky)) {}

}  // namespace strata::losses
