#include "aggregator/cli/table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace bramble::cli {
namespace {

size_t widest_line(const std::string& text) {
  size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

TEST(Table, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({{"JOB", true}, {"NAME"}, {"STATE"}});
  table.add_row({"7", "a", "ok"});
  table.add_row({"1234", "bcd", ""});
  EXPECT_EQ(table.render(80), " JOB  NAME  STATE\n   7  a     ok\n1234  bcd\n");
}

TEST(Table, CutsTheWidestFlexibleColumnToFit80Columns) {
  Table table({{"ID"}, {"SHORT", false, true}, {"LONG", false, true}});
  table.add_row({"12", "short text", std::string(200, 'x')});
  const std::string text = table.render(80);
  EXPECT_EQ(widest_line(text), 80U);
  EXPECT_NE(text.find("short text"), std::string::npos);
  EXPECT_NE(text.find("xxx…\n"), std::string::npos);
}

TEST(Table, LeavesWholeWhatMayNotBeCut) {
  Table table({{"A"}, {"B", false, true}});
  table.add_row({std::string(90, 'a'), "bbbbbbbb"});
  EXPECT_NE(table.render(80).find(std::string(90, 'a')), std::string::npos);
}

TEST(Table, CountsCodePointsAndNeverCutsWithinOne) {
  EXPECT_EQ(display_width("für °C"), 6U);
  EXPECT_EQ(cut_to("äöüß", 3), "äö…");
  EXPECT_EQ(cut_to("äöü", 3), "äöü");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Table, ReplacesControlCharactersSoThatANameCannotDriveTheTerminal) {
  Table table({{"NAME"}});
  table.add_row({"a\x1b[2Jb\nc"});
  EXPECT_EQ(table.render(80), "NAME\na?[2Jb?c\n");
}

}  // namespace
}  // namespace bramble::cli
