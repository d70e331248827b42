#include "strata/data_utils.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/generator.h"
#include "data/source.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"

namespace strata::utils {

namespace {

using Rows = std::vector<std::int64_t>;

void shuffle_rows(Rows& rows, data::detail::OrderRandom& random) {
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
}

// A size below 1 is a part, rounded up or down; else a number.
std::int64_t count_of(double size, std::int64_t rows, bool up) {
  if (size < 1)
    return static_cast<std::int64_t>(up ? std::ceil(size * static_cast<double>(rows))
                                        : std::floor(size * static_cast<double>(rows)));
  return static_cast<std::int64_t>(size);
}

// How many of each class: proportional, the largest remainders rounded up.
std::map<std::int64_t, std::int64_t> quotas(const std::map<std::int64_t, Rows>& classes, std::int64_t rows,
                                            std::int64_t wanted) {
  std::map<std::int64_t, std::int64_t> out;
  std::vector<std::pair<double, std::int64_t>> rest;
  std::int64_t given = 0;
  for (const auto& [label, members] : classes) {
    const double share = static_cast<double>(members.size()) * static_cast<double>(wanted) / static_cast<double>(rows);
    out[label] = static_cast<std::int64_t>(share);
    given += out[label];
    rest.emplace_back(-(share - std::floor(share)), label);
  }
  std::sort(rest.begin(), rest.end());
  for (std::size_t i = 0; given < wanted && i < rest.size(); ++i, ++given) ++out[rest[i].second];
  return out;
}

std::pair<Rows, Rows> stratified(const Tensor& labels, std::int64_t rows, std::int64_t train, std::int64_t test,
                                 data::detail::OrderRandom& random) {
  if (labels.size() != rows)
    throw ShapeError("train_test_split: stratify has shape " + to_string(labels.shape()) +
                     ", expected one label for "
                     "each of the " +
                     std::to_string(rows) + " rows.");
  std::map<std::int64_t, Rows> classes;
  const auto values = labels.to_vector<std::int64_t>();
  for (std::int64_t i = 0; i < rows; ++i) classes[values[static_cast<std::size_t>(i)]].push_back(i);
  for (const auto& [label, members] : classes)
    if (members.size() < 2)
      throw ValueError("train_test_split: class " + std::to_string(label) +
                       " of stratify has one member, which cannot be in both parts. Leave it out, or do not stratify.");
  const auto classes_count = static_cast<std::int64_t>(classes.size());
  if (train < classes_count || test < classes_count)
    throw ValueError("train_test_split: parts of " + std::to_string(train) + " and " + std::to_string(test) +
                     " rows cannot hold all " + std::to_string(classes_count) + " classes of stratify.");
  const auto for_test = quotas(classes, rows, test), for_train = quotas(classes, rows, train);
  std::pair<Rows, Rows> out;
  for (auto& [label, members] : classes) {
    shuffle_rows(members, random);
    const auto t = std::min<std::int64_t>(for_test.at(label), static_cast<std::int64_t>(members.size()));
    const auto end = std::min<std::int64_t>(t + for_train.at(label), static_cast<std::int64_t>(members.size()));
    out.second.insert(out.second.end(), members.begin(), members.begin() + t);
    out.first.insert(out.first.end(), members.begin() + t, members.begin() + end);
  }
  shuffle_rows(out.first, random);
  shuffle_rows(out.second, random);
  return out;
}

Tensor tensor_of(Rows rows) {
  const auto n = static_cast<std::int64_t>(rows.size());
  return Tensor::adopt(std::move(rows), {n});
}

}  // namespace

std::pair<Tensor, Tensor> detail::split_rows(std::int64_t rows, const TrainTestSplitOptions& o) {
  auto fail = [&](const std::string& what) {
    throw ValueError("train_test_split: " + what + " of " + std::to_string(rows) +
                     " rows. Give parts between 0 and 1, or numbers of rows, that leave some for both.");
  };
  for (const auto& size : {o.test_size, o.train_size})
    if (size && (!(*size > 0) || (*size >= 1 && *size != std::floor(*size))))
      fail("a size is " + std::to_string(*size));
  std::int64_t test = 0, train = 0;
  if (o.test_size || !o.train_size) test = count_of(o.test_size.value_or(0.25), rows, true);
  if (o.train_size) train = count_of(*o.train_size, rows, false);
  if (!o.train_size) train = rows - test;
  if (!o.test_size && o.train_size) test = rows - train;
  if (train < 1 || test < 1 || train + test > rows)
    fail("there would be " + std::to_string(train) + " rows for training and " + std::to_string(test) +
         " for testing, out");
  data::detail::OrderRandom random(o.random_state ? static_cast<std::uint64_t>(*o.random_state) : next_random_seed(),
                                   0);
  if (o.stratify) {
    if (!o.shuffle) throw ValueError("train_test_split: stratify needs shuffle = true.");
    auto [a, b] = stratified(*o.stratify, rows, train, test, random);
    return {tensor_of(std::move(a)), tensor_of(std::move(b))};
  }
  Rows order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  if (!o.shuffle)
    return {tensor_of(Rows(order.begin(), order.begin() + train)),
            tensor_of(Rows(order.begin() + train, order.begin() + train + test))};
  shuffle_rows(order, random);
  return {tensor_of(Rows(order.begin() + test, order.begin() + test + train)),
          tensor_of(Rows(order.begin(), order.begin() + test))};
}

Tensor detail::take_rows(const Tensor& x, const Tensor& rows) { return gather(x, rows, 0); }

std::pair<std::int64_t, std::int64_t> split_sizes(std::int64_t elements, double left_size,
                                                  const SplitDatasetOptions& o) {
  const std::int64_t left = left_size < 1
                                ? static_cast<std::int64_t>(std::llround(left_size * static_cast<double>(elements)))
                                : static_cast<std::int64_t>(left_size);
  std::int64_t right = elements - left;
  if (o.right_size)
    right = *o.right_size < 1 ? static_cast<std::int64_t>(std::llround(*o.right_size * static_cast<double>(elements)))
                              : static_cast<std::int64_t>(*o.right_size);
  if (!(left_size > 0) || left < 1 || right < 1 || left + right > elements)
    throw ValueError("split_dataset: " + std::to_string(left) + " elements on the left and " + std::to_string(right) +
                     " on the right do not fit " + std::to_string(elements) +
                     ". Give parts between 0 and 1, or numbers of elements.");
  return {left, right};
}

std::vector<std::pair<int, double>> balanced_class_weights(const Tensor& y) {
  if (y.rank() > 2 || (y.rank() == 2 && y.shape()[1] != 1))
    throw ShapeError("balanced_class_weights: labels have shape " + to_string(y.shape()) +
                     ". Give class numbers (n): argmax(y, -1) of one-hot rows.");
  std::map<int, std::int64_t> counts;
  for (const std::int64_t label : y.to_vector<std::int64_t>()) ++counts[static_cast<int>(label)];
  std::vector<std::pair<int, double>> out;
  for (const auto& [label, count] : counts)
    out.emplace_back(label,
                     static_cast<double>(y.size()) / (static_cast<double>(counts.size()) * static_cast<double>(count)));
  return out;
}

namespace {

// The rows at which windows begin.
Tensor window_starts(const Tensor& data, std::int64_t length, const TimeseriesOptions& o, std::int64_t most) {
  const std::int64_t rows = data.shape().at(0), first = o.start_index.value_or(0), end = o.end_index.value_or(rows);
  if (length < 1 || o.sequence_stride < 1 || o.sampling_rate < 1 || (o.batch_size && *o.batch_size < 1))
    throw ValueError(
        "timeseries_dataset_from_array: sequence_length, sequence_stride, sampling_rate and batch_size must be "
        "positive.");
  if (first < 0 || end > rows || first >= end)
    throw ValueError("timeseries_dataset_from_array: rows " + std::to_string(first) + " to " + std::to_string(end) +
                     " are not within the " + std::to_string(rows) + " of the data.");
  Rows starts;
  for (std::int64_t i = 0; i + (length - 1) * o.sampling_rate < end - first && i < most; i += o.sequence_stride)
    starts.push_back(first + i);
  if (starts.empty())
    throw ValueError("timeseries_dataset_from_array: " + std::to_string(end - first) + " rows hold no window of " +
                     std::to_string(length) + ". Make sequence_length smaller.");
  return tensor_of(std::move(starts));
}

data::Dataset<Tensor> start_batches(const Tensor& starts, const TimeseriesOptions& o) {
  auto dataset = data::from_tensor_slices(starts);
  if (o.shuffle) dataset = dataset.shuffle(starts.shape()[0], {.seed = o.seed});
  return o.batch_size ? dataset.batch(*o.batch_size) : dataset;
}

Tensor windows(const Tensor& data, const Tensor& starts, std::int64_t length, std::int64_t rate) {
  const Tensor offsets = range(length, {.dtype = int64}) * Tensor(rate);
  return gather(data, expand_dims(starts, -1) + offsets, 0);
}

}  // namespace

data::Dataset<Tensor> timeseries_dataset_from_array(const Tensor& data, std::int64_t sequence_length,
                                                    const TimeseriesOptions& o) {
  return start_batches(window_starts(data, sequence_length, o, data.shape().at(0)), o).map([=](const Tensor& starts) {
    return windows(data, starts, sequence_length, o.sampling_rate);
  });
}

data::Dataset<Tensor, Tensor> timeseries_dataset_from_array(const Tensor& data, const Tensor& targets,
                                                            std::int64_t sequence_length, const TimeseriesOptions& o) {
  const std::int64_t first = o.start_index.value_or(0);
  const Tensor starts = window_starts(data, sequence_length, o, targets.shape().at(0));
  return start_batches(starts, o).map([=](const Tensor& at) {
    return std::pair(windows(data, at, sequence_length, o.sampling_rate), gather(targets, at - Tensor(first), 0));
  });
}

Tensor pad_sequences(const std::vector<std::vector<std::int64_t>>& sequences, const PadSequencesOptions& o) {
  for (const auto& [name, side] : {std::pair("padding", o.padding), std::pair("truncating", o.truncating)})
    if (side != "pre" && side != "post")
      throw ValueError(std::string("pad_sequences: ") + name + " is \"" + side + "\". Use \"pre\" or \"post\".");
  std::int64_t length = 0;
  for (const auto& sequence : sequences) length = std::max(length, static_cast<std::int64_t>(sequence.size()));
  length = o.maxlen.value_or(length);
  if (length < 0) throw ValueError("pad_sequences: maxlen is " + std::to_string(length) + ". Give a number from 0 on.");
  std::vector<double> values(sequences.size() * static_cast<std::size_t>(length), o.value);
  for (std::size_t row = 0; row < sequences.size(); ++row) {
    const auto& sequence = sequences[row];
    const auto size = static_cast<std::int64_t>(sequence.size()), kept = std::min(size, length);
    const std::int64_t from = o.truncating == "pre" ? size - kept : 0, to = o.padding == "pre" ? length - kept : 0;
    std::copy_n(sequence.begin() + from, kept, values.begin() + static_cast<std::int64_t>(row) * length + to);
  }
  const auto rows = static_cast<std::int64_t>(sequences.size());
  return cast(Tensor::adopt(std::move(values), {rows, length}), dtype_from_string(o.dtype));
}

}  // namespace strata::utils
