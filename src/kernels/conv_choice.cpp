#include "kernels/conv_choice.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <vector>

#include "core/tensor_data.h"
#include "kernels/choice_table.h"
#include "kernels/onednn.h"
#include "kernels/winograd.h"
#include "strata/error.h"
#include "strata/kernels.h"

namespace strata::kernels {
namespace {

constexpr const char *kWinograd = "winograd", *kOnednn = "onednn", *kTiles = "tiles", *kThroughFloat = "float32",
                     *kLoops = "loops";

// MiniInception's inference takes 5 % longer with oneDNN for one convolution among those on tiles, though alone that
// one is 10 % faster.
constexpr double kBesideTiles = 1.2;

struct Policy {
  std::atomic<bool> timed{true}, winograd{true};
  std::atomic<int> generation{0};
};
Policy& policy() {
  static Policy only;
  return only;
}

bool has_bfloat16() {
  const auto isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}
bool has_tiles() { return dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx512_core_amx; }

ConvPlanPtr make_by_name(const std::string& name, const ConvTask& task) {
  if (name == kWinograd) return policy().winograd ? make_winograd_plan(task) : nullptr;
  if (name == kTiles) return has_tiles() ? make_tiles_plan(task) : nullptr;
  if (name == kOnednn) {
    if (task.is_dense()) return make_onednn_plan(task);
    if (ConvPlanPtr chunks = make_chunks_plan(task)) return chunks;
    return make_staged_plan(task, task.dtype);
  }
  if (name == kThroughFloat) return task.dtype == DType::bfloat16 ? make_staged_plan(task, DType::float32) : nullptr;
  if (name == kLoops && task.dtype == DType::float32)
    return task.is_dense() ? make_loops_plan(task) : make_staged_plan(task, task.dtype);
  return nullptr;
}

// What the rules say: for certain, or as a guess that timing may correct.
struct Guess {
  bool winograd, certain;
};
Guess guess(const ConvTask& t) {
  const Convolution& c = t.geometry;
  const std::int64_t windows = c.batch * ((c.out[1] + 3) / 4) * ((c.out[2] + 3) / 4);
  const std::int64_t narrow = std::min(c.in_channels, c.out_channels);
  if (!policy().winograd || !winograd::applies(c) || narrow < 16) return {false, true};
  if (t.dtype == DType::bfloat16 && has_tiles()) return {false, true};  // ten times the arithmetic
  const bool wide = narrow >= 32 && windows >= 64;
  if (t.dtype == DType::bfloat16) return {wide || !has_bfloat16(), !has_bfloat16()};
  return {wide, wide && windows >= 128};
}

double seconds_of_a_run(const ConvPlan& plan) {
  const Convolution& c = plan.task().geometry;
  const auto zeros = [](std::size_t bytes) {
    auto b = std::make_unique<detail::Buffer>(std::max<std::size_t>(bytes, 64));
    std::fill_n(static_cast<char*>(b->data()), b->bytes(), '\0');
    return b;
  };
  const std::size_t width = size_of(plan.task().dtype), weights_width = size_of(plan.task().weights_dtype);
  const auto src = zeros(c.src_size() * width), dst = zeros(c.dst_size() * width),
             weights = zeros(c.weights_size() * weights_width), packed = zeros(plan.packed_size()),
             scratch = zeros(plan.scratch_size()), bias = zeros(c.out_channels * sizeof(float));
  const bool gradient = plan.task().kind == ConvKind::backward_weights;
  double best = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 4; ++repeat) {  // the first one warms up
    const auto start = std::chrono::steady_clock::now();
    const bool packs = !gradient && (repeat == 0 || !plan.task().constant_weights);
    if (packs) plan.pack(weights->data(), packed->data());
    plan.run(src->data(), gradient ? weights->data() : packed->data(), dst->data(), scratch->data(), bias->data());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// An implementation, and how many times slower than alone and in the cache it is in a program, next to others.
struct Candidate {
  const char* name;
  double slower = 1;
};

// On as many images of the batch as cost about a millisecond.
std::string fastest(ConvTask task, const std::vector<Candidate>& candidates) {
  constexpr double kEnough = 4e8;
  task.src_stride = task.dst_stride = 0;
  Convolution& c = task.geometry;
  const double image = 2.0 * static_cast<double>(c.dst_size() / c.batch * c.taps() * c.in_channels);
  c.batch = std::clamp<std::int64_t>(static_cast<std::int64_t>(kEnough / std::max(image, 1.0)), 1, c.batch);
  const char* best = candidates.front().name;
  double least = std::numeric_limits<double>::infinity();
  for (const Candidate& one : candidates) {
    const ConvPlanPtr plan = make_by_name(one.name, task);
    if (plan == nullptr) continue;
    const double seconds = seconds_of_a_run(*plan) * one.slower;
    if (seconds < least) best = one.name, least = seconds;
  }
  return best;
}

std::string decide(const ConvTask& task, bool may_time, bool& timed) {
  const Guess g = guess(task);
  ConvTask dense = task;
  dense.src_stride = dense.dst_stride = 0;
  if (make_by_name(kTiles, task) != nullptr) {
    if (!may_time || make_onednn_plan(dense) == nullptr) return kTiles;
    timed = true;
    return fastest(task, {{kTiles}, {kOnednn, kBesideTiles}});
  }
  if (g.winograd && (g.certain || !may_time)) return kWinograd;
  if (make_onednn_plan(dense) == nullptr)
    return g.winograd ? kWinograd : task.dtype == DType::bfloat16 ? kThroughFloat : kLoops;
  if (g.certain || !may_time) return kOnednn;
  timed = true;
  return fastest(task, {{kOnednn}, {kWinograd}});
}

}  // namespace

std::string choice_key(const ConvTask& task) {
  static constexpr const char* kKinds[] = {"forward", "backward_data", "backward_weights"};
  const Convolution& c = task.geometry;
  const auto three = [](const Convolution::Three& t) { return fmt::format("{}x{}x{}", t[0], t[1], t[2]); };
  return fmt::format(
      "conv {} {} batch {} in {} x{} out {} x{} groups {} kernel {} stride {} dilation {} pad {} threads {} isa {}{}",
      kKinds[static_cast<int>(task.kind)], to_string(task.dtype), c.batch, three(c.in), c.in_channels, three(c.out),
      c.out_channels, c.groups, three(c.kernel), three(c.stride), three(c.dilation), three(c.pad),
      omp_get_max_threads(), static_cast<int>(dnnl::get_effective_cpu_isa()),
      task.constant_weights ? " constant weights" : "");
}

ConvPlanPtr chosen_plan(const ConvTask& task) {
  if (has_tiles() && product_plan_pays(task))
    if (ConvPlanPtr product = make_product_plan(task)) return product;
  // As fast as oneDNN's, which would need a dense copy of the slice.
  if (!task.is_dense()) {
    if (ConvPlanPtr rows = make_rows_plan(task)) return rows;
    if (ConvPlanPtr tiles = make_by_name(kTiles, task)) return tiles;
  }
  std::string name;
  bool ignored = false;
  if (policy().winograd && policy().timed)
    name = ChoiceTable::instance().find(choice_key(task), [&](bool& timed) { return decide(task, true, timed); });
  else
    name = decide(task, policy().timed, ignored);
  if (ConvPlanPtr plan = make_by_name(name, task)) return plan;
  // A name that another version or machine gave.
  name = decide(task, false, ignored);
  if (ConvPlanPtr plan = make_by_name(name, task)) return plan;
  throw Error("internal error: no implementation '" + name + "' for " + choice_key(task));
}

int choice_generation() { return policy().generation; }

void set_choice(std::string_view how) {
  if (how != "timed" && how != "fixed")
    throw ValueError("kernels::set_choice: received '" + std::string(how) + "'. Expected \"timed\" or \"fixed\".");
  policy().timed = how == "timed";
  ++policy().generation;
}

std::string choice() { return policy().timed ? "timed" : "fixed"; }

void allow_winograd(bool allowed) {
  policy().winograd = allowed;
  ++policy().generation;
}

bool winograd_allowed() { return policy().winograd; }

std::string export_choices() { return ChoiceTable::instance().to_text(); }

void import_choices(std::string_view text) {
  ChoiceTable::instance().add_text(text);
  ++policy().generation;
}

}  // namespace strata::kernels
