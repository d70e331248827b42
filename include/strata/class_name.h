/// \file
/// The name under which files and messages know a class of the user's.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <typeinfo>

#include "strata/export.h"

namespace strata::detail {

/// "MyLoss" of `typeid(ns::MyLoss).name()`: without namespaces and template arguments.
STRATA_API std::string unqualified_class_name(const char* type_name);
/// Keras's automatic names: "MyLoss" gives "my_loss", "AUC" "auc", "KLDivergence" "kl_divergence".
STRATA_API std::string to_snake_case(std::string_view class_name);

/// The unqualified C++ name of T, or its `static constexpr const char* class_name`.
template <class T>
std::string class_name_of() {
  if constexpr (requires { { T::class_name } -> std::convertible_to<const char*>; })
    return T::class_name;
  else
    return unqualified_class_name(typeid(T).name());
}

}  // namespace strata::detail
