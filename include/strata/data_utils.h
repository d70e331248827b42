/// \file
/// Dividing data: train_test_split, split_dataset, class weights; data sets of time series, of folders of pictures and
/// texts, and of CSV files.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/data.h"

namespace strata::utils {

struct TrainTestSplitOptions {
  std::optional<double> test_size = {};   ///< a part below 1, or a number of rows; 0.25 without train_size
  std::optional<double> train_size = {};  ///< the rest without it
  std::optional<std::int64_t> random_state = {};
  bool shuffle = true;
  std::optional<Tensor> stratify = {};  ///< labels (n) or (n, 1) whose proportions both parts keep
};

namespace detail {
/// Row numbers of the two parts.
STRATA_API std::pair<Tensor, Tensor> split_rows(std::int64_t rows, const TrainTestSplitOptions& options);
STRATA_API Tensor take_rows(const Tensor& x, const Tensor& rows);
}  // namespace detail

/// Rows for training and for testing, as scikit-learn divides them:
///
///     auto [x_train, x_test, y_train, y_test] = utils::train_test_split(x, y, {.test_size = 0.2, .stratify = y});
///
/// Throws ShapeError where the numbers of rows differ, ValueError for sizes that do not fit.
inline std::array<Tensor, 2> train_test_split(const Tensor& x, const TrainTestSplitOptions& options = {}) {
  const auto [train, test] = detail::split_rows(x.shape().at(0), options);
  return {detail::take_rows(x, train), detail::take_rows(x, test)};
}
template <std::convertible_to<Tensor> Y>  // so that braces are options
std::array<Tensor, 4> train_test_split(const Tensor& x, const Y& labels, const TrainTestSplitOptions& options = {}) {
  const Tensor y = labels;
  if (x.shape().at(0) != y.shape().at(0))
    throw ShapeError("train_test_split: x has " + std::to_string(x.shape()[0]) + " rows, y has " +
                     std::to_string(y.shape()[0]) + ". Both need the same number.");
  const auto [train, test] = detail::split_rows(x.shape()[0], options);
  return {detail::take_rows(x, train), detail::take_rows(x, test), detail::take_rows(y, train),
          detail::take_rows(y, test)};
}

struct SplitDatasetOptions {
  std::optional<double> right_size = {};  ///< the rest without it
  bool shuffle = false;
  std::optional<std::int64_t> seed = {};
};

/// The numbers of elements on the left and on the right. Throws ValueError where they do not fit.
STRATA_API std::pair<std::int64_t, std::int64_t> split_sizes(std::int64_t elements, double left_size,
                                                             const SplitDatasetOptions& options);

/// A data set in two; sizes are parts below 1 or numbers of elements. Throws ValueError where its size is not known.
///
///     auto [train, validation] = utils::split_dataset(dataset, 0.8, {.shuffle = true, .seed = 1});
template <class... T>
std::pair<data::Dataset<T...>, data::Dataset<T...>> split_dataset(const data::Dataset<T...>& dataset, double left_size,
                                                                  const SplitDatasetOptions& options = {}) {
  const std::int64_t n = dataset.size();
  const auto [left, right] = split_sizes(n, left_size, options);
  const auto source = options.shuffle && n > 1
                          ? dataset.shuffle(n, {.seed = options.seed.value_or(1234), .reshuffle_each_iteration = false})
                          : dataset;
  return {source.take(left), source.skip(left).take(right)};
}

/// For fit's class_weight: n / (classes * count of the class), so that all classes weigh alike. Labels (n) or (n, 1).
STRATA_API std::vector<std::pair<int, double>> balanced_class_weights(const Tensor& y);

struct PadSequencesOptions {
  std::optional<std::int64_t> maxlen = {};  ///< that of the longest
  std::string dtype = "int32";
  std::string padding = "pre", truncating = "pre";  ///< where values are put and taken away: or "post"
  double value = 0;
};
/// Lists of different lengths as one tensor (sequences, maxlen). Throws ValueError for an option.
STRATA_API Tensor pad_sequences(const std::vector<std::vector<std::int64_t>>& sequences,
                                const PadSequencesOptions& options = {});

struct TimeseriesOptions {
  std::int64_t sequence_stride = 1;  ///< from the start of a window to the next one
  std::int64_t sampling_rate = 1;    ///< from row to row within a window
  std::optional<std::int64_t> batch_size = 128;
  bool shuffle = false;
  std::optional<std::int64_t> seed = {};
  std::optional<std::int64_t> start_index = {}, end_index = {};
};

/// Windows of `sequence_length` rows of `data`; with targets, target i belongs to the window that begins at row i.
STRATA_API data::Dataset<Tensor> timeseries_dataset_from_array(const Tensor& data, std::int64_t sequence_length,
                                                               const TimeseriesOptions& options = {});
STRATA_API data::Dataset<Tensor, Tensor> timeseries_dataset_from_array(const Tensor& data, const Tensor& targets,
                                                                       std::int64_t sequence_length,
                                                                       const TimeseriesOptions& options = {});

}  // namespace strata::utils
