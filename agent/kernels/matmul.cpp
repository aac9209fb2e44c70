// A product of two matrices. Input: three numbers of 4 bytes, low byte first - rows of A, columns of A (and rows of B),
// columns of B - and the elements of A and B by rows, each a double of 8 bytes (IEEE 754, low byte first). Result: the
// elements of A B, the same way.
#include <Eigen/Core>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "agent/kernels/kernel.hpp"

static_assert(std::endian::native == std::endian::little, "the elements are taken as they lie");

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr size_t kHeadBytes = 12;

Matrix take_matrix(std::string_view& input, size_t rows, size_t columns) {
  Matrix matrix(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
  const size_t bytes = rows * columns * sizeof(double);
  if (bytes > 0) std::memcpy(matrix.data(), input.data(), bytes);
  input.remove_prefix(bytes);
  return matrix;
}

std::string multiply(std::string_view input) {
  if (input.size() < kHeadBytes) throw std::invalid_argument("the input has no sizes: three numbers of 4 bytes");
  uint32_t sizes[3];
  std::memcpy(sizes, input.data(), kHeadBytes);
  input.remove_prefix(kHeadBytes);
  const uint64_t rows = sizes[0], inner = sizes[1], columns = sizes[2];
  const uint64_t most = bramble::kernel::kMaxCallBytes / sizeof(double);
  const bool sane = rows <= most && inner <= most && columns <= most && rows * columns <= most &&
                    input.size() == (rows * inner + inner * columns) * sizeof(double);
  if (!sane) {
    throw std::invalid_argument("the input has " + std::to_string(input.size()) +
                                " bytes of elements, which do not fit " + std::to_string(rows) + " x " +
                                std::to_string(inner) + " and " + std::to_string(inner) + " x " +
                                std::to_string(columns));
  }
  const Matrix a = take_matrix(input, rows, inner);
  const Matrix b = take_matrix(input, inner, columns);
  const Matrix product = a * b;
  return {reinterpret_cast<const char*>(product.data()), static_cast<size_t>(product.size()) * sizeof(double)};
}

}  // namespace

int main() { return bramble::kernel::serve(multiply); }
