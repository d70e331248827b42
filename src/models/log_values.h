// Logs with several numbers, such as the F-score of each class.
#pragma once

#include <string>

#include "strata/logs.h"

namespace strata {

// The value, or the mean of several: what a progress bar shows of it, as Keras's does.
STRATA_API double shown_value(const Tensor& value);
// The value, or several: their mean under the name, and each under "name[i]".
void append_values(History::Table& table, const std::string& name, const Tensor& value);
// "0.25", or "[0.25, 0.5]", as Python prints the number or a list of them.
std::string python_text(const Tensor& value);

}  // namespace strata
