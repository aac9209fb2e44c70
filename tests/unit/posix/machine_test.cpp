#include "common/posix/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

class Machine : public testing::Test {
 protected:
  Machine() {
    EXPECT_TRUE(make_directories(dir_ / "etc"));
    EXPECT_TRUE(make_directories(dir_ / "proc/sys/kernel/random"));
  }
  void write(const std::string& path, const std::string& text) { std::ofstream(dir_ / path) << text; }
  test::TempDir dir_;
};

TEST_F(Machine, ReadsBothIdsBelowItsRoot) {
  write("etc/machine-id", "0123abcd\n");
  write("proc/sys/kernel/random/boot_id", "b007\n");
  const auto identity = read_machine_identity({.root = dir_.path(), .machine_id = {}, .boot_id = {}});
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->machine_id, "0123abcd");
  EXPECT_EQ(identity->boot_id, "b007");
}

TEST_F(Machine, WhatIsGivenNeedsNoFile) {
  const auto identity = read_machine_identity({.root = dir_.path(), .machine_id = "m", .boot_id = "b"});
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->machine_id, "m");
  EXPECT_EQ(identity->boot_id, "b");
}

TEST_F(Machine, AMissingOrEmptyMachineIdIsSaidWithAdvice) {
  const MachineOptions options{.root = dir_.path(), .machine_id = {}, .boot_id = "b"};
  EXPECT_THAT(read_machine_identity(options).error().message, testing::HasSubstr("machine_id in the configuration"));
  write("etc/machine-id", "\n");
  EXPECT_THAT(read_machine_identity(options).error().message, testing::HasSubstr("is empty"));
}

}  // namespace
}  // namespace bramble::posix
