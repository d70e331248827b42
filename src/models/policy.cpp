#include "models/policy.h"

#include <mutex>

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

namespace mixed_precision {

void set_global_policy(const std::string& policy) {
  parse(policy);
  std::lock_guard lock(policy_mutex);
  global_name() = policy;
}

std::string global_policy() {
  std::lock_guard lock(policy_mutex);
  return global_name();
}

}  // namespace mixed_precision
}  // namespace strata
