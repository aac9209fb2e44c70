// Random numbers and names from the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace bramble::posix {

uint64_t random_u64();      // from any thread; ends the process when the kernel has no randomness to give
std::string random_uuid();  // version 4, 8-4-4-4-12 lower-case hexadecimal digits

}  // namespace bramble::posix
