// How callbacks watch a value of the logs.
#pragma once

#include <optional>
#include <string>

#include "strata/logs.h"
#include "strata/model.h"

namespace strata::callbacks {

class Monitor {
 public:
  // `where` is the callback's class. Throws ValueError for a mode that is none.
  Monitor(const char* where, const std::string& name, const std::string& mode, double min_delta);
  // The value; warns, once, on stderr where it is missing.
  std::optional<double> value(const Logs& logs);
  // Whether the value is better than `reference` by more than min_delta; than none, always.
  bool is_better(double value, const std::optional<double>& reference, const Model& model);
  const std::string& name() const { return name_; }

 private:
  bool is_upward(const Model& model);
  const char* where_;
  std::string name_, mode_;
  double min_delta_;
  std::optional<bool> is_upward_;
  bool has_warned_ = false;
};

// "{epoch:02d}-{val_loss:.2f}.h5" with the epoch and batch, counted from 1, and the logs. Throws ValueError for a name
// that is not in the logs and for a format that is none of numbers.
STRATA_API std::string format_path(const std::string& path, int epoch, std::optional<std::int64_t> batch, const Logs& logs);

// The number as Python prints it.
STRATA_API std::string python_number(double value);

}  // namespace strata::callbacks
