#include "ops/conv_util.h"

#include <numeric>

#include "strata/error.h"

namespace strata::conv {
namespace {

void check_common(const std::string& op, const Spec& x, const Spec& filters) {
  if (x.shape.size() != filters.shape.size() || x.shape.size() < 3 || x.shape.size() > 5)
    throw ShapeError(op + ": input has shape " + to_string(x.shape) + " and filters have shape " +
                     to_string(filters.shape) +
                     ". Expected (batch, spatial dimensions..., channels) and (kernel sizes..., input channels, "
                     "output channels), with one to three spatial dimensions in both.");
  if (x.dtype != filters.dtype)
    throw DTypeError(op + ": input is " + to_string(x.dtype) + " but filters are " + to_string(filters.dtype) +
                     ". Cast one of them with cast().");
  if (!is_floating(x.dtype))
    throw DTypeError(op + ": input is " + to_string(x.dtype) +
                     ". Convolutions are for floating types: use cast(x, float32).");
}

// "1, 2 or 4": the numbers of groups that would do.
std::string common_divisors(std::int64_t a, std::int64_t b) {
  std::vector<std::int64_t> all;
  const std::int64_t g = std::gcd(a, b);
  for (std::int64_t d = 1; d <= g && all.size() < 8; ++d)
    if (g % d == 0) all.push_back(d);
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i)
    out += (i == 0 ? "" : i + 1 == all.size() ? " or " : ", ") + std::to_string(all[i]);
  return out;
}

std::string op_name(const char* op, const Spec& x) {
  return x.shape.size() < 3 || x.shape.size() > 5 ? op : window::with_rank(op, x.shape.rank());
}

}  // namespace

void check(const Attributes& a, const char* op_base, const Spec& x, const Spec& filters) {
  const std::string op = op_name(op_base, x);
  check_common(op, x, filters);
  const std::int64_t in = x.shape.back(), out = filters.shape.back(), per_group = filters.shape.at(-2);
  if (a.groups < 1) throw ValueError(op + ": groups=" + std::to_string(a.groups) + ". Use 1 or more.");
  if (in != None && in % a.groups != 0)
    throw ShapeError(op + ": input has " + std::to_string(in) +
                     " channels, not divisible by groups=" + std::to_string(a.groups) + " (input shape " +
                     to_string(x.shape) + "). Use groups=" + common_divisors(in, out == None ? in : out) + ".");
  if (out != None && out % a.groups != 0)
    throw ShapeError(op + ": " + std::to_string(out) +
                     " filters are not divisible by groups=" + std::to_string(a.groups) + " (filters shape " +
                     to_string(filters.shape) + "). Use groups=" + common_divisors(out, in == None ? out : in) + ".");
  if (in != None && per_group != None && in != per_group * a.groups)
    throw ShapeError(op + ": input has " + std::to_string(in) + " channels (shape " + to_string(x.shape) +
                     ") but filters of shape " + to_string(filters.shape) + " with groups=" + std::to_string(a.groups) +
                     " expect " + std::to_string(per_group * a.groups) +
                     ". The last but one dimension of filters is the number of input channels of a group.");
}

void check_transpose(const Attributes& a, const Spec& x, const Spec& filters) {
  const std::string op = op_name("conv", x) + "_transpose";
  check_common(op, x, filters);
  if (a.groups != 1) throw ValueError(op + ": groups=" + std::to_string(a.groups) + " is not supported. Use groups=1.");
  const std::int64_t in = x.shape.back(), expected = filters.shape.back();
  if (in != None && expected != None && in != expected)
    throw ShapeError(op + ": input has " + std::to_string(in) + " channels (shape " + to_string(x.shape) +
                     ") but filters of shape " + to_string(filters.shape) + " expect " + std::to_string(expected) +
                     ". Filters of a transposed convolution are (kernel sizes..., output channels, input channels).");
}

std::vector<window::Axis> axes(const Attributes& a, const Shape& filters) {
  const std::size_t rank = filters.size() - 2;
  const std::string op = window::with_rank("conv", filters.rank());
  const window::Padding padding = window::padding_from_string(op, a.padding, rank == 1);
  const window::Ints strides = window::spread(op, "strides", a.strides, rank),
                     dilations = window::spread(op, "dilations", a.dilations, rank);
  std::vector<window::Axis> out(rank);
  for (std::size_t i = 0; i < rank; ++i) out[i] = {filters[i], strides[i], dilations[i], padding};
  return out;
}

kernels::Convolution geometry(const Attributes& a, const Shape& src, const Shape& filters, const Shape& dst) {
  const std::vector<window::Axis> all = axes(a, filters);
  const std::size_t rank = all.size();
  kernels::Convolution c;
  c.batch = src[0];
  c.in_channels = src.back();
  c.out_channels = filters.back();
  c.groups = a.groups;
  c.in = window::three(rank, 1, [&](std::size_t i) { return src[i + 1]; });
  c.out = window::three(rank, 1, [&](std::size_t i) { return dst[i + 1]; });
  c.kernel = window::three(rank, 1, [&](std::size_t i) { return all[i].kernel; });
  c.stride = window::three(rank, 1, [&](std::size_t i) { return all[i].stride; });
  c.dilation = window::three(rank, 1, [&](std::size_t i) { return all[i].dilation; });
  c.pad = window::three(rank, 0, [&](std::size_t i) { return all[i].pad(src[i + 1]); });
  return c;
}

Shape transposed_shape(const Attributes& a, const window::Ints& output_padding, const Shape& x, const Shape& filters) {
  const std::vector<window::Axis> all = axes(a, filters);
  const std::string op = window::with_rank("conv", x.rank()) + "_transpose";
  if (output_padding.size() > 1 && output_padding.size() != all.size())
    throw ValueError(op + ": output_padding is " + to_string(Shape(output_padding)) + ". Give one number, or " +
                     std::to_string(all.size()) + " of them.");
  Shape out = {x[0]};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const window::Axis& axis = all[i];
    const bool same = axis.padding == window::Padding::same;
    const std::int64_t in = x[i + 1];
    if (in == None || axis.kernel == None) {
      out.push_back(None);
      continue;
    }
    std::int64_t extra = same ? axis.stride - axis.reach() % 2 : std::max(axis.stride - axis.reach(), std::int64_t{0});
    if (!output_padding.empty()) extra = output_padding[output_padding.size() == 1 ? 0 : i];
    const std::int64_t size =
        std::max<std::int64_t>(in - 1, 0) * axis.stride + (same ? axis.reach() % 2 : axis.reach()) + extra;
    if (extra < 0 || (in > 0 && axis.output(size) != in))
      throw ValueError(op + ": output_padding=" + std::to_string(extra) + " does not go with stride " +
                       std::to_string(axis.stride) + ", a window of " + std::to_string(axis.reach()) +
                       " and padding=\"" + a.padding +
                       "\": a convolution of the result would not have the shape of the input. Use at least 0 and "
                       "less than the stride.");
    out.push_back(size);
  }
  out.push_back(filters.at(-2));
  return out;
}

}  // namespace strata::conv
