#pragma once

/// Marks what a shared library of strata makes visible. Everything else is hidden.
#define STRATA_API __attribute__((visibility("default")))
