// Where this project and its build are. In a source of their own, so that no other object depends on the folder that it
// is built in: a compiler cache then serves every clone.
#pragma once

namespace bramble::test {

extern const char* const kSourceDir;
extern const char* const kBinaryDir;

}  // namespace bramble::test
