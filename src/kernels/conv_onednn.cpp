#include <array>
#include <cstring>
#include <vector>

#include "kernels/conv_plan.h"
#include "kernels/onednn_conv.h"
#include "kernels/round.h"

namespace strata::kernels {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

struct Descriptors {
  Dims dst_dims, stride, dilation, pad_before, pad_behind;
  memory::desc src, weights, dst;  // as the caller holds them
  memory::data_type type;
  bool bias, relu;
};

Descriptors describe(const ConvTask& t) {
  const onednn::ConvDims dims(t.geometry);
  Descriptors d;
  d.type = onednn::data_type(t.dtype);
  d.bias = t.bias, d.relu = t.relu;
  d.dst_dims = dims.dst;
  d.stride = dims.stride, d.dilation = dims.dilation;
  d.pad_before = dims.pad_before, d.pad_behind = dims.pad_behind;
  d.src = memory::desc(dims.src, d.type, dims.activations_tag);
  d.dst = memory::desc(dims.dst, d.type, dims.activations_tag);
  d.weights = memory::desc(dims.weights, onednn::data_type(t.weights_dtype), dims.weights_tag);
  return d;
}

dnnl::primitive_attr attributes(bool relu = false) {
  // Our own scratchpads: the library's is shared by all primitives and so not safe with several threads.
  dnnl::primitive_attr a;
  a.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (relu) {
    dnnl::post_ops after;
    after.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
    a.set_post_ops(after);
  }
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

// The channels-last layout where a good kernel takes it, else whatever layout a good kernel wants.
template <class PrimitiveDesc, class Make>
bool choose(Make&& make, PrimitiveDesc& chosen) {
  const Candidate<PrimitiveDesc> plain([&] { return make(false); });
  if (plain.exists && !plain.slow) {
    chosen = plain.desc;
    return true;
  }
  const Candidate<PrimitiveDesc> free([&] { return make(true); });
  if (!plain.exists && !free.exists) return false;
  chosen = free.exists && (!plain.exists || !free.slow) ? free.desc : plain.desc;
  return true;
}

memory::desc any(const memory::desc& d, memory::data_type type) { return memory::desc(d.dims(), type, Tag::any); }

dnnl::convolution_forward::primitive_desc forward_desc(const Descriptors& d, bool free_layout) {
  const memory::desc src = free_layout ? any(d.src, d.type) : d.src, dst = free_layout ? any(d.dst, d.type) : d.dst;
  const auto kind = dnnl::prop_kind::forward_training;
  const memory::desc weights = any(d.weights, d.type);
  if (!d.bias)
    return {{kind, kDirect, src, weights, dst, d.stride, d.dilation, d.pad_before, d.pad_behind},
            attributes(d.relu),
            onednn::engine()};
  const memory::desc bias({d.dst_dims[1]}, memory::data_type::f32, Tag::x);
  return {{kind, kDirect, src, weights, bias, dst, d.stride, d.dilation, d.pad_before, d.pad_behind},
          attributes(d.relu),
          onednn::engine()};
}

// A primitive and the layouts in which it wants (src, weights, dst).
struct Made {
  dnnl::primitive primitive;
  std::string name;
  memory::desc scratchpad;
  std::array<memory::desc, 3> inner;
  std::array<int, 3> ids;
};

bool make_forward(const Descriptors& d, Made& m) {
  dnnl::convolution_forward::primitive_desc p;
  if (!choose([&](bool free) { return forward_desc(d, free); }, p)) return false;
  m = {dnnl::convolution_forward(p),
       p.impl_info_str(),
       p.scratchpad_desc(),
       {p.src_desc(), p.weights_desc(), p.dst_desc()},
       {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}};
  return true;
}

bool make_backward_data(const Descriptors& d, Made& m) {
  using Desc = dnnl::convolution_backward_data::primitive_desc;
  Desc p;
  const auto make = [&](bool free) -> Desc {
    return {{kDirect, free ? any(d.src, d.type) : d.src, any(d.weights, d.type), free ? any(d.dst, d.type) : d.dst,
             d.stride, d.dilation, d.pad_before, d.pad_behind},
            attributes(),
            onednn::engine(),
            forward_desc(d, free)};
  };
  if (!choose(make, p)) return false;
  m = {dnnl::convolution_backward_data(p),
       p.impl_info_str(),
       p.scratchpad_desc(),
       {p.diff_src_desc(), p.weights_desc(), p.diff_dst_desc()},
       {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST}};
  return true;
}

bool make_backward_weights(const Descriptors& d, Made& m) {
  using Desc = dnnl::convolution_backward_weights::primitive_desc;
  Desc p;
  // The sums over batch and image are kept in float32 until the end, for 16-bit data too.
  const memory::desc sums = any(d.weights, memory::data_type::f32);
  const auto make = [&](bool free) -> Desc {
    return {{kDirect, free ? any(d.src, d.type) : d.src, sums, free ? any(d.dst, d.type) : d.dst, d.stride, d.dilation,
             d.pad_before, d.pad_behind},
            attributes(),
            onednn::engine(),
            forward_desc(d, free)};
  };
  if (!choose(make, p)) return false;
  m = {dnnl::convolution_backward_weights(p),
       p.impl_info_str(),
       p.scratchpad_desc(),
       {p.src_desc(), p.diff_weights_desc(), p.diff_dst_desc()},
       {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
  return true;
}

class OnednnPlan final : public ConvPlan {
 public:
  OnednnPlan(const ConvTask& t, const Descriptors& d, Made made) : ConvPlan(t), made_(std::move(made)) {
    user_ = {d.src, d.weights, d.dst};
    result_ = t.kind == ConvKind::forward ? 2 : t.kind == ConvKind::backward_data ? 0 : 1;
    for (std::size_t i = 0; i < 3; ++i) {
      if (user_[i] == made_.inner[i]) continue;
      const bool is_result = static_cast<int>(i) == result_;
      const auto& from = is_result ? made_.inner[i] : user_[i];
      const auto& to = is_result ? user_[i] : made_.inner[i];
      reorder_[i] = dnnl::reorder(dnnl::reorder::primitive_desc(onednn::engine(), from, onednn::engine(), to));
      if (i == 1 && result_ != 1) continue;  // packed by the caller
      offset_[i] = reserve(made_.inner[i].get_size());
    }
    scratchpad_ = reserve(made_.scratchpad.get_size());
    if (t.bias) bias_ = memory::desc({t.geometry.out_channels}, memory::data_type::f32, Tag::x);
  }

  std::string implementation() const override { return "onednn " + made_.name; }
  int reorders() const override { return int{converts(0)} + int{converts(1)} + int{converts(2)}; }
  std::size_t packed_size() const override { return result_ == 1 ? 0 : made_.inner[1].get_size(); }
  std::size_t scratch_size() const override { return size_; }

  void pack(const void* weights, void* packed) const override {
    if (!reorder_[1]) {
      std::memcpy(packed, weights, made_.inner[1].get_size());
      return;
    }
    memory from(user_[1], onednn::engine(), const_cast<void*>(weights)), to(made_.inner[1], onednn::engine(), packed);
    reorder_[1].execute(onednn::stream(), from, to);
    onednn::stream().wait();
  }

  void run(const void* src, const void* weights, const void* dst, void* scratch, const void* bias) const override {
    const onednn::MemorySlots<Memories>::Lease m(slots_, [&] { return make_memories(); });
    const std::array<void*, 3> given = {const_cast<void*>(src), const_cast<void*>(weights), const_cast<void*>(dst)};
    char* own = static_cast<char*>(scratch);
    dnnl::stream& stream = onednn::stream();
    for (std::size_t i = 0; i < 3; ++i) {
      m->inner[i].set_data_handle(converts(i) ? own + offset_[i] : given[i]);
      if (!converts(i)) continue;
      m->user[i].set_data_handle(given[i]);
      if (static_cast<int>(i) != result_) reorder_[i].execute(stream, m->user[i], m->inner[i]);
    }
    if (task().bias) m->bias.set_data_handle(const_cast<void*>(bias));
    m->scratchpad.set_data_handle(own + scratchpad_);
    dnnl::error::wrap_c_api(dnnl_primitive_execute(made_.primitive.get(), stream.get(),
                                                   static_cast<int>(m->arguments.size()), m->arguments.data()),
                            "could not execute a convolution");
    const auto at = static_cast<std::size_t>(result_);
    if (converts(at)) reorder_[at].execute(stream, m->inner[at], m->user[at]);
    stream.wait();
  }

 private:
  // What one run binds to addresses.
  struct Memories {
    std::array<memory, 3> inner, user;
    memory bias, scratchpad;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  std::size_t reserve(std::size_t bytes) {
    const std::size_t at = size_;
    size_ += rounded(bytes, 64);
    return at;
  }
  // Whether run() itself converts argument i; weights that are read come packed.
  bool converts(std::size_t i) const { return reorder_[i] && (i != 1 || result_ == 1); }

  std::unique_ptr<Memories> make_memories() const {
    auto m = std::make_unique<Memories>();
    for (std::size_t i = 0; i < 3; ++i) {
      m->inner[i] = memory(made_.inner[i], onednn::engine(), nullptr);
      if (converts(i)) m->user[i] = memory(user_[i], onednn::engine(), nullptr);
      m->arguments.push_back({made_.ids[i], m->inner[i].get()});
    }
    m->scratchpad = memory(made_.scratchpad, onednn::engine(), nullptr);
    m->arguments.push_back({DNNL_ARG_SCRATCHPAD, m->scratchpad.get()});
    if (task().bias) {
      m->bias = memory(bias_, onednn::engine(), nullptr);
      m->arguments.push_back({DNNL_ARG_BIAS, m->bias.get()});
    }
    return m;
  }
  Made made_;
  std::array<memory::desc, 3> user_;
  std::array<dnnl::reorder, 3> reorder_;
  std::array<std::size_t, 3> offset_{};
  memory::desc bias_;
  std::size_t scratchpad_ = 0, size_ = 0;
  int result_ = 0;
  mutable onednn::MemorySlots<Memories> slots_;
};

bool is_onednn_type(DType t) { return t == DType::float32 || t == DType::bfloat16; }

}  // namespace

ConvPlanPtr make_onednn_plan(const ConvTask& task) {
  if (!is_onednn_type(task.dtype) || !is_onednn_type(task.weights_dtype) || !task.is_dense()) return nullptr;
  try {
    const Descriptors d = describe(task);
    Made made;
    const bool ok = task.kind == ConvKind::forward         ? make_forward(d, made)
                    : task.kind == ConvKind::backward_data ? make_backward_data(d, made)
                                                           : make_backward_weights(d, made);
    if (!ok) return nullptr;
    return std::make_shared<OnednnPlan>(task, d, std::move(made));
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

}  // namespace strata::kernels
