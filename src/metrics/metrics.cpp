// The classes of metrics and their names.
#include "strata/metrics.h"

#include "losses/weights.h"
#include "metrics/state.h"
#include "strata/losses.h"
#include "strata/math.h"

namespace strata::metrics {

namespace {

// What each options struct has besides name and dtype.
template <class O, class V>
void visit(O& o, V&& v) {
  if constexpr (requires { o.threshold; }) v("threshold", o.threshold);
  if constexpr (requires { o.thresholds; }) v("thresholds", o.thresholds);
  if constexpr (requires { o.num_thresholds; }) v("num_thresholds", o.num_thresholds);
  if constexpr (requires { o.curve; }) v("curve", o.curve);
  if constexpr (requires { o.summation_method; }) v("summation_method", o.summation_method);
  if constexpr (requires { o.multi_label; }) v("multi_label", o.multi_label);
  if constexpr (requires { o.num_labels; }) v("num_labels", o.num_labels);
  if constexpr (requires { o.label_weights; }) v("label_weights", o.label_weights);
  if constexpr (requires { o.top_k; }) v("top_k", o.top_k);
  if constexpr (requires { o.class_id; }) v("class_id", o.class_id);
  if constexpr (requires { o.k; }) v("k", o.k);
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
  void operator()(const char*, const Thresholds&) {}
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
  void operator()(const char* name, Thresholds& v) {
    const auto* value = config.find(name);
    if (value == nullptr || value->is_none()) return;
    v = value->kind() == Config::Value::Kind::list ? Thresholds(config.get<std::vector<double>>(name))
                                                   : Thresholds(value->as_double());
  }
};

template <class O>
O options_from(const Config& config) {
  O options;
  Reader read{config};
  visit(options, read);
  read("name", options.name);
  read("dtype", options.dtype);
  return options;
}

// The mean of a function that takes the options.
template <class O>
std::shared_ptr<const Metric::Base> mean_of(const char* class_name, const char* name, const O& options, Values values) {
  Writer write;
  visit(options, write);
  return make_mean(class_name, common_options(options, name), write.config, std::move(values));
}

// Keras's choice for "accuracy": one column is binary, index labels are sparse.
Tensor accuracy_by_shape(const Tensor& y_true, const Tensor& y_pred) {
  if (y_pred.rank() == 0 || y_pred.shape().back() == 1) return binary_accuracy(y_true, y_pred);
  if (y_true.rank() < y_pred.rank() || y_true.shape().back() == 1) return sparse_categorical_accuracy(y_true, y_pred);
  return categorical_accuracy(y_true, y_pred);
}

bool is_accuracy(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name == "accuracy" || name == "acc";
}

struct Row {
  const char* class_name;
  std::vector<const char*> names;  // Keras's spelling first
  Metric (*make)(const Config& config);
};

template <class M, class O = MetricOptions>
Metric make_class(const Config& config) {
  return M(options_from<O>(config));
}
template <class M>
Metric make_at_class(const Config& config) {
  const char* argument = std::same_as<M, SensitivityAtSpecificity>   ? "specificity"
                         : std::same_as<M, SpecificityAtSensitivity> ? "sensitivity"
                         : std::same_as<M, PrecisionAtRecall>        ? "recall"
                                                                     : "precision";
  return M(config.get<double>(argument), options_from<AtOptions>(config));
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"Mean", {"mean"}, make_class<Mean>},
      {"Sum", {"sum"}, make_class<Sum>},
      {"BinaryAccuracy", {"binary_accuracy"}, make_class<BinaryAccuracy, BinaryAccuracyOptions>},
      {"CategoricalAccuracy", {"categorical_accuracy"}, make_class<CategoricalAccuracy>},
      {"SparseCategoricalAccuracy", {"sparse_categorical_accuracy"}, make_class<SparseCategoricalAccuracy>},
      {"TopKCategoricalAccuracy", {"top_k_categorical_accuracy"}, make_class<TopKCategoricalAccuracy, TopKOptions>},
      {"SparseTopKCategoricalAccuracy",
       {"sparse_top_k_categorical_accuracy"},
       make_class<SparseTopKCategoricalAccuracy, TopKOptions>},
      {"TruePositives", {"true_positives"}, make_class<TruePositives, CountOptions>},
      {"TrueNegatives", {"true_negatives"}, make_class<TrueNegatives, CountOptions>},
      {"FalsePositives", {"false_positives"}, make_class<FalsePositives, CountOptions>},
      {"FalseNegatives", {"false_negatives"}, make_class<FalseNegatives, CountOptions>},
      {"Precision", {"precision"}, make_class<Precision, PrecisionOptions>},
      {"Recall", {"recall"}, make_class<Recall, RecallOptions>},
      {"SensitivityAtSpecificity", {"sensitivity_at_specificity"}, make_at_class<SensitivityAtSpecificity>},
      {"SpecificityAtSensitivity", {"specificity_at_sensitivity"}, make_at_class<SpecificityAtSensitivity>},
      {"PrecisionAtRecall", {"precision_at_recall"}, make_at_class<PrecisionAtRecall>},
      {"RecallAtPrecision", {"recall_at_precision"}, make_at_class<RecallAtPrecision>},
      {"AUC", {"auc"}, make_class<AUC, AUCOptions>},
      {"MeanSquaredError", {"mean_squared_error", "mse", "MSE"}, make_class<MeanSquaredError>},
      {"RootMeanSquaredError", {"root_mean_squared_error", "rmse", "RMSE"}, make_class<RootMeanSquaredError>},
      {"MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}, make_class<MeanAbsoluteError>},
      {"MeanAbsolutePercentageError",
       {"mean_absolute_percentage_error", "mape", "MAPE"},
       make_class<MeanAbsolutePercentageError>},
      {"MeanSquaredLogarithmicError",
       {"mean_squared_logarithmic_error", "msle", "MSLE"},
       make_class<MeanSquaredLogarithmicError>},
      {"LogCoshError", {"log_cosh_error", "logcosh", "log_cosh"}, make_class<LogCoshError>},
      {"CosineSimilarity", {"cosine_similarity"}, make_class<CosineSimilarity, CosineSimilarityOptions>},
      {"KLDivergence", {"kl_divergence", "kld", "KLD"}, make_class<KLDivergence>},
      {"Poisson", {"poisson"}, make_class<Poisson>},
      {"Hinge", {"hinge"}, make_class<Hinge>},
      {"SquaredHinge", {"squared_hinge"}, make_class<SquaredHinge>},
      {"CategoricalHinge", {"categorical_hinge"}, make_class<CategoricalHinge>},
      {"BinaryCrossentropy",
       {"binary_crossentropy", "bce", "BCE"},
       make_class<BinaryCrossentropy, BinaryCrossentropyOptions>},
      {"CategoricalCrossentropy",
       {"categorical_crossentropy"},
       make_class<CategoricalCrossentropy, CategoricalCrossentropyOptions>},
      {"SparseCategoricalCrossentropy",
       {"sparse_categorical_crossentropy"},
       make_class<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>},
  };
  return all;
}

}  // namespace

Metric make_metric_by_name(const std::string& name) {
  if (is_accuracy(name)) return Metric(make_mean("accuracy", {name, {}}, {}, accuracy_by_shape));
  std::string known;
  for (const Row& row : rows()) {
    if (name == row.class_name) return row.make({});
    for (const char* alias : row.names) {
      if (name == alias && row.class_name != std::string("SensitivityAtSpecificity")) return row.make({{"name", name}});
      known += ", " + std::string(alias);
    }
  }
  throw ValueError("unknown metric '" + name + "'. Known are accuracy" + known +
                   ", and the class names such as AUC; metrics::custom(function, name) makes others.");
}

Metric make_metric(const std::string& class_name, const Config& config) {
  for (const Row& row : rows())
    if (class_name == row.class_name) return row.make(config);
  if (class_name == "Accuracy") return Accuracy(options_from<MetricOptions>(config));
  if (class_name == "accuracy")
    return Metric(
        make_mean("accuracy", common_options(options_from<MetricOptions>(config), "accuracy"), {}, accuracy_by_shape));
  throw ValueError("unknown metric '" + class_name + "'. Name the class in custom_objects.");
}

std::shared_ptr<const Metric::Base> BuiltIn::clone() const {
  Config config = config_;
  config.set("name", options.name);
  config.set("dtype", options.dtype);
  return make_metric(class_name_, config).impl();
}

Mean::Mean(const MetricOptions& o) : Metric(make_mean("Mean", common_options(o, "mean"))) {}
void Mean::update_state(const Tensor& values, const Tensor& weight) const { Metric::update_state(values, weight); }
Tensor Mean::operator()(const Tensor& values, const Tensor& weight) const { return Metric::operator()(values, weight); }
Sum::Sum(const MetricOptions& o) : Metric(make_sum(common_options(o, "sum"))) {}
void Sum::update_state(const Tensor& values, const Tensor& weight) const { Metric::update_state(values, weight); }
Tensor Sum::operator()(const Tensor& values, const Tensor& weight) const { return Metric::operator()(values, weight); }

Accuracy::Accuracy(const MetricOptions& o) : Metric(mean_of("Accuracy", "accuracy", o, accuracy)) {}
BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& o)
    : Metric(mean_of("BinaryAccuracy", "binary_accuracy", o,
                     [o](const Tensor& t, const Tensor& p) { return binary_accuracy(t, p, o); })) {}
CategoricalAccuracy::CategoricalAccuracy(const MetricOptions& o)
    : Metric(mean_of("CategoricalAccuracy", "categorical_accuracy", o, categorical_accuracy)) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const MetricOptions& o)
    : Metric(mean_of("SparseCategoricalAccuracy", "sparse_categorical_accuracy", o, sparse_categorical_accuracy)) {}
TopKCategoricalAccuracy::TopKCategoricalAccuracy(const TopKOptions& o)
    : Metric(mean_of("TopKCategoricalAccuracy", "top_k_categorical_accuracy", o,
                     [o](const Tensor& t, const Tensor& p) { return top_k_categorical_accuracy(t, p, o); })) {}
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(const TopKOptions& o)
    : Metric(mean_of("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy", o,
                     [o](const Tensor& t, const Tensor& p) { return sparse_top_k_categorical_accuracy(t, p, o); })) {}

TruePositives::TruePositives(const CountOptions& o) : Metric(make_count("TruePositives", "true_positives", o)) {}
TrueNegatives::TrueNegatives(const CountOptions& o) : Metric(make_count("TrueNegatives", "true_negatives", o)) {}
FalsePositives::FalsePositives(const CountOptions& o) : Metric(make_count("FalsePositives", "false_positives", o)) {}
FalseNegatives::FalseNegatives(const CountOptions& o) : Metric(make_count("FalseNegatives", "false_negatives", o)) {}
Precision::Precision(const PrecisionOptions& o) : Metric(make_ratio("Precision", "precision", o)) {}
Recall::Recall(const RecallOptions& o) : Metric(make_ratio("Recall", "recall", o)) {}
SensitivityAtSpecificity::SensitivityAtSpecificity(double value, const AtOptions& o)
    : Metric(make_at("SensitivityAtSpecificity", "sensitivity_at_specificity", "specificity", value, o)) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(double value, const AtOptions& o)
    : Metric(make_at("SpecificityAtSensitivity", "specificity_at_sensitivity", "sensitivity", value, o)) {}
PrecisionAtRecall::PrecisionAtRecall(double value, const AtOptions& o)
    : Metric(make_at("PrecisionAtRecall", "precision_at_recall", "recall", value, o)) {}
RecallAtPrecision::RecallAtPrecision(double value, const AtOptions& o)
    : Metric(make_at("RecallAtPrecision", "recall_at_precision", "precision", value, o)) {}
AUC::AUC(const AUCOptions& o) : Metric(make_auc(o)) {}

MeanSquaredError::MeanSquaredError(const MetricOptions& o)
    : Metric(mean_of("MeanSquaredError", "mean_squared_error", o, losses::mean_squared_error)) {}
RootMeanSquaredError::RootMeanSquaredError(const MetricOptions& o)
    : Metric(make_mean(
          "RootMeanSquaredError", common_options(o, "root_mean_squared_error"), {},
          [](const Tensor& y_true, const Tensor& y_pred) {
            const auto [t, p] = fit_labels("root_mean_squared_error", y_true, y_pred);
            return square(p - t);
          },
          true)) {}
MeanAbsoluteError::MeanAbsoluteError(const MetricOptions& o)
    : Metric(mean_of("MeanAbsoluteError", "mean_absolute_error", o, losses::mean_absolute_error)) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(const MetricOptions& o)
    : Metric(mean_of("MeanAbsolutePercentageError", "mean_absolute_percentage_error", o,
                     losses::mean_absolute_percentage_error)) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const MetricOptions& o)
    : Metric(mean_of("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", o,
                     losses::mean_squared_logarithmic_error)) {}
LogCoshError::LogCoshError(const MetricOptions& o) : Metric(mean_of("LogCoshError", "logcosh", o, losses::log_cosh)) {}
CosineSimilarity::CosineSimilarity(const CosineSimilarityOptions& o)
    : Metric(mean_of("CosineSimilarity", "cosine_similarity", o, [o](const Tensor& t, const Tensor& p) {
        return -losses::cosine_similarity(t, p, {.axis = o.axis});
      })) {}
KLDivergence::KLDivergence(const MetricOptions& o)
    : Metric(mean_of("KLDivergence", "kl_divergence", o, losses::kl_divergence)) {}
Poisson::Poisson(const MetricOptions& o) : Metric(mean_of("Poisson", "poisson", o, losses::poisson)) {}
Hinge::Hinge(const MetricOptions& o) : Metric(mean_of("Hinge", "hinge", o, losses::hinge)) {}
SquaredHinge::SquaredHinge(const MetricOptions& o)
    : Metric(mean_of("SquaredHinge", "squared_hinge", o, losses::squared_hinge)) {}
CategoricalHinge::CategoricalHinge(const MetricOptions& o)
    : Metric(mean_of("CategoricalHinge", "categorical_hinge", o, losses::categorical_hinge)) {}

BinaryCrossentropy::BinaryCrossentropy(const BinaryCrossentropyOptions& o)
    : Metric(mean_of("BinaryCrossentropy", "binary_crossentropy", o, [o](const Tensor& t, const Tensor& p) {
        return losses::binary_crossentropy(t, p, {.from_logits = o.from_logits, .label_smoothing = o.label_smoothing});
      })) {}
CategoricalCrossentropy::CategoricalCrossentropy(const CategoricalCrossentropyOptions& o)
    : Metric(mean_of("CategoricalCrossentropy", "categorical_crossentropy", o, [o](const Tensor& t, const Tensor& p) {
        return losses::categorical_crossentropy(
            t, p, {.from_logits = o.from_logits, .label_smoothing = o.label_smoothing, .axis = o.axis});
      })) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& o)
    : Metric(mean_of("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", o,
                     [o](const Tensor& t, const Tensor& p) {
                       return losses::sparse_categorical_crossentropy(
                           t, p, {.from_logits = o.from_logits, .ignore_class = o.ignore_class, .axis = o.axis});
                     })) {}

}  // namespace strata::metrics
