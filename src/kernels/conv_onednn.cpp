#include <omp.h>

#include <string>

#include "kernels/conv.h"
#include "kernels/onednn.h"

namespace strata::kernels {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
constexpr auto kDirect = dnnl::algorithm::convolution_direct, kWinograd = dnnl::algorithm::convolution_winograd;

// Layouts and sizes as oneDNN wants them: channels before the spatial dimensions, which are two where depth is 1.
struct Descriptors {
  Dims src_dims, weights_dims, dst_dims, stride, dilation, pad_before, pad_behind;
  memory::desc src, weights, dst;  // as the caller holds them
  bool try_winograd = false;
};

Descriptors describe(const Convolution& c, memory::data_type type) {
  const bool flat = c.in[0] == 1 && c.kernel[0] == 1 && c.out[0] == 1 && c.pad[0] == 0;
  Descriptors d;
  d.src_dims = {c.batch, c.in_channels};
  d.dst_dims = {c.batch, c.out_channels};
  if (c.groups > 1)
    d.weights_dims = {c.groups, c.out_channels / c.groups, c.in_channels / c.groups};
  else
    d.weights_dims = {c.out_channels, c.in_channels};
  for (std::size_t i = flat ? 1 : 0; i < 3; ++i) {
    const std::int64_t reach = (c.out[i] - 1) * c.stride[i] + (c.kernel[i] - 1) * c.dilation[i] + 1;
    d.src_dims.push_back(c.in[i]);
    d.dst_dims.push_back(c.out[i]);
    d.weights_dims.push_back(c.kernel[i]);
    d.stride.push_back(c.stride[i]);
    d.dilation.push_back(c.dilation[i] - 1);
    d.pad_before.push_back(c.pad[i]);
    d.pad_behind.push_back(reach - c.in[i] - c.pad[i]);
  }
  // Winograd's method takes half the time of a direct convolution, the reorders to its blocked layout included; not
  // where there are so few windows that they do not fill its tiles.
  d.try_winograd = type == memory::data_type::f32 && flat && c.groups == 1 && c.in_channels % 16 == 0 &&
                   c.out_channels % 16 == 0 && c.kernel == Convolution::Three{1, 3, 3} &&
                   c.stride == Convolution::Three{1, 1, 1} && c.dilation == Convolution::Three{1, 1, 1} &&
                   c.batch * c.out[1] * c.out[2] >= 1024;
  const Tag activations = flat ? Tag::nhwc : Tag::ndhwc;
  const Tag weights = c.groups > 1 ? (flat ? Tag::hwigo : Tag::dhwigo) : (flat ? Tag::hwio : Tag::dhwio);
  d.src = memory::desc(d.src_dims, type, activations);
  d.dst = memory::desc(d.dst_dims, type, activations);
  d.weights = memory::desc(d.weights_dims, type, weights);
  return d;
}

dnnl::primitive_attr attributes() {
  // Our own scratchpads: the library's is shared by all primitives and so not safe with several threads.
  dnnl::primitive_attr a;
  a.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return a;
}

bool is_slow(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos || implementation.find("gemm") != std::string::npos;
}

template <class PrimitiveDesc>
struct Candidate {
  PrimitiveDesc desc;
  bool exists = false, slow = true;

  template <class Make>
  explicit Candidate(Make&& make) {
    try {
      desc = make();
      exists = true;
      slow = is_slow(desc.impl_info_str());
    } catch (const dnnl::error&) {
      // No implementation for these layouts.
    }
  }
};

// What a primitive is made with: the layouts free or those of the caller, and the algorithm.
struct Way {
  bool free_layout;
  dnnl::algorithm algorithm;
};

// The channels-last layout where a good kernel takes it, else whatever layout a good kernel wants. The choice depends
// on the geometry and the type alone.
template <class PrimitiveDesc, class Make>
bool choose(bool try_winograd, Make&& make, PrimitiveDesc& chosen) {
  if (try_winograd) {
    const Candidate<PrimitiveDesc> winograd([&] { return make(Way{true, kWinograd}); });
    if (winograd.exists) {
      chosen = winograd.desc;
      return true;
    }
  }
  const Candidate<PrimitiveDesc> plain([&] { return make(Way{false, kDirect}); });
  if (plain.exists && !plain.slow) {
    chosen = plain.desc;
    return true;
  }
  const Candidate<PrimitiveDesc> free([&] { return make(Way{true, kDirect}); });
  if (!plain.exists && !free.exists) return false;
  chosen = free.exists && (!plain.exists || !free.slow) ? free.desc : plain.desc;
  return true;
}

memory::desc any(const memory::desc& d) { return memory::desc(d.dims(), d.data_type(), Tag::any); }

dnnl::convolution_forward::primitive_desc forward_desc(const Descriptors& d, Way way) {
  return {{dnnl::prop_kind::forward_training, way.algorithm, way.free_layout ? any(d.src) : d.src, any(d.weights),
           way.free_layout ? any(d.dst) : d.dst, d.stride, d.dilation, d.pad_before, d.pad_behind},
          attributes(),
          onednn::engine()};
}

std::shared_ptr<const onednn::Prepared> prepare_forward(const Descriptors& d) {
  using Desc = dnnl::convolution_forward::primitive_desc;
  Desc chosen;
  if (!choose<Desc>(
          d.try_winograd, [&](Way way) { return forward_desc(d, way); }, chosen))
    return nullptr;
  return std::make_shared<onednn::Prepared>(
      dnnl::convolution_forward(chosen), chosen.scratchpad_desc(),
      std::vector<onednn::Argument>{{DNNL_ARG_SRC, d.src, chosen.src_desc()},
                                    {DNNL_ARG_WEIGHTS, d.weights, chosen.weights_desc()},
                                    {DNNL_ARG_DST, d.dst, chosen.dst_desc(), true}});
}

std::shared_ptr<const onednn::Prepared> prepare_backward_data(const Descriptors& d) {
  using Desc = dnnl::convolution_backward_data::primitive_desc;
  Desc chosen;
  const auto make = [&](Way way) -> Desc {
    return {{way.algorithm, way.free_layout ? any(d.src) : d.src, any(d.weights), way.free_layout ? any(d.dst) : d.dst,
             d.stride, d.dilation, d.pad_before, d.pad_behind},
            attributes(),
            onednn::engine(),
            forward_desc(d, way)};
  };
  if (!choose<Desc>(d.try_winograd, make, chosen)) return nullptr;
  return std::make_shared<onednn::Prepared>(
      dnnl::convolution_backward_data(chosen), chosen.scratchpad_desc(),
      std::vector<onednn::Argument>{{DNNL_ARG_DIFF_SRC, d.src, chosen.diff_src_desc(), true},
                                    {DNNL_ARG_WEIGHTS, d.weights, chosen.weights_desc()},
                                    {DNNL_ARG_DIFF_DST, d.dst, chosen.diff_dst_desc()}});
}

std::shared_ptr<const onednn::Prepared> prepare_backward_weights(const Descriptors& d) {
  using Desc = dnnl::convolution_backward_weights::primitive_desc;
  Desc chosen;
  // The sums over batch and image are kept in float32 until the end, for 16-bit data too.
  const memory::desc sums(d.weights_dims, memory::data_type::f32, Tag::any);
  const auto make = [&](Way way) -> Desc {
    return {{way.algorithm, way.free_layout ? any(d.src) : d.src, sums, way.free_layout ? any(d.dst) : d.dst, d.stride,
             d.dilation, d.pad_before, d.pad_behind},
            attributes(),
            onednn::engine(),
            forward_desc(d, way)};
  };
  if (!choose<Desc>(d.try_winograd, make, chosen)) return nullptr;
  return std::make_shared<onednn::Prepared>(
      dnnl::convolution_backward_weights(chosen), chosen.scratchpad_desc(),
      std::vector<onednn::Argument>{{DNNL_ARG_SRC, d.src, chosen.src_desc()},
                                    {DNNL_ARG_DIFF_WEIGHTS, d.weights, chosen.diff_weights_desc(), true},
                                    {DNNL_ARG_DIFF_DST, d.dst, chosen.diff_dst_desc()}});
}

}  // namespace

bool conv_onednn(ConvKind kind, DType dtype, const Convolution& c, const void* src, const void* weights,
                 const void* dst) {
  static onednn::PrimitiveCache& cache = *new onednn::PrimitiveCache(1024);
  std::string key;
  onednn::append_key(key, kind, dtype, omp_get_max_threads(), c.batch, c.in_channels, c.out_channels, c.groups, c.in,
                     c.out, c.kernel, c.stride, c.dilation, c.pad);
  const auto prepared = cache.get(key, [&]() -> std::shared_ptr<const onednn::Prepared> {
    try {
      const Descriptors d = describe(c, onednn::data_type(dtype));
      if (kind == ConvKind::forward) return prepare_forward(d);
      return kind == ConvKind::backward_data ? prepare_backward_data(d) : prepare_backward_weights(d);
    } catch (const dnnl::error&) {
      return nullptr;
    }
  });
  if (prepared == nullptr) return false;
  prepared->execute({const_cast<void*>(src), const_cast<void*>(weights), const_cast<void*>(dst)});
  return true;
}

}  // namespace strata::kernels
