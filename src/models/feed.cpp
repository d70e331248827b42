#include "models/feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {

ValidationData::ValidationData(const data::AnyDataset& dataset) : source(dataset.source()) {}

Batch Feed::batch_of(const Tensors& element) const {
  Batch b;
  const std::size_t n = element.size();
  if (n < inputs)
    throw ValueError(fmt::format("a data set's element has {} tensors, but the model has {} inputs.", n, inputs));
  const auto x_end = element.begin() + static_cast<std::ptrdiff_t>(inputs);
  const auto y_end = element.begin() + static_cast<std::ptrdiff_t>(std::min(n, inputs + targets));
  b.x.assign(element.begin(), x_end);
  b.y.assign(x_end, y_end);
  b.sample_weight.assign(y_end, element.end());
  if (!class_weight.empty()) apply_class_weight(b, class_weight);
  return b;
}

// Labels are integers, or one-hot rows.
void apply_class_weight(Batch& batch, const ClassWeight& weights) {
  if (weights.empty()) return;
  if (batch.y.size() != 1) throw ValueError("fit: class_weight works for models with one output.");
  const Tensor& y = batch.y[0];
  const Tensor labels = y.rank() > 1 && y.shape().back() > 1 ? argmax(y, -1) : reshape(cast(y, int64), {-1});
  std::vector<float> values;
  for (std::int64_t label : labels.to_vector<std::int64_t>()) {
    double w = 1;
    for (const auto& [c, value] : weights)
      if (c == label) w = value;
    values.push_back(static_cast<float>(w));
  }
  const Tensor by_class = Tensor::adopt(std::move(values), labels.shape());
  if (batch.sample_weight.empty())
    batch.sample_weight = {by_class};
  else
    batch.sample_weight = {batch.sample_weight[0] * by_class};
}

std::int64_t check_samples(const Tensors& x, const Tensors& y, const Tensors& sample_weight, const char* where) {
  if (x.empty()) throw ValueError(std::string(where) + ": no x is given.");
  std::int64_t n = -1;
  for (const Tensors* list : {&x, &y, &sample_weight})
    for (const Tensor& t : *list) {
      if (!t.defined() || t.rank() == 0)
        throw ValueError(std::string(where) + ": x and y must be tensors with samples along the first dimension.");
      if (n >= 0 && t.shape()[0] != n)
        throw ShapeError(fmt::format("{}: {} have {} and {} samples. Their first dimensions must be equal.", where,
                                     list == &sample_weight ? "x and sample_weight" : "x and y", n, t.shape()[0]));
      n = t.shape()[0];
    }
  if (n == 0) throw ValueError(std::string(where) + ": there are no samples (the first dimension is 0).");
  return n;
}

Tensors rows_of(const Tensors& all, std::int64_t from, std::int64_t to) {
  Tensors out;
  for (const Tensor& t : all) out.push_back(t.rank() == 0 ? t : t[Slice(from, to)]);
  return out;
}

Feed feed_of_arrays(const Tensors& x, const Tensors& y, const Tensors& sample_weight, std::int64_t batch_size,
                    bool shuffle) {
  if (batch_size <= 0) throw ValueError(fmt::format("batch_size is {}; it must be positive.", batch_size));
  Tensors all = x;
  all.insert(all.end(), y.begin(), y.end());
  all.insert(all.end(), sample_weight.begin(), sample_weight.end());
  data::detail::SourcePtr source = data::detail::slices(all);
  if (shuffle) source = data::detail::shuffle(source, x[0].shape()[0], {});
  source = data::detail::batch(source, batch_size, {});
  return {data::detail::prefetch(source, 2), x.size(), y.size(), {}, x};
}

Feed feed_of_source(const Model& model, const data::detail::SourcePtr& source) {
  const std::size_t inputs = std::max<std::size_t>(model.inputs().size(), 1);
  const std::size_t outputs = std::max<std::size_t>(model.outputs().size(), 1);
  return {source, inputs, outputs, {}, {}};
}

}  // namespace strata
