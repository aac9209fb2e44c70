#include "common/posix/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  test::TempDir dir_;
};

TEST_F(Files, ReadsWhatWasWritten) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4095}, size_t{4096}, size_t{100'000}}) {
    const std::string data(size, 'd');
    ASSERT_TRUE(write_file_atomically(dir_ / "file", data, {.sync = true}));
    EXPECT_EQ(read_file(dir_ / "file", 100'000).value(), data);
  }
  EXPECT_EQ(list_directory(dir_.path()).value(), std::vector<std::string>{"file"});
}

TEST_F(Files, AFileAboveTheLimitIsAnError) {
  std::ofstream(dir_ / "file") << "12345";
  EXPECT_TRUE(read_file(dir_ / "file", 5));
  EXPECT_EQ(read_file(dir_ / "file", 4).error().code, ErrorCode::limit);
}

TEST_F(Files, ReadsFilesOfProcThatSayTheyAreEmpty) {
  EXPECT_THAT(read_file("/proc/self/status", 1 << 20).value(), HasSubstr("Pid:"));
}

TEST_F(Files, AMissingFileIsNamed) {
  const auto read = read_file(dir_ / "missing", 10);
  EXPECT_EQ(read.error().code, ErrorCode::not_found);
  EXPECT_THAT(read.error().message, HasSubstr("missing: no such file or directory"));
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAndNoTemporaryOne) {
  ASSERT_TRUE(make_directories(dir_ / "target/inside"));  // a directory cannot be replaced by a file
  EXPECT_FALSE(write_file_atomically(dir_ / "target", "new"));
  EXPECT_EQ(list_directory(dir_.path()).value(), std::vector<std::string>{"target"});
}

TEST_F(Files, WhatIsNoFileIsNotReplacedByOne) {
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Status written = write_file_atomically(pipe, "new");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("pipe is no regular file"));
  struct stat there {};
  EXPECT_EQ(::stat(pipe.c_str(), &there), 0);
  EXPECT_TRUE(S_ISFIFO(there.st_mode));
}

TEST_F(Files, MakesDirectoriesOnTheWay) {
  EXPECT_TRUE(make_directories(dir_ / "a/b/c"));
  EXPECT_TRUE(make_directories(dir_ / "a/b/c"));
  EXPECT_TRUE(make_directories(dir_ / "a/b/d/"));
  EXPECT_EQ(list_directory(dir_ / "a/b").value(), (std::vector<std::string>{"c", "d"}));
}

TEST_F(Files, AFileInTheWayOfADirectoryIsAnError) {
  std::ofstream(dir_ / "file") << "x";
  EXPECT_EQ(make_directories(dir_ / "file").error().code, ErrorCode::conflict);
  EXPECT_FALSE(make_directories(dir_ / "file/below"));
}

TEST_F(Files, RemovesTreesAndFollowsNoLinks) {
  ASSERT_TRUE(make_directories(dir_ / "keep"));
  std::ofstream(dir_ / "keep/file") << "x";
  ASSERT_TRUE(make_directories(dir_ / "tree/a/b"));
  std::ofstream(dir_ / "tree/a/b/file") << "x";
  ASSERT_EQ(::symlink((dir_ / "keep").c_str(), (dir_ / "tree/a/link").c_str()), 0);
  ASSERT_EQ(::chmod((dir_ / "tree/a/b").c_str(), 0), 0);
  EXPECT_TRUE(remove_tree(dir_ / "tree"));
  EXPECT_TRUE(remove_tree(dir_ / "tree"));
  EXPECT_EQ(list_directory(dir_.path()).value(), std::vector<std::string>{"keep"});
  EXPECT_EQ(list_directory(dir_ / "keep").value(), std::vector<std::string>{"file"});
}

TEST_F(Files, ListsUpToALimit) {
  for (const char* name : {"b", "a"}) std::ofstream(dir_ / name) << "x";
  EXPECT_EQ(list_directory(dir_.path(), 2).value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(list_directory(dir_.path(), 1).error().code, ErrorCode::limit);
}

TEST_F(Files, TellsTheFreeSpace) {
  EXPECT_GT(free_bytes(dir_.path()).value(), 0U);
  EXPECT_FALSE(free_bytes(dir_ / "missing"));
}

}  // namespace
}  // namespace bramble::posix
