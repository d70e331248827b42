// The classes of metrics and their names.
#include "strata/metrics.h"

#include "losses/weights.h"
#include "metrics/state.h"
#include "strata/losses.h"
#include "strata/math.h"
#include "strata/metric_functions.h"

namespace strata::metrics {

namespace {

// A choice whose absence Keras writes as None.
template <class S>
struct NoneWhereEmpty {
  S& text;
};
template <class S>
NoneWhereEmpty(S&) -> NoneWhereEmpty<S>;

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
  if constexpr (requires { o.target_class_ids; }) v("target_class_ids", o.target_class_ids);
  if constexpr (requires { o.sparse_y_true; }) v("sparse_y_true", o.sparse_y_true);
  if constexpr (requires { o.sparse_y_pred; }) v("sparse_y_pred", o.sparse_y_pred);
  if constexpr (requires { o.average; }) v("average", NoneWhereEmpty{o.average});
  if constexpr (requires { o.beta; }) v("beta", o.beta);
  if constexpr (requires { o.class_aggregation; }) v("class_aggregation", NoneWhereEmpty{o.class_aggregation});
  if constexpr (requires { o.num_regressors; }) v("num_regressors", o.num_regressors);
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
  void operator()(const char* name, const std::optional<double>& v) {
    config.set(name, v ? Config::Value(*v) : Config::Value());
  }
  template <class S>
  void operator()(const char* name, const NoneWhereEmpty<S>& v) {
    config.set(name, v.text.empty() ? Config::Value() : Config::Value(v.text));
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
  void operator()(const char* name, std::optional<double>& v) {
    if (const auto* value = config.find(name); value != nullptr && !value->is_none()) v = config.get<double>(name);
  }
  template <class S>
  void operator()(const char* name, NoneWhereEmpty<S> v) {
    if (const auto* value = config.find(name)) v.text = value->is_none() ? "" : value->as_string();
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

template <class M, class O>
Metric make_with_classes(const Config& config) {
  const int classes = config.get<int>("num_classes");
  if constexpr (std::constructible_from<M, int, std::vector<std::int64_t>, O>)
    return M(classes, config.get<std::vector<std::int64_t>>("target_class_ids"), options_from<O>(config));
  else
    return M(classes, options_from<O>(config));
}

const Row kRows[] = {
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
    {"IoU", {"io_u"}, make_with_classes<IoU, IoUOptions>},
    {"MeanIoU", {"mean_io_u"}, make_with_classes<MeanIoU, IoUOptions>},
    {"BinaryIoU", {"binary_io_u"}, make_class<BinaryIoU, BinaryIoUOptions>},
    {"OneHotIoU", {"one_hot_io_u"}, make_with_classes<OneHotIoU, OneHotIoUOptions>},
    {"OneHotMeanIoU", {"one_hot_mean_io_u"}, make_with_classes<OneHotMeanIoU, OneHotIoUOptions>},
    {"FBetaScore", {"fbeta_score", "f_beta_score"}, make_class<FBetaScore, FBetaScoreOptions>},
    {"F1Score", {"f1_score"}, make_class<F1Score, F1ScoreOptions>},
    {"R2Score", {"r2_score"}, make_class<R2Score, R2ScoreOptions>},
    {"PearsonCorrelation", {"pearson_correlation"}, make_class<PearsonCorrelation, CorrelationOptions>},
    {"ConcordanceCorrelation", {"concordance_correlation"}, make_class<ConcordanceCorrelation, CorrelationOptions>},
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

}  // namespace

Metric make_metric_by_name(const std::string& name) {
  if (is_accuracy(name)) return Metric(make_mean("accuracy", {name, {}}, {}, accuracy_by_shape));
  std::string known;
  for (const Row& row : kRows) {
    if (name == row.class_name) return row.make({{"name", name}});
    for (const char* alias : row.names) {
      if (name == alias && row.class_name != std::string("SensitivityAtSpecificity")) return row.make({{"name", name}});
      known += ", " + std::string(alias);
    }
  }
  throw ValueError("unknown metric '" + name + "'. Known are accuracy" + known +
                   ", and the class names such as AUC; metrics::custom(function, name) makes others.");
}

Metric make_metric(const std::string& class_name, const Config& config) {
  for (const Row& row : kRows)
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

namespace {
template <class O>
Config config_of(const O& options) {
  Writer write;
  visit(options, write);
  return write.config;
}
template <class O>
Config config_of(const O& options, int num_classes, const std::vector<std::int64_t>& ids = {}) {
  Config config = {{"num_classes", num_classes}};
  if (!ids.empty()) config.set("target_class_ids", ids);
  return config.update(config_of(options));
}
std::vector<std::int64_t> all_classes(int n) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < n; ++i) ids.push_back(i);
  return ids;
}
}  // namespace

IoU::IoU(int n, const std::vector<std::int64_t>& ids, const IoUOptions& o)
    : Metric(make_iou("IoU", config_of(o, n, ids), common_options(o, "io_u"),
                      {n, ids, o.ignore_class, o.sparse_y_true, o.sparse_y_pred, o.axis, {}})) {}
MeanIoU::MeanIoU(int n, const IoUOptions& o)
    : Metric(make_iou("MeanIoU", config_of(o, n), common_options(o, "mean_io_u"),
                      {n, all_classes(n), o.ignore_class, o.sparse_y_true, o.sparse_y_pred, o.axis, {}})) {}
BinaryIoU::BinaryIoU(const BinaryIoUOptions& o)
    : Metric(make_iou("BinaryIoU", config_of(o), common_options(o, "binary_io_u"),
                      {2, o.target_class_ids, {}, true, true, -1, o.threshold})) {}
OneHotIoU::OneHotIoU(int n, const std::vector<std::int64_t>& ids, const OneHotIoUOptions& o)
    : Metric(make_iou("OneHotIoU", config_of(o, n, ids), common_options(o, "one_hot_io_u"),
                      {n, ids, o.ignore_class, false, o.sparse_y_pred, o.axis, {}})) {}
OneHotMeanIoU::OneHotMeanIoU(int n, const OneHotIoUOptions& o)
    : Metric(make_iou("OneHotMeanIoU", config_of(o, n), common_options(o, "one_hot_mean_io_u"),
                      {n, all_classes(n), o.ignore_class, false, o.sparse_y_pred, o.axis, {}})) {}
FBetaScore::FBetaScore(const FBetaScoreOptions& o)
    : Metric(make_f_beta("FBetaScore", config_of(o), common_options(o, "fbeta_score"), o)) {}
F1Score::F1Score(const F1ScoreOptions& o)
    : Metric(make_f_beta("F1Score", config_of(o), common_options(o, "f1_score"),
                         {.average = o.average, .threshold = o.threshold})) {}
R2Score::R2Score(const R2ScoreOptions& o) : Metric(make_r2(config_of(o), common_options(o, "r2_score"), o)) {}
PearsonCorrelation::PearsonCorrelation(const CorrelationOptions& o)
    : Metric(mean_of("PearsonCorrelation", "pearson_correlation", o,
                     [o](const Tensor& t, const Tensor& p) { return pearson_correlation(t, p, o); })) {}
ConcordanceCorrelation::ConcordanceCorrelation(const CorrelationOptions& o)
    : Metric(mean_of("ConcordanceCorrelation", "concordance_correlation", o,
                     [o](const Tensor& t, const Tensor& p) { return concordance_correlation(t, p, o); })) {}

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
