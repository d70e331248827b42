// protozero, with one difference: a field of another type than its reader expects is an error of the file, not a failed
// assertion. Every file that uses protozero includes this header.
#pragma once

#include <protozero/exception.hpp>

namespace strata::detail {
[[noreturn]] inline void throw_wrong_field() { throw protozero::unknown_pbf_wire_type_exception(); }
}  // namespace strata::detail

#define protozero_assert(condition) ((condition) ? void() : ::strata::detail::throw_wrong_field())

#include <protozero/data_view.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
