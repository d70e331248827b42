// What a Checkpoint asks of its parts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/checkpoint.h"
#include "strata/npy.h"

namespace strata {

class Trackable::Base {
 public:
  virtual ~Base();
  // The values now, in a fixed order; names are for messages alone.
  virtual NamedTensors values() const = 0;
  // Takes values of the shapes that values() has.
  virtual void assign(const Tensors& values) const = 0;
  // Makes what `count` values need, where it can be made only now: `model_weights` are the trainable ones of the
  // checkpoint's models.
  virtual void prepare(std::size_t /*count*/, const Variables& /*model_weights*/) const {}
  virtual Variables trainable_weights() const { return {}; }
  // The number of values may differ from that of the file.
  virtual bool is_flexible() const { return false; }
};

}  // namespace strata
