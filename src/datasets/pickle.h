// A reader of the few things that the Python version of CIFAR pickles: dictionaries of strings, integers, lists and
// arrays of unsigned bytes. It never runs anything: names of functions are compared, not called.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/bytes.h"

namespace strata::datasets::detail {

struct PickledArray {
  std::vector<std::int64_t> shape;
  std::string_view bytes;  // within the file
};

// What a CIFAR batch holds under its keys.
struct PickledBatch {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> integer_lists;  // "labels", "fine_labels", ...
  PickledArray data;
};

// Throws FileError where the file is no such pickle. The result refers to `file`.
PickledBatch read_pickled_batch(const NamedBytes& file);

}  // namespace strata::datasets::detail
