// The folder of a checkpoint: shard-00000.npz and on. The first one holds the manifest, a JSON text as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/npy.h"

namespace strata {

struct CheckpointPart {
  std::string name;
  NamedTensors values;
};
struct CheckpointContents {
  std::vector<CheckpointPart> parts;
  std::string kernel_choices;
};

void write_checkpoint(const std::string& path, const CheckpointContents& contents, std::int64_t shard_bytes);
// Throws FileError unless all of it is there and whole.
STRATA_API CheckpointContents read_checkpoint(const std::string& path);

}  // namespace strata
