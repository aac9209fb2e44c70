// Rules for the names of input files: whatever they lie beside, a task's directory must be able to hold them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

inline constexpr size_t kMaxInputFiles = 64;  // of a job; as many again of one task
inline constexpr size_t kMaxFileNameBytes = 100;

// A plain file name: 1 to kMaxFileNameBytes bytes of UTF-8 without '/' and control characters, neither "." nor "..".
Status check_file_name(std::string_view name);

// At most kMaxInputFiles, and no name twice; `more` are files that lie in the same directory.
Status check_file_names(const std::vector<InputFile>& files, const std::vector<InputFile>& more = {});

}  // namespace bramble::wire
