#include "agent/kernels/matmul/product.hpp"

#include <Eigen/Core>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "agent/kernels/matmul/matrix_file.hpp"

namespace bramble::matmul {
namespace {

static_assert(std::endian::native == std::endian::little, "the elements are taken as they lie");

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

constexpr size_t kSizesBytes = 12;
constexpr size_t kBlockBytes = 16;  // no call of the other form is as long: its elements have 8 bytes each
constexpr uint64_t kMostElements = kMostResultBytes / sizeof(double);

Eigen::Index index(uint64_t number) { return static_cast<Eigen::Index>(number); }

std::string times(uint64_t rows, uint64_t columns) { return std::to_string(rows) + " x " + std::to_string(columns); }

// The product is computed where it is sent from.
template <typename A, typename B>
std::string product_of(const A& a, const B& b) {
  std::string bytes(static_cast<size_t>(a.rows() * b.cols()) * sizeof(double), '\0');
  Eigen::Map<Matrix, Eigen::Unaligned> product(reinterpret_cast<double*>(bytes.data()), a.rows(), b.cols());
  product.noalias() = a * b;
  return bytes;
}

Matrix take_matrix(std::string_view& input, uint64_t rows, uint64_t columns) {
  Matrix matrix(index(rows), index(columns));
  const size_t bytes = static_cast<size_t>(rows * columns) * sizeof(double);
  if (bytes > 0) std::memcpy(matrix.data(), input.data(), bytes);
  input.remove_prefix(bytes);
  return matrix;
}

std::string multiply_given(std::string_view input) {
  uint32_t sizes[3];
  std::memcpy(sizes, input.data(), kSizesBytes);
  input.remove_prefix(kSizesBytes);
  const uint64_t rows = sizes[0], inner = sizes[1], columns = sizes[2];
  const bool sane = rows <= kMostElements && inner <= kMostElements && columns <= kMostElements &&
                    rows * columns <= kMostElements &&
                    input.size() == (rows * inner + inner * columns) * sizeof(double);
  if (!sane) {
    throw std::invalid_argument("the input has " + std::to_string(input.size()) +
                                " bytes of elements, which do not fit " + times(rows, inner) + " and " +
                                times(inner, columns));
  }
  const Matrix a = take_matrix(input, rows, inner);
  const Matrix b = take_matrix(input, inner, columns);
  return product_of(a, b);
}

void check_block(const uint32_t (&block)[4], const MatrixFile& a, const MatrixFile& b) {
  const uint64_t row = block[0], rows = block[1], column = block[2], columns = block[3];
  if (a.columns() != b.rows()) {
    throw std::invalid_argument("A is " + times(a.rows(), a.columns()) + " and B " + times(b.rows(), b.columns()) +
                                ": there is no product");
  }
  if (row + rows > a.rows() || column + columns > b.columns()) {
    throw std::invalid_argument(times(rows, columns) + " from row " + std::to_string(row) + " and column " +
                                std::to_string(column) + " on is no block of a product of " +
                                times(a.rows(), b.columns()));
  }
  if (rows * columns > kMostElements) {
    throw std::invalid_argument("a block of " + times(rows, columns) +
                                " is too large: a result has at most 16 MiB, which are 2097152 elements");
  }
}

std::string multiply_files(std::string_view input, const std::string& directory) {
  uint32_t block[4];
  std::memcpy(block, input.data(), kBlockBytes);
  const MatrixFile a(directory + "/A"), b(directory + "/B");
  check_block(block, a, b);
  const View left(a.elements(), index(a.rows()), index(a.columns()));
  const View right(b.elements(), index(b.rows()), index(b.columns()));
  return product_of(left.middleRows(block[0], block[1]), right.middleCols(block[2], block[3]));
}

}  // namespace

std::string answer(std::string_view call, const std::string& directory) {
  if (call.size() == kBlockBytes) return multiply_files(call, directory);
  if (call.size() >= kSizesBytes) return multiply_given(call);
  throw std::invalid_argument("the call is no product: three numbers of 4 bytes and the elements, or four numbers");
}

}  // namespace bramble::matmul
