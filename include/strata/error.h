/// \file
/// What strata throws. Every message says where, what was received, what was expected and what to do.
#pragma once

#include <stdexcept>
#include <string>

#include "strata/export.h"

namespace strata {

/// The base of all exceptions of strata.
class STRATA_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~Error() override;
};

/// A wrong value of an argument, option, configuration or file.
class STRATA_API ValueError : public Error {
 public:
  using Error::Error;
  ~ValueError() override;
};

/// Shapes that do not fit together.
class STRATA_API ShapeError : public ValueError {
 public:
  using ValueError::ValueError;
  ~ShapeError() override;
};

/// Element types that do not fit, or that an operation does not have.
class STRATA_API DTypeError : public ValueError {
 public:
  using ValueError::ValueError;
  ~DTypeError() override;
};

/// An index outside its bounds.
class STRATA_API IndexError : public ValueError {
 public:
  using ValueError::ValueError;
  ~IndexError() override;
};

/// A derivative that cannot be had: a source that does not influence the target, an operation without gradient, ...
class STRATA_API GradientError : public Error {
 public:
  using Error::Error;
  ~GradientError() override;
};

/// The value of a symbolic tensor was asked for.
class STRATA_API SymbolicError : public Error {
 public:
  using Error::Error;
  ~SymbolicError() override;
};

/// A file, directory or download: missing, damaged, or not writable.
class STRATA_API FileError : public ValueError {
 public:
  using ValueError::ValueError;
  ~FileError() override;
};

}  // namespace strata
