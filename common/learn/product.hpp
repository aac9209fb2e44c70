// The product of two matrices. Every sum runs over k from its first to its last term, one addition at a time: the
// result depends neither on how many rows are computed together, nor on caches, alignment or the width of the
// processor's vectors, which libraries for matrices do not promise. For float and double. Pure.
#pragma once

#include <cstddef>

namespace bramble::learn {

// How the elements of a matrix lie: (i, j) is at data[i * row + j * column]. So a transposed view costs nothing.
template <typename T>
struct View {
  const T* data = nullptr;
  size_t row = 0;
  size_t column = 1;
};

template <typename T>
View<T> by_rows(const T* data, size_t columns) {
  return {data, columns, 1};
}

template <typename T>
View<T> transposed(View<T> view) {
  return {view.data, view.column, view.row};
}

// c (m x n, by rows) = a (m x k) b (k x n).
template <typename T>
void multiply(View<T> a, View<T> b, T* c, size_t m, size_t k, size_t n);

// The same, added to what c holds.
template <typename T>
void multiply_and_add(View<T> a, View<T> b, T* c, size_t m, size_t k, size_t n);

}  // namespace bramble::learn
