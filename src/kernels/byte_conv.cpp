#include "kernels/byte_conv.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/tensor_data.h"
#include "kernels/onednn_conv.h"
#include "kernels/parallel.h"
#include "kernels/round.h"

namespace strata::kernels {
namespace {

using dnnl::memory;
using Type = memory::data_type;

struct Weights {
  std::vector<std::int8_t> values;
  std::vector<float> steps;  // by output channel
};
Weights rounded(const Convolution& c, const float* weights) {
  const auto channels = static_cast<std::size_t>(c.out_channels);
  const auto size = static_cast<std::size_t>(c.weights_size());
  const auto most = static_cast<float>(largest_byte_weight());
  Weights w{std::vector<std::int8_t>(size), std::vector<float>(channels, 0.f)};
  for (std::size_t i = 0; i < size; ++i)
    w.steps[i % channels] = std::max(w.steps[i % channels], std::abs(weights[i]) / most);
  for (float& step : w.steps) step = step > 0 ? step : 1.f;
  for (std::size_t i = 0; i < size; ++i) {
    const float q = std::floor(weights[i] / w.steps[i % channels] + 0.5f);
    w.values[i] = static_cast<std::int8_t>(std::clamp(q, -most, most));
  }
  return w;
}

// Dense rows of `size` bytes into rows of `stride` bytes.
void spread_rows(std::int64_t rows, std::int64_t size, const void* src, std::int64_t stride, void* dst) {
  constexpr std::int64_t kChunk = 16;  // of a size that the compiler knows
  parallel_for(rows, size, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const char* from = static_cast<const char*>(src) + r * size;
      char* to = static_cast<char*>(dst) + r * stride;
      std::int64_t i = 0;
      for (; i + kChunk <= size; i += kChunk) std::memcpy(to + i, from + i, kChunk);
      if (i < size) std::memcpy(to + i, from + i, static_cast<std::size_t>(size - i));
    }
  });
}

class OnednnPlan final : public ByteConvPlan {
 public:
  OnednnPlan(const ByteConvTask& task, const float* weights, const float* bias) : task_(task) {
    const Convolution& c = task.geometry;
    const onednn::ConvDims dims(c);
    const Weights rounded_weights = rounded(c, weights);
    const dnnl::convolution_forward::primitive_desc desc = describe(dims, rounded_weights.steps);
    primitive_ = dnnl::convolution_forward(desc);
    name_ = std::string("onednn ") + desc.impl_info_str();
    src_ = desc.src_desc(), dst_ = desc.dst_desc(), weights_ = desc.weights_desc();
    scratchpad_ = desc.scratchpad_desc();
    pack(dims, rounded_weights);
    // oneDNN adds the bias to the sums of products, in their unit.
    bias_.assign(static_cast<std::size_t>(c.out_channels), 0.f);
    for (std::size_t i = 0; bias != nullptr && i < bias_.size(); ++i)
      bias_[i] = bias[i] / (task.src.step * rounded_weights.steps[i]);
  }

  std::string implementation() const override { return name_ + (is_dense() ? "" : " and a copy"); }
  std::size_t scratch_size() const override {
    return kernels::rounded(scratchpad_.get_size(), 64) + (is_dense() ? 0 : dst_.get_size());
  }
  void run(const void* src, void* dst, void* scratch) const override {
    const onednn::MemorySlots<Memories>::Lease m(slots_, [&] { return make_memories(); });
    char* own = static_cast<char*>(scratch);
    void* to = is_dense() ? dst : own + kernels::rounded(scratchpad_.get_size(), 64);
    m->src.set_data_handle(const_cast<void*>(src));
    m->dst.set_data_handle(to);
    m->scratchpad.set_data_handle(own);
    dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), onednn::stream().get(),
                                                   static_cast<int>(m->arguments.size()), m->arguments.data()),
                            "could not execute a convolution of bytes");
    onednn::stream().wait();
    const Convolution& c = task_.geometry;
    const std::int64_t width = task_.dst ? 1 : sizeof(float);
    if (!is_dense())
      spread_rows(c.batch * c.out[0] * c.out[1] * c.out[2], c.out_channels * width, to, task_.dst_stride * width, dst);
  }

 private:
  // What one run binds to addresses.
  struct Memories {
    memory src, dst, weights, bias, scratchpad;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  bool is_dense() const { return task_.dst_stride == 0 || task_.dst_stride == task_.geometry.out_channels; }

  dnnl::convolution_forward::primitive_desc describe(const onednn::ConvDims& dims, std::vector<float> scales) const {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    for (float& s : scales) s *= task_.src.step / (task_.dst ? task_.dst->step : 1.f);
    attributes.set_output_scales(1 << 1, scales);
    if (task_.src.zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {task_.src.zero});
    if (task_.dst && task_.dst->zero != 0) attributes.set_zero_points(DNNL_ARG_DST, 0, {task_.dst->zero});
    if (task_.relu) {
      dnnl::post_ops after;
      after.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
      attributes.set_post_ops(after);
    }
    const memory::desc src(dims.src, Type::u8, dims.activations_tag),
        weights(dims.weights, Type::s8, memory::format_tag::any), bias({dims.dst[1]}, Type::f32, memory::format_tag::x),
        dst(dims.dst, task_.dst ? Type::u8 : Type::f32, dims.activations_tag);
    return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src, weights, bias, dst,
             dims.stride, dims.dilation, dims.pad_before, dims.pad_behind},
            attributes,
            onednn::engine()};
  }

  void pack(const onednn::ConvDims& dims, const Weights& w) {
    packed_ = std::make_unique<detail::Buffer>(std::max<std::size_t>(weights_.get_size(), 1));
    memory from({dims.weights, Type::s8, dims.weights_tag}, onednn::engine(),
                const_cast<std::int8_t*>(w.values.data())),
        to(weights_, onednn::engine(), packed_->data());
    dnnl::reorder(from, to).execute(onednn::stream(), from, to);
    onednn::stream().wait();
  }

  std::unique_ptr<Memories> make_memories() const {
    const dnnl::engine& engine = onednn::engine();
    auto m = std::make_unique<Memories>();
    m->src = memory(src_, engine, nullptr), m->dst = memory(dst_, engine, nullptr);
    m->weights = memory(weights_, engine, packed_->data());
    m->bias = memory({{task_.geometry.out_channels}, Type::f32, memory::format_tag::x}, engine,
                     const_cast<float*>(bias_.data()));
    m->scratchpad = memory(scratchpad_, engine, nullptr);
    m->arguments = {{DNNL_ARG_SRC, m->src.get()},
                    {DNNL_ARG_WEIGHTS, m->weights.get()},
                    {DNNL_ARG_BIAS, m->bias.get()},
                    {DNNL_ARG_DST, m->dst.get()},
                    {DNNL_ARG_SCRATCHPAD, m->scratchpad.get()}};
    return m;
  }

  ByteConvTask task_;
  dnnl::convolution_forward primitive_;
  std::string name_;
  memory::desc src_, dst_, weights_, scratchpad_;
  std::unique_ptr<detail::Buffer> packed_;
  std::vector<float> bias_;
  mutable onednn::MemorySlots<Memories> slots_;
};

}  // namespace

int largest_byte_weight() {
  using dnnl::cpu_isa;
  const cpu_isa isa = dnnl::get_effective_cpu_isa();
  const bool exact = isa == cpu_isa::avx512_core_vnni || isa == cpu_isa::avx512_core_bf16 ||
                     isa == cpu_isa::avx512_core_amx || isa == cpu_isa::avx2_vnni;
  return exact ? 127 : 63;
}

std::shared_ptr<const ByteConvPlan> prepare_byte_conv(const ByteConvTask& task, const float* weights,
                                                      const float* bias) {
  return std::make_shared<OnednnPlan>(task, weights, bias);
}

}  // namespace strata::kernels
