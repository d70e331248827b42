// Inputs for the matrix product.
#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {

void samples_linalg(std::vector<OpSample>& out) {
  for (bool a : {false, true}) {
    for (bool b : {false, true}) {
      const OpPtr op = make_registered_op("matmul", {{"transpose_a", a}, {"transpose_b", b}});
      const Shape left = a ? Shape{3, 2} : Shape{2, 3}, right = b ? Shape{4, 3} : Shape{3, 4};
      auto batched = [](const Shape& lead, const Shape& matrix) {
        Shape shape = lead;
        for (std::int64_t d : matrix) shape.push_back(d);
        return spread(shape);
      };
      out.push_back({op, {spread(left), spread(right)}});
      out.push_back({op, {batched({5}, left), spread(right)}});
      out.push_back({op, {spread(left), batched({5}, right)}});
      out.push_back({op, {batched({2, 1}, left), batched({1, 3}, right)}});
      out.push_back({op, {cast(batched({2}, left), float16), cast(batched({2}, right), float16)}, false});
      out.push_back({op, {cast(spread(left, -9, 9), int32), cast(spread(right, -9, 9), int32)}});
    }
  }
  const OpPtr plain = make_registered_op("matmul", {{"transpose_a", false}, {"transpose_b", false}});
  out.push_back({plain, {spread({0, 3}), spread({3, 4})}});
  out.push_back({plain, {spread({2, 0}), spread({0, 4})}});
  out.push_back({plain, {spread({2, 3}), spread({3, 0})}});
  out.push_back({plain, {spread({33, 65}), spread({65, 17})}, false});
}

}  // namespace strata::test
