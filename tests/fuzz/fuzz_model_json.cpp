// libFuzzer: the configuration of a model that may be anything.
#include <cstdint>
#include <string>

#include "serialization/json.h"
#include "strata/saving.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    strata::model_from_json(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const strata::Error&) {
  }
  return 0;
}
