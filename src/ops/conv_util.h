// What the convolution ops share: their attributes, checks of shapes, and the way to the kernels.
#pragma once

#include <string>
#include <vector>

#include "graph/op.h"
#include "kernels/conv.h"
#include "ops/window.h"

namespace strata::conv {

// Strides and dilations have one entry for each spatial dimension, or a single one that counts for all.
struct Attributes {
  window::Ints strides = {1}, dilations = {1};
  std::string padding = "valid";
  std::int64_t groups = 1;
  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("strides", s.strides);
    v("dilations", s.dilations);
    v("padding", s.padding);
    v("groups", s.groups);
  }
};

// Throws unless a convolution of x with these filters exists. `op` without its rank: "conv".
void check(const Attributes& a, const char* op, const Spec& x, const Spec& filters);
void check_transpose(const Attributes& a, const Spec& x, const Spec& filters);

// One for each spatial dimension.
std::vector<window::Axis> axes(const Attributes& a, const Shape& filters);
kernels::Convolution geometry(const Attributes& a, const Shape& src, const Shape& filters, const Shape& dst);
Shape transposed_shape(const Attributes& a, const window::Ints& output_padding, const Shape& x, const Shape& filters);

Tensor forward(const Attributes& a, const Tensor& x, const Tensor& filters);
Tensor backprop_input(const Attributes& a, const Tensor& dy, const Tensor& filters, const Tensor& x);
Tensor backprop_filter(const Attributes& a, const Tensor& x, const Tensor& dy, const Tensor& filters);
Tensor transposed(const Attributes& a, const window::Ints& output_padding, const Tensor& x, const Tensor& filters);

}  // namespace strata::conv
