// What the handles of a Checkpoint share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/checkpoint_file.h"
#include "strata/checkpoint.h"

namespace strata {

struct Checkpoint::State {
  std::vector<std::pair<std::string, std::shared_ptr<const Trackable::Base>>> parts;

  // The values now. They stay what they are: a variable that changes moves to memory of its own first.
  CheckpointContents snapshot() const;
};

}  // namespace strata
