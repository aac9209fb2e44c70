// Products of matrices: product.hpp says what a call and its result hold.
#include "agent/kernels/kernel.hpp"
#include "agent/kernels/matmul/product.hpp"

int main() {
  return bramble::kernel::serve([](std::string_view input) { return bramble::matmul::answer(input, "."); });
}
