// Samples of reductions and of ops about the order of elements.
#include "strata/array.h"
#include "tests/support/op_samples.h"

namespace strata::test {
namespace {

Config reduced(const Shape& axes, bool keepdims) { return {{"axis", axes}, {"keepdims", keepdims}}; }

void reductions(std::vector<OpSample>& out) {
  for (const char* name : {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min"}) {
    for (const Shape& axes : {Shape{}, Shape{0}, Shape{2}, Shape{0, 2}, Shape{1, 2}, Shape{2, 0, 1}})
      for (bool keepdims : {false, true})
        out.push_back({make_registered_op(name, reduced(axes, keepdims)), {spread({2, 3, 4})}});
    out.push_back({make_registered_op(name, reduced({1}, false)), {spread({3, 0})}});
    out.push_back({make_registered_op(name, reduced({0}, false)), {Tensor{{1, 5, 3}, {4, -2, 6}}}});
    out.push_back({make_registered_op(name, reduced({0}, false)), {cast(spread({3, 2}), float16)}, false});
  }
  for (int axis : {0, 1, 2})
    out.push_back({make_registered_op("reduce_prod", reduced({axis}, axis == 1)), {spread({2, 3, 4}, 0.5, 2)}});
  out.push_back({make_registered_op("reduce_prod", reduced({1}, false)), {Tensor{{1.f, 0.f, 2.f}, {0.f, 0.f, 3.f}}}});
  for (const char* name : {"reduce_any", "reduce_all"})
    for (const Shape& axes : {Shape{0}, Shape{0, 1}})
      out.push_back({make_registered_op(name, reduced(axes, false)), {Tensor{{true, false}, {true, true}}}});
}

void orders(std::vector<OpSample>& out) {
  for (const char* name : {"argmax", "argmin"})
    for (int axis : {0, 1, -1}) out.push_back({make_registered_op(name, {{"axis", axis}}), {spread({2, 3, 4})}});
  for (int axis : {0, -1})
    for (bool descending : {false, true})
      out.push_back({make_registered_op("argsort", {{"axis", axis}, {"descending", descending}}),
                     {Tensor{{3, 1, 2}, {1, 1, 5}}}});
  out.push_back({make_registered_op("top_k", {{"k", 2}}), {spread({3, 5})}});
  for (const char* name : {"cumsum", "cumprod"})
    for (bool exclusive : {false, true})
      for (bool reverse : {false, true})
        for (int axis : {0, -1})
          out.push_back({make_registered_op(name, {{"axis", axis}, {"exclusive", exclusive}, {"reverse", reverse}}),
                         {spread({3, 4}, 0.4, 2)}});
  out.push_back({make_registered_op("bincount", {{"minlength", 4}, {"maxlength", -1}}), {Tensor{1, 1, 5}}});
  out.push_back({make_registered_op("bincount", {{"minlength", 0}, {"maxlength", 3}}),
                 {Tensor{1, 1, 5}, Tensor{0.5f, 1.f, 2.f}}});
  for (bool right : {false, true})
    out.push_back({make_registered_op("searchsorted", {{"right", right}}),
                   {Tensor{{1.f, 3.f, 5.f}, {2.f, 4.f, 6.f}}, Tensor{{3.f, 0.f}, {7.f, 4.f}}}});
  out.push_back({make_registered_op("unique"), {Tensor{3, 1, 3, 2, 1}}});
}

}  // namespace

void samples_reduce(std::vector<OpSample>& out) {
  reductions(out);
  orders(out);
}

}  // namespace strata::test
