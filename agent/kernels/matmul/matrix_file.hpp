// A file with a matrix: rows and columns (4 bytes each, low byte first) and its elements, doubles by rows. Mapped as
// long as this lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bramble::matmul {

class MatrixFile {
 public:
  explicit MatrixFile(const std::string& path);  // throws a sentence
  ~MatrixFile();
  MatrixFile(const MatrixFile&) = delete;
  MatrixFile& operator=(const MatrixFile&) = delete;

  uint64_t rows() const { return rows_; }
  uint64_t columns() const { return columns_; }
  const double* elements() const;

 private:
  void map(const std::string& path, int fd);
  void take_sizes(const std::string& path);

  void* bytes_ = nullptr;
  size_t size_ = 0;
  uint64_t rows_ = 0;
  uint64_t columns_ = 0;
};

}  // namespace bramble::matmul
