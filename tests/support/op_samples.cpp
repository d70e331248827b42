#include "tests/support/op_samples.h"

#include <string>
#include <utility>

#include "graph/registry.h"

namespace strata::test {

OpPtr make_registered_op(const char* name, const Config& config) {
  const OpRow* row = registry().find(name);
  if (row == nullptr || row->from_config == nullptr)
    throw ValueError(std::string("no op '") + name + "' in the registry that a configuration makes");
  return row->from_config(config);
}

Tensor spread(const Shape& shape, double low, double high) {
  const std::int64_t n = shape.num_elements();
  // The step has no divisor in common with n, so that every place is used once.
  std::int64_t step = n * 5 / 8 + 1;
  auto divisor = [](std::int64_t a, std::int64_t b) {
    while (b != 0) a = std::exchange(b, a % b);
    return a;
  };
  while (n > 0 && divisor(step, n) != 1) ++step;
  std::vector<float> values(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    values[static_cast<std::size_t>(i)] =
        static_cast<float>(low + (high - low) * (static_cast<double>(i * step % n) + 0.5) / static_cast<double>(n));
  return Tensor::from<float>(values, shape);
}

}  // namespace strata::test
