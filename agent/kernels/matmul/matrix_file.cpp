#include "agent/kernels/matmul/matrix_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace bramble::matmul {
namespace {

static_assert(std::endian::native == std::endian::little, "the elements are taken as they lie");

constexpr size_t kHeadBytes = 8;  // keeps the elements aligned

std::runtime_error failure(const std::string& path, const std::string& what) {
  return std::runtime_error(path + ": " + what);
}

// Does the file hold so many elements and no more? Without a product that could be too large.
bool fits(uint64_t file_bytes, uint64_t rows, uint64_t columns) {
  const uint64_t bytes = file_bytes - kHeadBytes;
  if (rows == 0 || columns == 0) return bytes == 0;
  return bytes % sizeof(double) == 0 && bytes / sizeof(double) / rows == columns && bytes / sizeof(double) % rows == 0;
}

}  // namespace

MatrixFile::MatrixFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw failure(path, std::string(std::strerror(errno)) + ": hand it over with --input FILE=NAME");
  try {
    map(path, fd);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  try {
    take_sizes(path);
  } catch (...) {
    ::munmap(bytes_, size_);
    throw;
  }
}

MatrixFile::~MatrixFile() { ::munmap(bytes_, size_); }

void MatrixFile::map(const std::string& path, int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) throw failure(path, std::strerror(errno));
  const auto bytes = static_cast<uint64_t>(about.st_size);
  if (!S_ISREG(about.st_mode) || bytes < kHeadBytes) {
    throw failure(path, "it is no matrix: two numbers of 4 bytes, rows and columns, and the elements");
  }
  if (bytes > std::numeric_limits<size_t>::max()) throw failure(path, "it is too large for this machine");
  size_ = static_cast<size_t>(bytes);
  bytes_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes_ == MAP_FAILED) throw failure(path, std::strerror(errno));
}

void MatrixFile::take_sizes(const std::string& path) {
  uint32_t sizes[2];
  std::memcpy(sizes, bytes_, kHeadBytes);
  rows_ = sizes[0];
  columns_ = sizes[1];
  if (fits(size_, rows_, columns_)) return;
  throw failure(path, "it has " + std::to_string(size_ - kHeadBytes) + " bytes of elements, which are not " +
                          std::to_string(rows_) + " x " + std::to_string(columns_));
}

const double* MatrixFile::elements() const {
  return reinterpret_cast<const double*>(static_cast<const char*>(bytes_) + kHeadBytes);
}

}  // namespace bramble::matmul
