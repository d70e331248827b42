// Where batches come from, and how an element of a data set is taken apart.
#pragma once

#include <optional>

#include "models/trainer.h"
#include "strata/data.h"

namespace strata {

struct Feed {
  data::detail::SourcePtr source;
  std::size_t inputs = 1, targets = 1;
  ClassWeight class_weight = {};
  Tensors arrays = {};  // x, where it is made of arrays

  Batch batch_of(const Tensors& element) const;
  data::AnyDataset dataset() const { return data::AnyDataset(source); }
};

// Throws ShapeError unless all have one number of samples, above 0; returns it.
std::int64_t check_samples(const Tensors& x, const Tensors& y, const Tensors& sample_weight, const char* where);
// Rows `from` to `to` of each.
Tensors rows_of(const Tensors& all, std::int64_t from, std::int64_t to);

Feed feed_of_arrays(const Tensors& x, const Tensors& y, const Tensors& sample_weight, std::int64_t batch_size,
                    bool shuffle);
Feed feed_of_source(const Model& model, const data::detail::SourcePtr& source);
// The batch with the weights of its classes multiplied into its sample weights.
void apply_class_weight(Batch& batch, const ClassWeight& weights);

}  // namespace strata
