#include "common/posix/memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace bramble::posix {
namespace {

constexpr size_t kBlockBytes = 1024;
constexpr size_t kBlocks = 16 * 1024;

// Written at run time: what would come back from the program's file is something else.
std::array<int, 4096> changed = {1};

long resident_anonymous_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib;
  }
  return -1;
}

TEST(GiveBackMemory, LeavesWhatTheProgramHasChanged) {
  for (size_t i = 0; i < changed.size(); ++i) changed[i] = static_cast<int>(i) + 7;
  auto on_heap = std::make_unique<std::array<int, 4096>>(changed);
  give_back_memory();
  for (size_t i = 0; i < changed.size(); ++i) ASSERT_EQ(changed[i], static_cast<int>(i) + 7);
  EXPECT_EQ(*on_heap, changed);
}

TEST(GiveBackMemory, GivesBackWhatWasFreedBelowWhatIsInUse) {
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the heap is not glibc's here";
#endif
  std::vector<std::unique_ptr<std::array<char, kBlockBytes>>> blocks;
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique<std::array<char, kBlockBytes>>());
    blocks.back()->fill('x');
  }
  if (resident_anonymous_kib() < 0) GTEST_SKIP() << "this kernel does not tell RssAnon";
  const auto last = std::move(blocks.back());  // above the others: without it the heap would shrink by itself
  blocks.clear();
  const long before_kib = resident_anonymous_kib();
  give_back_memory();
  EXPECT_LT(resident_anonymous_kib(), before_kib - static_cast<long>(kBlocks * kBlockBytes / 1024 / 2));
  EXPECT_EQ(last->back(), 'x');
}

}  // namespace
}  // namespace bramble::posix
