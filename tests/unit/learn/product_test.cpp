#include "common/learn/product.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/random.hpp"

namespace bramble::learn {
namespace {

std::vector<float> some_values(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.unit() - 0.5);
  return values;
}

struct Sizes {
  size_t m, k, n;
};

TEST(LearnProduct, SumsInOneOrderForAllSizes) {
  for (const Sizes size : {Sizes{1, 1, 1}, Sizes{3, 5, 7}, Sizes{4, 9, 8}, Sizes{33, 17, 10}, Sizes{2, 0, 3}}) {
    const auto a = some_values(size.m * size.k, 1), b = some_values(size.k * size.n, 2);
    std::vector<float> c(size.m * size.n, 99.0F);
    multiply(by_rows(a.data(), size.k), by_rows(b.data(), size.n), c.data(), size.m, size.k, size.n);
    for (size_t i = 0; i < size.m; ++i) {
      for (size_t j = 0; j < size.n; ++j) {
        volatile float sum = 0;  // so that nothing is fused or reordered
        for (size_t p = 0; p < size.k; ++p) {
          volatile float product = a[i * size.k + p] * b[p * size.n + j];
          sum = sum + product;
        }
        EXPECT_EQ(c[i * size.n + j], sum) << i << ' ' << j;  // the bits, not about the same
      }
    }
  }
}

TEST(LearnProduct, ReadsTransposedAndAdds) {
  const std::vector<double> a = {1, 2, 3, 4, 5, 6};  // 3 x 2, read as 2 x 3
  const std::vector<double> b = {1, 0, 0, 1, 1, 1};  // 2 x 3, read as 3 x 2
  std::vector<double> c = {10, 20, 30, 40};
  multiply_and_add(transposed(by_rows(a.data(), 2)), transposed(by_rows(b.data(), 3)), c.data(), 2, 3, 2);
  EXPECT_EQ(c, (std::vector<double>{11, 29, 32, 52}));
}

TEST(LearnProduct, OfARowDoesNotDependOnTheRowsBesideIt) {
  const size_t rows = 13, k = 21, n = 11;
  const auto a = some_values(rows * k, 3), b = some_values(k * n, 4);
  std::vector<float> together(rows * n), alone(n);
  multiply(by_rows(a.data(), k), by_rows(b.data(), n), together.data(), rows, k, n);
  for (size_t i = 0; i < rows; ++i) {
    multiply(by_rows(a.data() + i * k, k), by_rows(b.data(), n), alone.data(), 1, k, n);
    for (size_t j = 0; j < n; ++j) EXPECT_EQ(together[i * n + j], alone[j]);
  }
}

}  // namespace
}  // namespace bramble::learn
