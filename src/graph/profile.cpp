#include "graph/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/atomic_file.h"
#include "graph/variable_ops.h"
#include "kernels/peak.h"

namespace strata {

namespace {

// Of products that run without a prepared kernel.
double flops_of(const Plan& plan, const Plan::Step& step) {
  if (step.prepared) return step.prepared->flops();
  if (const auto* update = dynamic_cast<const MakesGradients*>(step.node->op.get())) {
    Specs in;
    for (const int v : step.node->in) in.push_back(plan.layout().at(v).spec);
    return update->product_flops(in);
  }
  if (step.node->op->name() != "matmul") return 0;
  const Shape &a = plan.layout().at(step.node->in[0]).spec.shape, &out = plan.layout().at(step.node->out[0]).spec.shape;
  if (!a.is_known() || !out.is_known() || out.num_elements() == 0) return 0;
  // a has as many elements as rows times the inner size, whichever way it is turned.
  const std::int64_t rows = out.num_elements() / out.back();
  return 2.0 * static_cast<double>(a.num_elements() / std::max<std::int64_t>(rows, 1)) *
         static_cast<double>(out.num_elements());
}

ProfileRow row_of(const Plan& plan, const Plan::Step& step, double seconds) {
  ProfileRow row;
  row.op = step.node->op->name();
  row.layer = step.node->scope;
  row.milliseconds = seconds * 1e3;
  const double flops = flops_of(plan, step);
  if (step.prepared) {
    row.kernel = step.prepared->kernel();
    row.reorders = step.prepared->reorders();
  } else if (flops > 0 && step.node->out.empty()) {
    row.kernel = "gradients on tiles";
  }
  if (flops > 0 && seconds > 0) {
    row.gflops = flops / seconds * 1e-9;
    const DType dtype = step.node->out.empty() ? DType::float32 : plan.layout().at(step.node->out[0]).spec.dtype;
    const double peak = kernels::peak_gflops(dtype, plan.threads());
    if (peak > 0) row.peak_share = row.gflops / peak;
  }
  return row;
}

std::string table(const Profile& p, const std::vector<ProfileRow>& rows, bool by_layer) {
  std::string out = fmt::format("{} for {}: {:.3f} ms a call ({} measured, {} {})\n", p.name, p.shapes, p.milliseconds,
                                p.calls, p.threads, p.threads == 1 ? "thread" : "threads");
  out += fmt::format("{:>9} {:>6} {:>8} {:>6} {:>8}  {:<22} {:<34} {}\n", "ms", "share", "GFLOP/s", "peak", "reorders",
                     by_layer ? "steps" : "op", "kernel", "layer");
  for (const ProfileRow& r : rows)
    out += fmt::format("{:>9.4f} {:>5.1f}% {:>8} {:>6} {:>8}  {:<22} {:<34} {}\n", r.milliseconds, 100 * r.share,
                       r.gflops > 0 ? fmt::format("{:.1f}", r.gflops) : "",
                       r.peak_share > 0 ? fmt::format("{:.0f}%", 100 * r.peak_share) : "",
                       r.reorders > 0 ? std::to_string(r.reorders) : "", by_layer ? std::to_string(r.steps) : r.op,
                       r.kernel, r.layer);
  return out;
}

}  // namespace

Profile profile_of(const Plan& plan, const std::string& name) {
  const PlanTimes times = plan.times();
  Profile p;
  p.name = name;
  p.calls = times.runs;
  p.threads = plan.threads();
  for (const Spec& s : plan.inputs()) p.shapes += (p.shapes.empty() ? "" : ", ") + to_string(s.shape);
  for (std::size_t i = 0; i < times.seconds.size(); ++i) {
    p.rows.push_back(row_of(plan, plan.steps()[i], times.seconds[i] / std::max(times.runs, 1)));
    p.rows.back().start = p.milliseconds;
    p.milliseconds += p.rows.back().milliseconds;
  }
  for (ProfileRow& r : p.rows) r.share = p.milliseconds > 0 ? r.milliseconds / p.milliseconds : 0;
  return p;
}

std::vector<ProfileRow> Profile::by_layer() const {
  std::vector<ProfileRow> out;
  for (const ProfileRow& r : rows) {
    auto found = std::find_if(out.begin(), out.end(), [&](const ProfileRow& o) { return o.layer == r.layer; });
    if (found == out.end()) {
      out.push_back(r);
      continue;
    }
    // GFLOP are summed, and divided by the time of all steps again.
    const double flops = found->gflops * found->milliseconds + r.gflops * r.milliseconds;
    const double peak = found->peak_share * found->milliseconds + r.peak_share * r.milliseconds;
    found->milliseconds += r.milliseconds;
    found->gflops = found->milliseconds > 0 ? flops / found->milliseconds : 0;
    found->peak_share = found->milliseconds > 0 ? peak / found->milliseconds : 0;
    found->share += r.share;
    found->reorders += r.reorders;
    found->steps += r.steps;
    if (!r.kernel.empty() && found->kernel.find(r.kernel) == std::string::npos)
      found->kernel += (found->kernel.empty() ? "" : ", ") + r.kernel;
    if (found->op != r.op) found->op.clear();
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.milliseconds > b.milliseconds; });
  return out;
}

std::string Profile::to_string() const { return table(*this, rows, false); }
std::string Profile::layers_to_string() const { return table(*this, by_layer(), true); }
std::ostream& operator<<(std::ostream& out, const Profile& profile) { return out << profile.to_string(); }

void Profile::save_trace(const std::string& path) const {
  using Json = nlohmann::ordered_json;
  Json events = Json::array();
  events.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", name + " for " + shapes}}}});
  for (const ProfileRow& r : rows) {
    Json event = {{"name", r.layer.empty() ? r.op : r.layer},
                  {"cat", r.op},
                  {"ph", "X"},
                  {"ts", r.start * 1e3},
                  {"dur", r.milliseconds * 1e3},
                  {"pid", 1},
                  {"tid", 1}};
    event["args"]["op"] = r.op;
    if (!r.kernel.empty()) event["args"]["kernel"] = r.kernel;
    if (r.gflops > 0) event["args"]["GFLOP/s"] = r.gflops;
    if (r.reorders > 0) event["args"]["reorders"] = r.reorders;
    events.push_back(std::move(event));
  }
  const std::string text = Json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}}.dump(1) + "\n";
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace strata
