#include "graph/row_gradients.h"

#include <memory>
#include <unordered_map>

#include "core/tensor_data.h"

namespace strata {

namespace {

struct Entry {
  std::weak_ptr<const detail::TensorData> gradient;
  std::vector<SummedRows> parts;
};
// Between the tape and the optimizer of one thread.
thread_local std::unordered_map<const detail::TensorData*, Entry> notes;

}  // namespace

void note_rows(const Tensor& gradient, std::vector<SummedRows> parts) {
  std::erase_if(notes, [](const auto& note) { return note.second.gradient.expired(); });
  notes[gradient.impl().get()] = {gradient.impl(), std::move(parts)};
}

std::vector<SummedRows> summed_rows_of(const Tensor& gradient) {
  const auto found = notes.find(gradient.impl().get());
  return found == notes.end() || found->second.gradient.expired() ? std::vector<SummedRows>() : found->second.parts;
}

Tensor add_gradients(const Tensor& a, const Tensor& b) {
  Tensor sum = add(a, b);
  if (notes.empty()) return sum;
  std::vector<SummedRows> parts = summed_rows_of(a);
  const std::vector<SummedRows> others = summed_rows_of(b);
  if (parts.empty() || others.empty()) return sum;
  parts.insert(parts.end(), others.begin(), others.end());
  note_rows(sum, std::move(parts));
  return sum;
}

}  // namespace strata
