// What calls of quantized models see of their layers' inputs while calibrate() runs them.
#pragma once

#include <vector>

#include "strata/variable.h"

namespace strata::quantization {

// While it lives, quantized models of this thread compute as the models that they are made of, and show it the inputs
// of their layers.
class Calibration {
 public:
  explicit Calibration(double percentile);
  ~Calibration();
  Calibration(const Calibration&) = delete;
  Calibration& operator=(const Calibration&) = delete;
  // Null where none is going on.
  static Calibration* current();

  // A layer's input; its range belongs to these variables.
  void see(const Variable& min, const Variable& max, const Tensor& x);
  // Sets the variables. False where nothing was seen.
  bool finish() const;

 private:
  struct Seen {
    Variable min_variable, max_variable;
    double min = 0, max = 0;  // of all batches: the extremes, or sums
    int batches = 0;
  };
  double percentile_;
  std::vector<Seen> seen_;
};

}  // namespace strata::quantization
