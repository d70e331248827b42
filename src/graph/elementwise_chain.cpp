#include "graph/elementwise_chain.h"

#include <omp.h>

#include <algorithm>
#include <array>

#include "kernels/parallel.h"
#include "kernels/round.h"

namespace strata {

namespace {

constexpr std::int64_t kBlock = 2048;  // elements: a few of such blocks fit into the first-level cache
constexpr std::size_t kMostOperands = 4;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool is_vector(const Shape& operand, const Shape& result) {
  return !result.empty() && operand.num_elements() == result.back() && !operand.empty() &&
         operand.back() == result.back();
}

using Link = ElementwiseChain::Link;
using Ops = std::vector<std::unique_ptr<PreparedOp>>;

// How blocks are cut: `width` elements that stay together, `rows` of them in a block, `all` in the arrays.
struct Cut {
  std::int64_t width = 1, rows = kBlock, all = 0;
};

class PreparedChain final : public PreparedOp {
 public:
  PreparedChain(const std::vector<Link>& links, const PrepareContext& c) : links_(links) {
    const Shape& shape = c.out[0].shape;
    const bool vectors = std::any_of(c.in.begin(), c.in.end(),
                                     [&](const Spec& s) { return s.shape != shape && s.shape.num_elements() != 1; });
    if (vectors) cut_ = {shape.back(), std::max<std::int64_t>(1, kBlock / shape.back()), 0};
    cut_.all = shape.num_elements() / cut_.width;
    cut_.rows = std::min(cut_.rows, cut_.all);
    for (const Spec& s : c.in) {
      const bool whole = s.shape == shape;
      steps_.push_back(whole ? static_cast<std::size_t>(cut_.rows * cut_.width) * size_of(s.dtype) : 0);
    }
    out_step_ = static_cast<std::size_t>(cut_.rows * cut_.width) * size_of(c.out[0].dtype);
    block_ = prepare_rows(c, shape, cut_.rows, vectors);
    if (cut_.all % cut_.rows != 0) rest_ = prepare_rows(c, shape, cut_.all % cut_.rows, vectors);
    slot_bytes_ = kernels::rounded(static_cast<std::size_t>(cut_.rows * cut_.width * 8), 64);
    place_results();
  }
  bool is_complete() const {
    auto is_there = [](const auto& op) { return op != nullptr; };
    return std::all_of(block_.begin(), block_.end(), is_there) && std::all_of(rest_.begin(), rest_.end(), is_there);
  }

  std::size_t scratch_bytes() const override { return slots_ * slot_bytes_ * at(threads_); }
  std::string kernel() const override { return "blocks of " + std::to_string(cut_.rows * cut_.width); }
  void run(const StepMemory& m) const override {
    const std::int64_t blocks = (cut_.all + cut_.rows - 1) / cut_.rows;
    const bool inside = omp_in_parallel() != 0;  // of a team of the caller's, which has nothing to do with `scratch`
    void* scratch = m.scratch;
    std::unique_ptr<detail::Buffer> larger;  // for more threads than there were when this was prepared
    if (!inside && omp_get_max_threads() > threads_) {
      larger = std::make_unique<detail::Buffer>(slots_ * slot_bytes_ * at(omp_get_max_threads()));
      scratch = larger->data();
    }
    const auto cost = cut_.rows * cut_.width * static_cast<std::int64_t>(4 * links_.size());
    kernels::parallel_for(blocks, cost, [&](std::int64_t begin, std::int64_t end) {
      char* own = static_cast<char*>(scratch) + (inside ? 0 : at(omp_get_thread_num())) * slots_ * slot_bytes_;
      for (std::int64_t b = begin; b < end; ++b)
        run_block((b + 1) * cut_.rows <= cut_.all ? block_ : rest_, static_cast<std::size_t>(b), m, own);
    });
  }

 private:
  Ops prepare_rows(const PrepareContext& c, const Shape& shape, std::int64_t rows, bool vectors) {
    const Shape whole = vectors ? Shape{rows, cut_.width} : Shape{rows};
    Specs inputs, results;
    for (const Spec& s : c.in)
      inputs.push_back({s.shape == shape ? whole : s.shape.num_elements() == 1 ? Shape{} : Shape{cut_.width}, s.dtype});
    Ops ops;
    for (const Link& link : links_) {
      Specs in;
      for (const int i : link.in) in.push_back(i >= 0 ? inputs[at(i)] : results[at(~i)]);
      const Specs out = link.op->infer(in);
      const auto& op = dynamic_cast<const Preparable&>(*link.op);
      ops.push_back(out[0].shape == whole ? op.prepare({in, out}) : nullptr);
      results.push_back(out[0]);
    }
    return ops;
  }

  // A slot of the block memory for each result but the last, free again after its last use.
  void place_results() {
    std::vector<std::size_t> last(links_.size(), 0), free;
    for (std::size_t k = 0; k < links_.size(); ++k)
      for (const int i : links_[k].in)
        if (i < 0) last[at(~i)] = k;
    for (std::size_t k = 0; k + 1 < links_.size(); ++k) {
      for (std::size_t j = 0; j < k; ++j)
        if (last[j] + 1 == k) free.push_back(slot_[j]);
      if (free.empty()) free.push_back(slots_++);
      slot_.push_back(free.back());
      free.pop_back();
    }
  }

  void run_block(const Ops& ops, std::size_t b, const StepMemory& m, char* own) const {
    std::array<const void*, kMostOperands> in{};
    for (std::size_t k = 0; k < ops.size(); ++k) {
      for (std::size_t i = 0; i < links_[k].in.size(); ++i) {
        const int from = links_[k].in[i];
        in[i] = from >= 0 ? static_cast<const char*>(m.in[from]) + b * steps_[at(from)]
                          : own + slot_[at(~from)] * slot_bytes_;
      }
      void* out = k + 1 < ops.size() ? own + slot_[k] * slot_bytes_ : static_cast<char*>(m.out[0]) + b * out_step_;
      ops[k]->run({in.data(), &out, nullptr});
    }
  }

  const std::vector<Link>& links_;  // of the op, which the plan's graph keeps
  Cut cut_;
  Ops block_, rest_;                // for whole blocks, and for the rest at the end
  std::vector<std::size_t> steps_;  // by input: bytes from block to block
  std::size_t out_step_ = 0, slot_bytes_ = 0, slots_ = 0;
  std::vector<std::size_t> slot_;  // by link
  int threads_ = omp_get_max_threads();
};

}  // namespace

bool ElementwiseChain::takes(const Shape& operand, const Shape& result) {
  return operand == result || is_vector(operand, result) ||
         (operand.num_elements() == 1 && operand.size() <= result.size());
}

Config ElementwiseChain::config() const {
  std::string ops;
  for (const Link& link : links_) ops += (ops.empty() ? "" : " ") + std::string(link.op->name());
  return {{"ops", ops}};
}

Specs ElementwiseChain::infer(const Specs& in) const {
  Specs results;
  for (const Link& link : links_) {
    Specs specs;
    for (const int i : link.in) specs.push_back(i >= 0 ? in[at(i)] : results[at(~i)]);
    results.push_back(link.op->infer(specs)[0]);
  }
  return {results.back()};
}

void ElementwiseChain::run(RunContext& c) const {
  Tensors results;
  for (std::size_t k = 0; k < links_.size(); ++k) {
    Tensors in;
    for (const int i : links_[k].in) in.push_back(i >= 0 ? c.in[at(i)] : results[at(~i)]);
    if (k + 1 < links_.size()) {
      results.push_back(run_eagerly(*links_[k].op, in)[0]);
    } else {
      RunContext last{in, c.out};
      links_[k].op->run(last);
    }
  }
}

std::unique_ptr<PreparedOp> ElementwiseChain::prepare(const PrepareContext& c) const {
  if (c.out[0].shape.num_elements() == 0) return nullptr;
  for (const Spec& s : c.in)
    if (!takes(s.shape, c.out[0].shape)) return nullptr;
  auto prepared = std::make_unique<PreparedChain>(links_, c);
  return prepared->is_complete() ? std::move(prepared) : nullptr;
}

bool ElementwiseChain::runs_in_place(std::size_t input) const {
  // The last link writes a block when all others have read theirs.
  const Link& last = links_.back();
  for (std::size_t i = 0; i < last.in.size(); ++i)
    if (last.in[i] == static_cast<int>(input) && !dynamic_cast<const Preparable&>(*last.op).runs_in_place(i))
      return false;
  return true;
}

}  // namespace strata
