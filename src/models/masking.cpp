#include "strata/masking.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "core/tensor_data.h"
#include "models/masks.h"
#include "strata/math.h"

namespace strata {

namespace {

struct Entry {
  std::weak_ptr<const detail::TensorData> tensor;
  Tensor mask;
};
// Part of the thread's call context: a tensor has a mask as long as it lives.
thread_local std::unordered_map<const detail::TensorData*, Entry> masks;

// Keras's layers whose results keep the steps of their only input.
constexpr std::string_view kPass[] = {"Activation",
                                      "ActivityRegularization",
                                      "AlphaDropout",
                                      "BatchNormalization",
                                      "Dense",
                                      "Dropout",
                                      "ELU",
                                      "GaussianDropout",
                                      "GaussianNoise",
                                      "GroupNormalization",
                                      "Identity",
                                      "LayerNormalization",
                                      "LeakyReLU",
                                      "PReLU",
                                      "RMSNormalization",
                                      "ReLU",
                                      "Softmax",
                                      "SpatialDropout1D",
                                      "SpatialDropout2D",
                                      "SpatialDropout3D",
                                      "TimeDistributed",
                                      "UnitNormalization"};
// And those that merge equal ones: a step counts where it counts in any of them.
constexpr std::string_view kMerge[] = {"Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"};

template <std::size_t N>
bool is_in(const std::string_view (&names)[N], const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

Tensor mask_of(const Tensor& x) {
  if (masks.empty() || !x.defined()) return {};
  const auto found = masks.find(x.impl().get());
  return found == masks.end() || found->second.tensor.expired() ? Tensor() : found->second.mask;
}

void set_mask(const Tensor& x, const Tensor& mask) {
  if (!x.defined() || !mask.defined()) throw ValueError("set_mask: a tensor is undefined. Give both a value first.");
  if (detail::is_recorded(x) || detail::is_recorded(mask))
    throw ValueError(
        "set_mask: a tensor of Input() cannot have a mask. Use Masking, Embedding with mask_zero = true, "
        "or the mask argument of the layer.");
  masks[x.impl().get()] = {x.impl(), mask};
}

void drop_old_masks() {
  if (!masks.empty()) std::erase_if(masks, [](const auto& entry) { return entry.second.tensor.expired(); });
}

void pass_masks(const std::string& class_name, const Tensors& inputs, const Tensors& results) {
  if (masks.empty() || inputs.empty() || results.empty() || mask_of(results[0]).defined()) return;
  Tensor mask = mask_of(inputs[0]);
  if (!mask.defined()) return;
  if (is_in(kMerge, class_name)) {
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      const Tensor other = mask_of(inputs[i]);
      if (!other.defined()) return;
      mask = logical_or(mask, other);
    }
  } else if (!is_in(kPass, class_name)) {
    return;
  }
  set_mask(results[0], mask);
}

}  // namespace strata
