/// \file
/// Losses: how far predictions are from the truth. Names, defaults and numbers are Keras 3.15's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/loss.h"

namespace strata::losses {

/// Cross-entropy between a distribution over classes (one-hot, say) and predicted probabilities, or logits.
struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;  ///< of the classes
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API CategoricalCrossentropy : Loss {
  CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {});
};

/// The same for integer labels: (batch) or (batch, 1) labels with (batch, classes) predictions. Throws ValueError for a
/// label outside of the classes.
struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int> ignore_class = {};  ///< samples of this label do not count
  std::string reduction = "sum_over_batch_size";
  int axis = -1;
  std::string name = {}, dtype = {};
};
struct STRATA_API SparseCategoricalCrossentropy : Loss {
  SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {});
};

/// Cross-entropy of labels 0 and 1 with one probability, or logit, each.
struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;  ///< over which the mean is taken
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API BinaryCrossentropy : Loss {
  BinaryCrossentropy(const BinaryCrossentropyOptions& options = {});
};

/// Cross-entropies that count examples less which are classified well already (Lin et al. 2018).
struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API BinaryFocalCrossentropy : Loss {
  BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options = {});
};
struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25, gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API CategoricalFocalCrossentropy : Loss {
  CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& options = {});
};

struct STRATA_API MeanSquaredError : Loss {
  MeanSquaredError(const LossOptions& options = {});
};
struct STRATA_API MeanAbsoluteError : Loss {
  MeanAbsoluteError(const LossOptions& options = {});
};
/// 100 |y_true - y_pred| / |y_true|
struct STRATA_API MeanAbsolutePercentageError : Loss {
  MeanAbsolutePercentageError(const LossOptions& options = {});
};
/// (log(y_true + 1) - log(y_pred + 1))^2
struct STRATA_API MeanSquaredLogarithmicError : Loss {
  MeanSquaredLogarithmicError(const LossOptions& options = {});
};
/// log(cosh(y_pred - y_true))
struct STRATA_API LogCosh : Loss {
  LogCosh(const LossOptions& options = {});
};
/// Squared up to `delta`, linear beyond.
struct HuberOptions {
  double delta = 1;
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API Huber : Loss {
  Huber(const HuberOptions& options = {});
  explicit Huber(double delta) : Huber(HuberOptions{.delta = delta}) {}
};

/// Hinge losses take labels -1 and 1; labels 0 and 1 are converted.
struct STRATA_API Hinge : Loss {
  Hinge(const LossOptions& options = {});
};
struct STRATA_API SquaredHinge : Loss {
  SquaredHinge(const LossOptions& options = {});
};
struct STRATA_API CategoricalHinge : Loss {
  CategoricalHinge(const LossOptions& options = {});
};
struct STRATA_API KLDivergence : Loss {
  KLDivergence(const LossOptions& options = {});
};
/// y_pred - y_true log(y_pred)
struct STRATA_API Poisson : Loss {
  Poisson(const LossOptions& options = {});
};
/// -1 for vectors of one direction, 0 for orthogonal ones, 1 for opposite ones.
struct CosineSimilarityOptions {
  int axis = -1;
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API CosineSimilarity : Loss {
  CosineSimilarity(const CosineSimilarityOptions& options = {});
};

/// Overlap losses for segmentation; over all axes where `axis` is empty.
struct DiceOptions {
  std::string reduction = "sum_over_batch_size", name = {};
  std::vector<std::int64_t> axis = {};
  std::string dtype = {};
};
struct STRATA_API Dice : Loss {
  Dice(const DiceOptions& options = {});
};
struct TverskyOptions {
  double alpha = 0.5, beta = 0.5;
  std::string reduction = "sum_over_batch_size", name = {};
  std::vector<std::int64_t> axis = {};
  std::string dtype = {};
};
struct STRATA_API Tversky : Loss {
  Tversky(const TverskyOptions& options = {});
};

/// Class numbers with wrong ones among them (Zhang and Sabuncu 2018): (1 - p^q) / q of the probability of the label.
struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;  ///< in (0, 1)
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API CategoricalGeneralizedCrossEntropy : Loss {
  CategoricalGeneralizedCrossEntropy(const CategoricalGeneralizedCrossEntropyOptions& options = {});
};

/// Similarities of all pairs of embeddings, which are normalized rows; y_true are class numbers (Sun et al. 2020).
struct CircleOptions {
  double gamma = 80, margin = 0.4;
  bool remove_diagonal = true;  ///< a sample is no pair with itself
  std::string reduction = "sum_over_batch_size", name = {}, dtype = {};
};
struct STRATA_API Circle : Loss {
  Circle(const CircleOptions& options = {});
};

/// Connectionist temporal classification (Graves et al. 2006): y_true are class numbers (batch, labels), filled up with
/// the blank 0; y_pred logits (batch, time, classes).
struct STRATA_API CTC : Loss {
  CTC(const LossOptions& options = {});
};

/// One value for each sample: the classes above without their reductions.
STRATA_API Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor huber(const Tensor& y_true, const Tensor& y_pred, const HuberOptions& options = {});
STRATA_API Tensor hinge(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor poisson(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred,
                                    const CosineSimilarityOptions& options = {});
STRATA_API Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                           const CategoricalCrossentropyOptions& options = {});
STRATA_API Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                                  const SparseCategoricalCrossentropyOptions& options = {});
STRATA_API Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                      const BinaryCrossentropyOptions& options = {});
STRATA_API Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                            const BinaryFocalCrossentropyOptions& options = {});
STRATA_API Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                                 const CategoricalFocalCrossentropyOptions& options = {});
STRATA_API Tensor dice(const Tensor& y_true, const Tensor& y_pred, const DiceOptions& options = {});
STRATA_API Tensor tversky(const Tensor& y_true, const Tensor& y_pred, const TverskyOptions& options = {});

STRATA_API Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred,
                                                        const CategoricalGeneralizedCrossEntropyOptions& options = {});
STRATA_API Tensor circle(const Tensor& y_true, const Tensor& y_pred, const CircleOptions& options = {});
STRATA_API Tensor ctc(const Tensor& y_true, const Tensor& y_pred);

}  // namespace strata::losses
