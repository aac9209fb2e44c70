#include "agent/kernels/matmul/product.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "support/temp_dir.hpp"

namespace bramble::matmul {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::vector<double> elements_of(const std::string& bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

class MatmulFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    write("A", bytes_of<uint32_t>({3, 2}) + bytes_of<double>({1, 2, 3, 4, 5, 6}));
    write("B", bytes_of<uint32_t>({2, 4}) + bytes_of<double>({1, 0, 2, -1, 0, 1, 3, 1}));
  }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ / name, std::ios::binary) << bytes;
  }

  std::vector<double> block(const std::vector<uint32_t>& numbers) {
    return elements_of(answer(bytes_of(numbers), dir_.path()));
  }

  std::string refusal(const std::vector<uint32_t>& numbers) {
    try {
      answer(bytes_of(numbers), dir_.path());
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  test::TempDir dir_;
};

TEST(Matmul, MultipliesWhatACallHolds) {
  const std::string call = bytes_of<uint32_t>({2, 3, 1}) + bytes_of<double>({1, 2, 3, 4, 5, 6, 1, 0, -1});
  EXPECT_THAT(elements_of(answer(call, "/nowhere")), ElementsAre(-2, -2));
  EXPECT_THAT(answer(bytes_of<uint32_t>({0, 5, 0}), "/nowhere"), IsEmpty());
  EXPECT_THAT(elements_of(answer(bytes_of<uint32_t>({1, 0, 2}), "/nowhere")), ElementsAre(0, 0));
}

TEST(Matmul, RefusesACallWhoseElementsDoNotFitItsSizes) {
  EXPECT_THROW(answer("", "/nowhere"), std::invalid_argument);
  EXPECT_THROW(answer(bytes_of<uint32_t>({2, 3, 1}) + bytes_of<double>({1, 2}), "/nowhere"), std::invalid_argument);
  EXPECT_THROW(answer(bytes_of<uint32_t>({~0U, 0, ~0U}), "/nowhere"), std::invalid_argument);
  EXPECT_THROW(answer(bytes_of<uint32_t>({1U << 31, 1U << 31, 1U << 31}) + "12345678", "/nowhere"),
               std::invalid_argument);
}

TEST_F(MatmulFiles, GiveBlocksOfTheirProduct) {
  EXPECT_THAT(block({0, 3, 0, 4}), ElementsAre(1, 2, 8, 1, 3, 4, 18, 1, 5, 6, 28, 1));
  EXPECT_THAT(block({1, 2, 1, 2}), ElementsAre(4, 18, 6, 28));
  EXPECT_THAT(block({2, 1, 3, 1}), ElementsAre(1));
  EXPECT_THAT(block({3, 0, 0, 4}), IsEmpty());
}

TEST_F(MatmulFiles, AreLookedAtForEachCall) {
  EXPECT_THAT(block({0, 1, 0, 1}), ElementsAre(1));
  write("A", bytes_of<uint32_t>({1, 2}) + bytes_of<double>({7, 8}));
  EXPECT_THAT(block({0, 1, 0, 4}), ElementsAre(7, 8, 38, 1));
}

TEST_F(MatmulFiles, AreRefusedWithWhatIsWrongWithThem) {
  EXPECT_THAT(refusal({0, 4, 0, 1}), HasSubstr("4 x 1 from row 0 and column 0 on is no block of a product of 3 x 4"));
  EXPECT_THAT(refusal({~0U, ~0U, 0, 1}), HasSubstr("is no block"));
  write("B", bytes_of<uint32_t>({3, 1}) + bytes_of<double>({1, 2, 3}));
  EXPECT_THAT(refusal({0, 1, 0, 1}), HasSubstr("A is 3 x 2 and B 3 x 1: there is no product"));
  write("B", bytes_of<uint32_t>({3, 2}) + bytes_of<double>({1, 2, 3}));
  EXPECT_THAT(refusal({0, 1, 0, 1}), HasSubstr("/B: it has 24 bytes of elements, which are not 3 x 2"));
  write("B", "1234567");
  EXPECT_THAT(refusal({0, 1, 0, 1}), HasSubstr("/B: it is no matrix"));
  ASSERT_EQ(::unlink((dir_ / "B").c_str()), 0);
  EXPECT_THAT(refusal({0, 1, 0, 1}), HasSubstr("/B: No such file or directory: hand it over with --input"));
}

TEST_F(MatmulFiles, GiveNoBlockThatIsLargerThanAResult) {
  write("A", bytes_of<uint32_t>({2000, 0}));
  write("B", bytes_of<uint32_t>({0, 2000}));
  EXPECT_THAT(refusal({0, 2000, 0, 2000}), HasSubstr("a block of 2000 x 2000 is too large"));
  EXPECT_EQ(block({0, 1000, 0, 2000}).size(), 2'000'000U);
}

}  // namespace
}  // namespace bramble::matmul
