#include "strata/error.h"

#include "core/dispatch.h"

namespace strata {

Error::~Error() = default;
ValueError::~ValueError() = default;
ShapeError::~ShapeError() = default;
DTypeError::~DTypeError() = default;
IndexError::~IndexError() = default;
GradientError::~GradientError() = default;
SymbolicError::~SymbolicError() = default;
FileError::~FileError() = default;

void throw_unsupported_dtype(const char* where, DType dtype) {
  throw DTypeError(std::string(where) + ": has no " + to_string(dtype) +
                   " version. Convert the tensor first, e.g. cast(x, float32).");
}

}  // namespace strata
