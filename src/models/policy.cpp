#include "models/policy.h"

#include <iostream>
#include <mutex>
#include <set>

#include "kernels/cpu.h"
#include "strata/error.h"

namespace strata {

namespace {
std::mutex policy_mutex;
std::string& global_name() {
  static std::string name = "float32";
  return name;
}

Policy parse(const std::string& name) {
  if (name == "mixed_bfloat16") return {name, DType::bfloat16, DType::float32};
  if (name == "mixed_float16") return {name, DType::float16, DType::float32};
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
    if (name == to_string(dtype)) return {name, dtype, dtype};
  throw ValueError("there is no dtype policy '" + name +
                   "'. Use float32, mixed_bfloat16, mixed_float16, bfloat16, float16 or float64.");
}
}  // namespace

Policy policy_of(const std::string& name) { return parse(name.empty() ? mixed_precision::global_policy() : name); }

std::string slowness_of(const Policy& policy, bool computes_natively) {
  if (computes_natively) return {};
  const std::string dtype = to_string(policy.compute_dtype);
  return "this processor has no " + dtype + " arithmetic that strata can use: layers under \"" + policy.name +
         "\" compute in float32 and round to " + dtype +
         ", which is slower than \"float32\". Memory is saved all the " + "same" +
         (dtype == "float16" ? ". \"mixed_bfloat16\" is the faster choice on most processors." : ".");
}

namespace mixed_precision {

void set_global_policy(const std::string& policy) {
  const Policy parsed = parse(policy);
  const std::string slow = slowness_of(parsed, kernels::computes_natively(parsed.compute_dtype));
  std::lock_guard lock(policy_mutex);
  static std::set<std::string> said;  // once for each policy
  if (!slow.empty() && said.insert(policy).second) std::cerr << "warning: " << slow << "\n";
  global_name() = policy;
}

std::string global_policy() {
  std::lock_guard lock(policy_mutex);
  return global_name();
}

}  // namespace mixed_precision
}  // namespace strata
