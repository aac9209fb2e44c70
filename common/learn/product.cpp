#include "common/learn/product.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace bramble::learn {
namespace {

constexpr size_t kWidth = 8;  // columns of c computed together
constexpr size_t kHeight =
    4;  // rows of c computed together: 4 x 8 floats are the eight registers that all machines have

template <typename T>
struct Lanes {
  static constexpr size_t kCount = 16 / sizeof(T);
  typedef T Vector __attribute__((vector_size(16)));
};

// `Rows` rows of kWidth columns of c. The panel has the columns of b side by side, k rows of kWidth.
template <typename T, size_t Rows>
void tile(View<T> a, const T* panel, size_t k, T (&out)[kHeight * kWidth]) {
  using Vector = typename Lanes<T>::Vector;
  constexpr size_t kVectors = kWidth / Lanes<T>::kCount;
  Vector sums[Rows][kVectors] = {};
  for (size_t p = 0; p < k; ++p) {
    Vector row_of_b[kVectors];
    std::memcpy(row_of_b, panel + p * kWidth, sizeof row_of_b);
    for (size_t i = 0; i < Rows; ++i) {
      const T factor = a.data[i * a.row + p * a.column];
      for (size_t v = 0; v < kVectors; ++v) sums[i][v] += factor * row_of_b[v];
    }
  }
  std::memcpy(out, sums, sizeof sums);
}

template <typename T>
void pack(View<T> b, size_t first, size_t width, size_t k, std::vector<T>& panel) {
  for (size_t p = 0; p < k; ++p) {
    const T* from = b.data + p * b.row + first * b.column;
    T* to = panel.data() + p * kWidth;
    for (size_t j = 0; j < width; ++j) to[j] = from[j * b.column];
  }
}

template <typename T>
void store(const T* out, size_t rows, size_t width, T* c, size_t n, bool add) {
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < width; ++j) c[i * n + j] = add ? c[i * n + j] + out[i * kWidth + j] : out[i * kWidth + j];
  }
}

template <typename T>
void run(View<T> a, View<T> b, T* c, size_t m, size_t k, size_t n, bool add) {
  std::vector<T> panel(k * kWidth);
  T out[kHeight * kWidth];
  for (size_t j = 0; j < n; j += kWidth) {
    const size_t width = std::min(kWidth, n - j);
    pack(b, j, width, k, panel);
    size_t i = 0;
    for (; i + kHeight <= m; i += kHeight) {
      tile<T, kHeight>({a.data + i * a.row, a.row, a.column}, panel.data(), k, out);
      store(out, kHeight, width, c + i * n + j, n, add);
    }
    for (; i < m; ++i) {
      tile<T, 1>({a.data + i * a.row, a.row, a.column}, panel.data(), k, out);
      store(out, 1, width, c + i * n + j, n, add);
    }
  }
}

}  // namespace

template <typename T>
void multiply(View<T> a, View<T> b, T* c, size_t m, size_t k, size_t n) {
  run(a, b, c, m, k, n, false);
}

template <typename T>
void multiply_and_add(View<T> a, View<T> b, T* c, size_t m, size_t k, size_t n) {
  run(a, b, c, m, k, n, true);
}

template void multiply<float>(View<float>, View<float>, float*, size_t, size_t, size_t);
template void multiply<double>(View<double>, View<double>, double*, size_t, size_t, size_t);
template void multiply_and_add<float>(View<float>, View<float>, float*, size_t, size_t, size_t);
template void multiply_and_add<double>(View<double>, View<double>, double*, size_t, size_t, size_t);

}  // namespace bramble::learn
