// A kernel that does nothing: what a call costs beside its work.
#include "agent/kernels/kernel.hpp"

int main() {
  return bramble::kernel::serve([](std::string_view) { return std::string(); });
}
