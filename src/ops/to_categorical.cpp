#include <algorithm>
#include <cmath>

#include "ops/array_util.h"
#include "strata/array.h"
#include "strata/utils.h"

namespace strata {
namespace {

// The label as an integer; throws where it is not one below `num_classes`.
std::int64_t class_of(double label, std::size_t position, std::int64_t num_classes) {
  if (label >= 0 && label < static_cast<double>(num_classes) && label == std::floor(label))
    return static_cast<std::int64_t>(label);
  std::string text = std::to_string(label);
  if (label == std::floor(label)) text.erase(text.find('.'));
  throw ValueError("to_categorical: label " + text + " at position " + std::to_string(position) +
                   " is no class: with num_classes = " + std::to_string(num_classes) + ", labels are 0 to " +
                   std::to_string(num_classes - 1) + ".");
}

}  // namespace

Tensor utils::to_categorical(const Tensor& y, std::optional<std::int64_t> num_classes) {
  check_defined("to_categorical", {&y, 1});
  if (num_classes && *num_classes < 1)
    throw ValueError("to_categorical: num_classes is " + std::to_string(*num_classes) + ", expected 1 or more.");
  Tensor labels = y.rank() > 1 && y.shape().back() == 1 ? squeeze(y, -1) : y;
  if (labels.is_symbolic()) {
    if (!num_classes)
      throw ValueError("to_categorical: the labels are symbolic, so that their number is not known. Give num_classes.");
    return one_hot(cast(labels, int64), *num_classes);
  }
  const std::vector<double> values = labels.to_vector<double>();
  const double largest = values.empty() ? -1 : *std::max_element(values.begin(), values.end());
  const std::int64_t classes = num_classes.value_or(static_cast<std::int64_t>(largest) + 1);
  Shape shape = labels.shape();
  shape.push_back(classes);
  Tensor out = zeros(shape);
  float* rows = detail::mutable_elements<float>(out);
  for (std::size_t i = 0; i < values.size(); ++i)
    rows[static_cast<std::int64_t>(i) * classes + class_of(values[i], i, classes)] = 1;
  return out;
}

}  // namespace strata
