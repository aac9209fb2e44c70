// Answers of the kernel `matmul`. Numbers have 4 bytes, elements are doubles of 8 (IEEE 754) by rows; both have their
// low byte first. A call holds either
//
//   three numbers - rows of A, columns of A (and rows of B), columns of B - and the elements of A and B, for all of A
//   B; or four numbers - first row, rows, first column, columns - for that block of A B, where A and B are the files
//   `A` and `B`: two numbers, rows and columns, and the elements.
//
// The result is the elements. What fits neither throws a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bramble::matmul {

inline constexpr size_t kMostResultBytes = size_t{16} << 20;

// The files lie in `directory`; they are mapped while it works, not read, so that they may be larger than the memory.
std::string answer(std::string_view call, const std::string& directory);

}  // namespace bramble::matmul
