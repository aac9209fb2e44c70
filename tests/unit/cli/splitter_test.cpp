#include "aggregator/cli/splitter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace bramble::cli {
namespace {

using Pieces = std::vector<std::string>;

// Feeds the files in steps of `step` bytes and takes all pieces.
Pieces split(const std::vector<std::string>& files, SplitRule rule, size_t step) {
  Splitter splitter(rule);
  Pieces pieces;
  const auto take_all = [&] {
    while (true) {
      auto piece = splitter.take();
      ASSERT_TRUE(piece) << piece.error().message;
      if (!*piece) return;
      pieces.push_back(std::move(**piece));
    }
  };
  for (const std::string& file : files) {
    for (size_t at = 0; at < file.size(); at += step) {
      splitter.feed(std::string_view(file).substr(at, step));
      take_all();
    }
    splitter.end_file();
    take_all();
  }
  splitter.finish();
  take_all();
  return pieces;
}

// The same by another way: all records first, then gathered one by one.
struct Record {
  std::string text;
  bool ends_piece = false;  // the last of a file, without '\n'
};

std::vector<Record> records_of(const std::vector<std::string>& files) {
  std::vector<Record> records;
  for (const std::string& file : files) {
    for (size_t at = 0; at < file.size();) {
      const size_t newline = file.find('\n', at);
      const size_t end = newline == std::string::npos ? file.size() : newline + 1;
      records.push_back({file.substr(at, end - at), newline == std::string::npos});
      at = end;
    }
  }
  return records;
}

Pieces reference(const std::vector<std::string>& files, SplitRule rule) {
  Pieces pieces;
  std::string piece;
  uint64_t count = 0;
  const auto cut = [&] {
    if (!piece.empty()) pieces.push_back(piece);
    piece.clear();
    count = 0;
  };
  for (const Record& record : records_of(files)) {
    if (rule.records == 0 && piece.size() + record.text.size() > rule.bytes) cut();
    piece += record.text;
    ++count;
    const bool full = rule.records > 0 ? count == rule.records : piece.size() >= rule.bytes;
    if (full || record.ends_piece) cut();
  }
  cut();
  return pieces;
}

std::string random_file(std::mt19937& random) {
  std::string file(random() % 200, ' ');
  for (char& c : file) c = random() % 7 == 0 ? '\n' : static_cast<char>('a' + random() % 26);
  return file;
}

std::string all_of(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

TEST(Splitter, AgreesWithTheReferenceOnRandomInputs) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> files(random() % 4);
    for (std::string& file : files) file = random_file(random);
    SplitRule rule;
    rule.bytes = 1 + random() % 60;
    if (random() % 2 == 0) rule.records = 1 + random() % 9;
    const Pieces pieces = split(files, rule, 1 + random() % 70);
    ASSERT_EQ(pieces, reference(files, rule)) << "seed " << seed;
    ASSERT_EQ(all_of(pieces), all_of(files)) << "seed " << seed;
  }
}

TEST(Splitter, PutsAsManyWholeRecordsAsFitIntoAPiece) {
  EXPECT_EQ(split({"aa\nbb\ncc\n"}, {6, 0}, 100), (Pieces{"aa\nbb\n", "cc\n"}));
}

TEST(Splitter, KeepsARecordThatIsLongerThanAPieceWhole) {
  EXPECT_EQ(split({"a\nlong long long\nb\n"}, {4, 0}, 3), (Pieces{"a\n", "long long long\n", "b\n"}));
}

TEST(Splitter, EndsThePieceWhereAFilesLastLineLacksItsNewline) {
  EXPECT_EQ(split({"a\nb", "c\n", "d\n"}, {100, 0}, 100), (Pieces{"a\nb", "c\nd\n"}));
  EXPECT_EQ(split({"a\nb", "c\n", "d\n"}, {100, 2}, 100), (Pieces{"a\nb", "c\nd\n"}));
}

TEST(Splitter, MakesNothingOfEmptyInputs) {
  EXPECT_EQ(split({}, {}, 1), Pieces{});
  EXPECT_EQ(split({"", ""}, {}, 1), Pieces{});
}

Result<std::optional<std::string>> feed_without_newline(SplitRule rule, size_t bytes) {
  Splitter splitter(rule);
  const std::string step(size_t{1} << 20, 'x');
  for (size_t fed = 0; fed < bytes; fed += step.size()) {
    splitter.feed(step);
    auto piece = splitter.take();
    if (!piece) return piece;
  }
  splitter.finish();
  return splitter.take();
}

TEST(Splitter, TakesARecordOf64MiBAndRefusesALongerOne) {
  const auto longest = feed_without_newline({}, kMaxPieceBytes);
  ASSERT_TRUE(longest && *longest);
  EXPECT_EQ((*longest)->size(), kMaxPieceBytes);
  const auto longer = feed_without_newline({}, kMaxPieceBytes + (size_t{1} << 20));
  ASSERT_FALSE(longer);
  EXPECT_NE(longer.error().message.find("newline"), std::string::npos);
}

TEST(Splitter, RefusesAPieceOfTooManyRecordsNamingTheOption) {
  const auto refused = feed_without_newline({1, 5}, kMaxPieceBytes + (size_t{1} << 20));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--records"), std::string::npos);
}

}  // namespace
}  // namespace bramble::cli
