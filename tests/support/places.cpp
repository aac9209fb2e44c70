#include "support/places.hpp"

namespace bramble::test {

const char* const kSourceDir = BRAMBLE_SOURCE_DIR;
const char* const kBinaryDir = BRAMBLE_BINARY_DIR;

}  // namespace bramble::test
