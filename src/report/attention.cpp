// Grad-CAM and occlusion.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/tensor_data.h"
#include "models/model_graph.h"
#include "report/pixels.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/reduce.h"
#include "strata/tap.h"
#include "strata/tape.h"
#include "strata/understanding.h"

namespace strata::understanding {

namespace {

Tensor one_image(const Tensor& image, const std::string& where) {
  const Tensor x = image.defined() && image.rank() == 3 ? expand_dims(image, 0) : image;
  if (!x.defined() || x.rank() != 4 || x.shape()[0] != 1)
    throw ShapeError(fmt::format("{}: the image has shape {}, but (height, width, channels) was expected.", where,
                                 image.defined() ? to_string(image.shape()) : "none"));
  return is_floating(x.dtype()) ? x : cast(x, float32);
}

std::int64_t chosen_class(const Tensor& output, const std::optional<std::int64_t>& given, const std::string& where) {
  if (output.rank() != 2)
    throw ShapeError(where + ": the model gives " + to_string(output.shape()) +
                     ", but scores of shape (1, classes) were expected.");
  const std::int64_t classes = output.shape()[1];
  if (!given) return argmax(output, 1).item<std::int64_t>();
  if (*given < 0 || *given >= classes)
    throw ValueError(fmt::format("{}: class_index is {}, but the model has {} classes.", where, *given, classes));
  return *given;
}

// The innermost layer that gave maps (1, h, w, channels) last, h and w above 1.
std::string last_maps(const Model& model, const std::string& where) {
  const TracedModel traced = trace_model(model, 1);
  const std::string prefix = traced.calls[0].layer->path() + "/";
  for (std::size_t i = traced.calls.size(); i-- > 1;) {
    const TracedCall& call = traced.calls[i];
    if (call.outputs.empty()) continue;
    const Shape& s = call.outputs[0].shape;
    if (s.size() != 4 || s[1] < 2 || s[2] < 2) continue;
    // A path below the model, through the calls around.
    std::string path = call.layer->ensure_name();
    for (int p = call.parent; p > 0; p = traced.calls[static_cast<std::size_t>(p)].parent)
      path = traced.calls[static_cast<std::size_t>(p)].layer->ensure_name() + "/" + path;
    return path;
  }
  throw ValueError(where + ": no layer gives maps (n, height, width, channels). Name one by .layer.");
}

// Bilinear, with the middles of pixels in place.
std::vector<float> resized(const std::vector<float>& map, std::int64_t h, std::int64_t w, std::int64_t to_h,
                           std::int64_t to_w) {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(to_h * to_w));
  const auto split = [](std::int64_t i, std::int64_t n, std::int64_t to) {
    const double at =
        std::clamp((static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(to) - 0.5, 0.0,
                   static_cast<double>(n - 1));
    return std::pair<std::int64_t, double>(static_cast<std::int64_t>(at), at - std::floor(at));
  };
  for (std::int64_t y = 0; y < to_h; ++y)
    for (std::int64_t x = 0; x < to_w; ++x) {
      const auto [i, ty] = split(y, h, to_h);
      const auto [j, tx] = split(x, w, to_w);
      const auto at = [&](std::int64_t a, std::int64_t b) {
        return map[static_cast<std::size_t>(std::min(a, h - 1) * w + std::min(b, w - 1))];
      };
      out.push_back(static_cast<float>((1 - ty) * ((1 - tx) * at(i, j) + tx * at(i, j + 1)) +
                                       ty * ((1 - tx) * at(i + 1, j) + tx * at(i + 1, j + 1))));
    }
  return out;
}

void normalize(std::vector<float>& heat) {
  float most = 0;
  for (float& v : heat) most = std::max(most, v = std::max(v, 0.f));
  if (most > 0)
    for (float& v : heat) v /= most;
}

Attention attention_of(std::vector<float> heat, const Tensor& image, double alpha, std::int64_t class_index,
                       double score) {
  const std::int64_t h = image.shape()[1], w = image.shape()[2];
  normalize(heat);
  const plot::Pixels picture = plot::pixels_of(image[0], "gray");
  std::vector<std::uint8_t> overlay;
  overlay.reserve(picture.rgb.size());
  for (std::size_t i = 0; i < heat.size(); ++i) {
    const plot::Color c = plot::map_color("magma", heat[i]);
    const double over = alpha * heat[i];
    const double parts[] = {c.r, c.g, c.b};
    for (std::size_t k = 0; k < 3; ++k)
      overlay.push_back(
          static_cast<std::uint8_t>(std::lround(picture.rgb[3 * i + k] * (1 - over) + 255 * parts[k] * over)));
  }
  return {Tensor::adopt(std::move(heat), {h, w}), Tensor::adopt(std::move(overlay), {h, w, 3}), class_index, score};
}

}  // namespace

Attention grad_cam(const Model& model, const Tensor& image, const GradCamOptions& options) {
  const std::string where = "understanding::grad_cam";
  const Tensor x = one_image(image, where);
  if (!model.built()) model(x);
  const Tap tap = model.tap(options.layer.empty() ? last_maps(model, where) : options.layer);
  Tensor output, maps, gradient;
  std::int64_t chosen = 0;
  {
    GradientTape tape;
    tape.watch(x);
    const Tap::Result result = tap.run(x);
    output = result.output;
    maps = result.tapped[0];
    if (maps.rank() != 4)
      throw ShapeError(fmt::format("{}: layer '{}' gives {}, but maps (1, height, width, channels) were expected.",
                                   where, tap.names()[0], to_string(maps.shape())));
    chosen = chosen_class(output, options.class_index, where);
    // A sure softmax is flat: its gradient says nothing, that of what it was made of does.
    const auto& logits = output.impl()->logits;
    const Tensor scores = logits != nullptr ? Tensor(logits) : output;
    gradient = tape.gradient(reduce_sum(scores[{Ellipsis, chosen}]), maps);
  }
  const Tensor weight = reduce_mean(cast(gradient, float32), {1, 2}, {.keepdims = true});
  const Tensor heat = reduce_sum(cast(maps, float32) * weight, -1);
  return attention_of(resized(heat.to_vector<float>(), maps.shape()[1], maps.shape()[2], x.shape()[1], x.shape()[2]), x,
                      options.alpha, chosen, output[0][chosen].item<double>());
}

Attention occlusion(const Model& model, const Tensor& image, const OcclusionOptions& options) {
  const std::string where = "understanding::occlusion";
  const Tensor x = one_image(image, where);
  if (options.patch < 1 || options.stride < 1)
    throw ValueError(
        fmt::format("{}: patch is {} and stride {}; both must be 1 or more.", where, options.patch, options.stride));
  const Tensor output = model(x);
  const std::int64_t chosen = chosen_class(output, options.class_index, where);
  const double score = output[0][chosen].item<double>();
  const std::int64_t h = x.shape()[1], w = x.shape()[2], channels = x.shape()[3];
  const std::vector<float> pixels = x.to_vector<float>();
  std::vector<float> fall(static_cast<std::size_t>(h * w), 0.f), times(fall.size(), 0.f);
  const auto each_pixel = [&](std::int64_t top, std::int64_t left, auto f) {
    for (std::int64_t i = std::max<std::int64_t>(top, 0); i < std::min<std::int64_t>(top + options.patch, h); ++i)
      for (std::int64_t j = std::max<std::int64_t>(left, 0); j < std::min<std::int64_t>(left + options.patch, w); ++j)
        f(static_cast<std::size_t>(i * w + j));
  };
  for (std::int64_t top = 0; top < h; top += options.stride) {
    // One row of squares is a batch.
    std::vector<float> batch;
    std::int64_t n = 0;
    for (std::int64_t left = 0; left < w; left += options.stride, ++n) {
      std::vector<float> hidden = pixels;
      each_pixel(top, left, [&](std::size_t at) {
        for (std::int64_t c = 0; c < channels; ++c)
          hidden[at * static_cast<std::size_t>(channels) + static_cast<std::size_t>(c)] =
              static_cast<float>(options.fill);
      });
      batch.insert(batch.end(), hidden.begin(), hidden.end());
    }
    const Tensor given = cast(Tensor::adopt(std::move(batch), {n, h, w, channels}), x.dtype());
    const Tensor scores = Tensor(model(given))[{Ellipsis, chosen}];
    const std::vector<float> values = scores.to_vector<float>();
    for (std::int64_t k = 0; k < n; ++k)
      each_pixel(top, k * options.stride, [&](std::size_t at) {
        fall[at] += static_cast<float>(score) - values[static_cast<std::size_t>(k)];
        times[at] += 1;
      });
  }
  for (std::size_t i = 0; i < fall.size(); ++i) fall[i] /= std::max(times[i], 1.f);
  return attention_of(std::move(fall), x, options.alpha, chosen, score);
}

}  // namespace strata::understanding
