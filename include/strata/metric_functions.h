/// \file
/// Metrics as functions: one value for each sample, without a state.
#pragma once

#include "strata/metrics.h"

namespace strata::metrics {

/// One value, 1 or 0, for each sample: the classes of these names without their means.
STRATA_API Tensor accuracy(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred,
                                  const BinaryAccuracyOptions& options = {});
STRATA_API Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
STRATA_API Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred,
                                             const TopKOptions& options = {});
STRATA_API Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred,
                                                    const TopKOptions& options = {});

STRATA_API Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred,
                                      const CorrelationOptions& options = {});
STRATA_API Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred,
                                          const CorrelationOptions& options = {});

}  // namespace strata::metrics
