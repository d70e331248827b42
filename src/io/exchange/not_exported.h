// Ops that no exchange format has, and why: those that are no part of a model's call.
#pragma once

#include <string_view>

namespace strata::exchange {

// Empty for an op that a format may have. Each format adds reasons of its own.
std::string_view reason_not_exported(std::string_view op);

}  // namespace strata::exchange
