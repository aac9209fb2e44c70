#include "common/wire/input_files.hpp"

#include <gtest/gtest.h>

namespace bramble::wire {
namespace {

TEST(InputFiles, TakeWhatAnyDirectoryCanHold) {
  for (const char* name : {"a", "model.bin", "...", " with space", ".hidden", "fr\xC3\xB6mpf", "a=b", "-rf"}) {
    EXPECT_TRUE(check_file_name(name)) << name;
  }
  EXPECT_TRUE(check_file_name(std::string(100, 'x')));
}

TEST(InputFiles, RefuseWhatIsNoPlainName) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("/etc/passwd"), std::string("a/b"),
        std::string("line\nbreak"), std::string("bell\x07"), std::string("delete\x7f"), std::string("a\0b", 3),
        std::string("bytes\xFF"), std::string(101, 'x')}) {
    EXPECT_FALSE(check_file_name(name)) << name;
  }
}

TEST(InputFiles, HaveNamesOfTheirOwn) {
  const std::vector<InputFile> two{{"a", {}}, {"b", {}}};
  EXPECT_TRUE(check_file_names(two));
  EXPECT_EQ(check_file_names({{"a", {}}, {"a", {}}}).error().message, "two input files are named a");
  EXPECT_EQ(check_file_names({{"b", {}}}, two).error().message, "two input files are named b");
  EXPECT_TRUE(check_file_names({{"c", {}}}, two));
}

TEST(InputFiles, AreSixtyFourAtMost) {
  std::vector<InputFile> files;
  for (size_t i = 0; i < kMaxInputFiles; ++i) files.push_back({std::to_string(i), {}});
  EXPECT_TRUE(check_file_names(files));
  files.push_back({"one more", {}});
  EXPECT_EQ(check_file_names(files).error().message, "there are 65 input files; at most 64 are allowed");
}

}  // namespace
}  // namespace bramble::wire
