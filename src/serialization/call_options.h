// What Keras writes at the calls of layers, and strata keeps elsewhere: masks that layers find by themselves, and
// options of attention that are the layer's.
#pragma once

#include <set>
#include <string>

#include "serialization/serialize.h"

namespace strata {

// The operators by which Keras 3 writes the masks of Embedding(mask_zero = True) and Masking, and their use at calls.
class AutomaticMasks {
 public:
  explicit AutomaticMasks(const Config::Value::List& layers);
  // The call without the masks that strata's layers find on their inputs.
  Config::Value without(const Config::Value& call) const;

 private:
  bool is_automatic(const Config::Value& value) const;
  bool add(const Config& layer, const std::set<std::string>& sources);
  std::set<std::string> names_;  // of operators
};

// Moves use_causal_mask and return_attention_scores from the calls of an attention layer to its configuration. Throws
// ValueError where its calls differ in them.
void take_call_options(Config& layer);
// The other way round.
void give_call_options(Config& layer, Config::Value::List& calls);

// The number that a file of Keras 2 gives the first call of the model `name` inside of another: 1, since the call by
// which it was made counts, unless the file names call 0.
std::int64_t first_call(const Config& model, const std::string& name);

}  // namespace strata
