// Rows of an array gathered in any order: the work of a shuffled batch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::kernels {

// dst row i = src row rows[i], each of `row_bytes` bytes; by several threads where it is much.
void copy_rows(void* dst, const void* src, const std::int64_t* rows, std::int64_t count, std::size_t row_bytes);

}  // namespace strata::kernels
