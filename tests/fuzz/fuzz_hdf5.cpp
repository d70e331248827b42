// libFuzzer: all of an HDF5 file that may be anything. The corpus is tests/golden/files.
#include <cstdint>

#include "io/hdf5/reader.h"
#include "strata/error.h"

namespace {

void read_all(const strata::hdf5::Object& object, int depth) {
  for (const auto& name : object.attribute_names()) object.attribute(name);
  if (object.is_dataset()) {
    object.read();
    return;
  }
  if (depth > 6) return;
  for (const auto& name : object.names()) {
    try {
      read_all(object.at(name), depth + 1);
    } catch (const strata::Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_all(strata::hdf5::open_bytes(data, size, nullptr, "fuzz", {.bytes = 1 << 22}), 0);
  } catch (const strata::Error&) {
  }
  return 0;
}
