#include "kernels/onednn.h"

#include "core/tensor_data.h"
#include "strata/error.h"

namespace strata::kernels::onednn {

const dnnl::engine& engine() {
  // Never destroyed: primitives in static variables outlive it otherwise.
  static const dnnl::engine& only = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return only;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

dnnl::memory::data_type data_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return dnnl::memory::data_type::f32;
    case DType::bfloat16:
      return dnnl::memory::data_type::bf16;
    case DType::float16:
      return dnnl::memory::data_type::f16;
    default:
      throw Error("internal error: oneDNN has no element type " + to_string(dtype));
  }
}

Prepared::Prepared(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad,
                   const std::vector<Argument>& arguments)
    : primitive_(std::move(primitive)), scratchpad_(scratchpad) {
  for (const Argument& a : arguments) {
    Converted c{a, {}};
    if (a.user != a.inner) {
      const auto& from = a.output ? a.inner : a.user;
      const auto& to = a.output ? a.user : a.inner;
      c.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
    }
    arguments_.push_back(std::move(c));
  }
}

void Prepared::execute(std::initializer_list<void*> data) const {
  dnnl::stream& s = stream();
  std::list<detail::Buffer> kept;
  std::unordered_map<int, dnnl::memory> memories;
  struct Pending {
    const Converted* how;
    dnnl::memory user, inner;
  };
  std::vector<Pending> outputs;
  auto pointer = data.begin();
  for (const Converted& c : arguments_) {
    dnnl::memory user(c.argument.user, engine(), *pointer++);
    if (!c.reorder) {
      memories.emplace(c.argument.id, user);
      continue;
    }
    dnnl::memory inner(c.argument.inner, engine(), kept.emplace_back(c.argument.inner.get_size()).data());
    if (c.argument.output)
      outputs.push_back({&c, user, inner});
    else
      c.reorder.execute(s, {{DNNL_ARG_FROM, user}, {DNNL_ARG_TO, inner}});
    memories.emplace(c.argument.id, inner);
  }
  if (scratchpad_.get_size() > 0)
    memories.emplace(DNNL_ARG_SCRATCHPAD,
                     dnnl::memory(scratchpad_, engine(), kept.emplace_back(scratchpad_.get_size()).data()));
  primitive_.execute(s, memories);
  for (const Pending& p : outputs) p.how->reorder.execute(s, {{DNNL_ARG_FROM, p.inner}, {DNNL_ARG_TO, p.user}});
  s.wait();
}

std::size_t PrimitiveCache::size() const {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

void PrimitiveCache::insert(const std::string& key, const std::shared_ptr<const Prepared>& value) {
  const std::lock_guard lock(mutex_);
  if (index_.contains(key)) return;  // another thread was faster
  order_.emplace_front(key, value);
  index_.emplace(order_.front().first, order_.begin());
  if (order_.size() <= capacity_) return;
  index_.erase(order_.back().first);
  order_.pop_back();
}

}  // namespace strata::kernels::onednn
