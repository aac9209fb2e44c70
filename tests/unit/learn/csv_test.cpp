#include "common/learn/csv.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "common/learn/dataset.hpp"

namespace bramble::learn {
namespace {

using Floats = std::vector<float>;
using Texts = std::vector<std::string>;

CsvChoice last_is_text() {
  CsvChoice choice;
  choice.which = TextColumn::last;
  return choice;
}

Result<CsvTable> read(const std::string& text, const CsvChoice& choice = last_is_text()) {
  return read_csv(text, "f.csv", choice);
}

std::string wrong(const std::string& text, const CsvChoice& choice = last_is_text()) {
  const auto table = read(text, choice);
  return table ? "it was taken" : table.error().message;
}

TEST(LearnCsv, ReadsNumbersAndOneColumnOfTexts) {
  const auto table = read("1,2.5,a\n-3e1, +4 ,b c\n");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows, 2U);
  EXPECT_EQ(table->columns, 2U);
  EXPECT_EQ(table->values, (Floats{1, 2.5, -30, 4}));
  EXPECT_EQ(table->texts, (Texts{"a", "b c"}));
}

TEST(LearnCsv, TakesWhatPeoplesProgramsWrite) {
  const auto table =
      read("\xEF\xBB\xBF\"1\",2,\"a, \"\"b\"\"\"\r\n\r\n3,4,c\r\n\n");  // byte order mark, CR LF, quotes, no end
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->values, (Floats{1, 2, 3, 4}));
  EXPECT_EQ(table->texts, (Texts{"a, \"b\"", "c"}));
  EXPECT_EQ(table->lines, (std::vector<size_t>{1, 3}));
  EXPECT_TRUE(read("1,a"));
}

TEST(LearnCsv, TakesAQuoteForOneOnlyWhereAFieldBeginsWithIt) {
  const auto table = read(" \t\"1\" ,2,5\" nails\n");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->values, (Floats{1, 2}));
  EXPECT_EQ(table->texts, Texts{"5\" nails"});
  EXPECT_EQ(wrong("1, ,a\n"), "f.csv:1:2: the field is empty");
  EXPECT_EQ(wrong("1,2, \n"), "f.csv:1:3: the field is empty");
}

// Processor time for so many lines of so many fields.
double seconds_for(size_t lines, size_t fields) {
  std::string line;
  for (size_t i = 1; i < fields; ++i) line += "1,";
  line += "a\n";
  std::string text;
  for (size_t i = 0; i < lines; ++i) text += line;
  const std::clock_t begin = std::clock();
  const auto table = read(text);
  const std::clock_t end = std::clock();
  EXPECT_TRUE(table && table->rows == lines && table->columns == fields - 1);
  return static_cast<double>(end - begin) / CLOCKS_PER_SEC;
}

// One that looked for each field to its line's end took twenty times as long.
TEST(LearnCsv, TakesNoLongerForWideLinesThanForAsManyFieldsInNarrowOnes) {
  const double narrow = seconds_for(1200, kMaxColumns / 100), wide = seconds_for(12, kMaxColumns);
  EXPECT_LT(wide, 5 * narrow + 0.05);
}

TEST(LearnCsv, FindsTheColumnByNameOrNumber) {
  CsvChoice choice;
  choice.header = true;
  choice.which = TextColumn::by_name;
  choice.name = "kind";
  auto table = read("x,kind,y\n1,a,2\n", choice);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->values, (Floats{1, 2}));
  EXPECT_EQ(table->texts, Texts{"a"});
  EXPECT_EQ(table->text_column, 2U);
  choice.name = "knid";
  EXPECT_EQ(wrong("x,kind,y\n1,a,2\n", choice),
            "f.csv:1:1: unknown column 'knid'; did you mean 'kind'? (there are 'x', 'kind', 'y')");
  EXPECT_EQ(wrong("a,b,c,d,e,f,g,h,i,j,k,l\n", choice),
            "f.csv:1:1: unknown column 'knid' (there are 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j' and 2 more)");
  choice.header = false;
  EXPECT_EQ(wrong("1,a,2\n", choice),
            "f.csv:1:1: a column can be called by a name only where line 1 has them (set header = true)");
  choice.which = TextColumn::by_number;
  choice.number = 1;
  EXPECT_EQ(read("a,1\n", choice)->texts, Texts{"a"});
  choice.number = 3;
  EXPECT_EQ(wrong("a,1\n", choice), "f.csv:1:1: there is no column 3: it has 2");
}

TEST(LearnCsv, NamesFileLineAndFieldOfWhatIsWrong) {
  EXPECT_EQ(wrong("1,2,a\n1,x,b\n"), "f.csv:2:2: 'x' is no number");
  EXPECT_EQ(wrong("x,y,kind\n1,2,b\n"),
            "f.csv:1:1: 'x' is no number; if line 1 has the columns' names, set header = true");
  EXPECT_EQ(wrong("1,2,a\n\n1,b\n"), "f.csv:3:3: a field is missing: the line has 2, and the first one has 3");
  EXPECT_EQ(wrong("1,2,a\n1,2,3,b\n"), "f.csv:2:4: a field too many: the line has 4, and the first one has 3");
  EXPECT_EQ(wrong("1,2,a\n1,,b\n"), "f.csv:2:2: the field is empty");
  EXPECT_EQ(wrong("1,2,a\n1,2,\n"), "f.csv:2:3: the field is empty");
  EXPECT_EQ(wrong("1,\"2,a\n"), "f.csv:1:2: a quote is not closed, or something follows it");
  EXPECT_EQ(wrong("1,\"2\"3,a\n"), "f.csv:1:2: a quote is not closed, or something follows it");
  EXPECT_EQ(wrong("1,a\n\x01,b\n"), "f.csv:2:1: '?' is no number");
  EXPECT_EQ(wrong("1," + std::string(1001, 'a')), "f.csv:1:2: a field is longer than 1000 bytes");
  EXPECT_EQ(wrong("1\n2\n"), "f.csv:1:1: there is only one column: nothing to learn from besides the label");
  EXPECT_EQ(wrong("\n\n"), "f.csv: there are no rows of data in it");
  CsvChoice header = last_is_text();
  header.header = true;
  EXPECT_EQ(wrong("x,kind\n", header), "f.csv: there are no rows of data in it");
}

TEST(LearnCsv, ShowsWhatIsNoUtf8AsSuch) {
  EXPECT_EQ(wrong("1,a\ngr\xf6\xdf"
                  "e,b\n"),
            "f.csv:2:1: 'gr\uFFFD\uFFFDe' is no number");
}

TEST(LearnCsv, RefusesNumbersThatAreNone) {
  for (const char* bad : {"nan", "inf", "-inf", "1e39", "1e999", "0x10", "1 2", "--1", "1,", "+", ""}) {
    double number = 0;
    EXPECT_FALSE(parse_number(bad, number)) << bad;
  }
}

TEST(LearnCsv, SaysThatFieldsAreSeparatedByCommas) {
  const std::string commas = "fields are separated by commas, and decimals have a point";
  EXPECT_EQ(wrong("5.1;3.5;a\n"), "f.csv:1:1: " + commas);
  EXPECT_EQ(wrong("5.1\t3.5\ta\n"), "f.csv:1:1: " + commas);
  EXPECT_EQ(wrong("5,1;3,5;a\n"), "f.csv:1:2: '1;3' is no number: " + commas);
  CsvChoice choice = last_is_text();
  choice.columns_without = 1;
  EXPECT_EQ(wrong("5;3\n", choice), "f.csv:1:1: '5;3' is no number: " + commas);
  EXPECT_EQ(read("1,a;b\n")->texts, Texts{"a;b"});
}

TEST(LearnCsv, DoubtsThatNumbersAreNames) {
  CsvChoice choice = last_is_text();
  choice.header = true;
  EXPECT_EQ(read("1,2,a\n3,4,b\n", choice)->rows, 1U) << "who is sure of the names has them taken for such";
  choice.doubts_names = true;
  choice.columns_without = 2;
  const std::string doubt =
      ": numbers stand where the columns' names are expected, as the model learned from data that has them: say "
      "--no-header if this line is a row, --header if these are names";
  EXPECT_EQ(wrong("1,2,a\n3,4,b\n", choice), "f.csv:1" + doubt);
  EXPECT_EQ(wrong("\n1,2\n3,4\n", choice), "f.csv:2" + doubt);
  EXPECT_EQ(read("1,x,a\n3,4,b\n", choice)->rows, 1U);
  EXPECT_EQ(read("1,x\n3,4\n", choice)->rows, 1U);
}

TEST(LearnCsv, TakesAFileWithoutTheColumnOfTextsWhereToldHowWideItIs) {
  CsvChoice choice = last_is_text();
  choice.columns_without = 2;
  EXPECT_EQ(read("1,2\n3,4\n", choice)->values, (Floats{1, 2, 3, 4}));
  EXPECT_EQ(read("1,2,a\n3,4,b\n", choice)->texts, (Texts{"a", "b"}));
}

TEST(LearnCsv, TellsHowManyColumnsThereAreBeforeItDoubtsTheirNames) {
  CsvChoice choice = last_is_text();
  choice.columns_without = 4;
  const std::string three = ": the line has 3 columns, and the model takes 4 (5 with the label)";
  EXPECT_EQ(wrong("1,2,3\n4,5,6\n", choice), "f.csv:1" + three);
  EXPECT_EQ(wrong("\n1,2,3\n4,5,6\n", choice), "f.csv:2" + three);
  choice.header = true;
  EXPECT_EQ(wrong("a,b,c\n1,2,3\n", choice), "f.csv:1" + three);
  choice.doubts_names = true;
  EXPECT_EQ(wrong("1,2,3\n4,5,6\n", choice), "f.csv:1" + three);
  EXPECT_EQ(wrong("a,b,c,d\n1,2,3\n", choice),
            "f.csv:2:4: a field is missing: the line has 3, and the first one has 4");
  choice.texts_are = "target";
  EXPECT_EQ(wrong("1\n2\n", choice), "f.csv:1: the line has 1 column, and the model takes 4 (5 with the target)");
  choice.which = TextColumn::none;
  EXPECT_EQ(wrong("1,2,3,4,5\n", choice), "f.csv:1: the line has 5 columns, and the model takes 4");
}

TEST(LearnCsv, SaysThatALineWithTheLabelLacksAnotherColumn) {
  CsvChoice choice = last_is_text();
  choice.columns_without = 2;
  choice.header = true;
  const std::string two = ": the line has 2 columns, and with the label the model takes 3 ";
  EXPECT_EQ(wrong("x,kind\n1,a\n", choice), "f.csv:2" + two + "('a' in column 2 is no number)");
  EXPECT_EQ(wrong("x,kind\na,1\n", choice), "f.csv:2:1: 'a' is no number") << "there is no label";
  EXPECT_EQ(wrong("x,y\n1,2\n1,a\n", choice), "f.csv:3:2: 'a' is no number") << "numbers stand there";
  choice.header = false;
  choice.which = TextColumn::by_number;
  choice.number = 1;
  EXPECT_EQ(wrong("a,1\n", choice), "f.csv:1" + two + "('a' in column 1 is no number)");
  choice.number = 3;  // where it stood before another one was left out
  EXPECT_EQ(wrong("1,a\n", choice), "f.csv:1" + two + "('a' in column 2 is no number)");
  EXPECT_EQ(wrong("x,y\n1,2\n", choice),
            "f.csv:1:1: 'x' is no number; if line 1 has the columns' names, set header = true");
  choice.which = TextColumn::by_name;
  choice.name = "kind";
  choice.header = true;
  EXPECT_EQ(wrong("a,1\nb,2\n", choice), "f.csv:2" + two + "('b' in column 1 is no number)");
}

TEST(LearnCsv, NeverTakesANumberForAnotherThatIsNamedAsTheLabel) {
  CsvChoice choice;
  choice.which = TextColumn::by_name;
  choice.name = "kind";
  choice.header = true;
  choice.columns_without = 2;
  EXPECT_EQ(wrong("x,kind\n1,7\n", choice),
            "f.csv:1: the line has 2 columns, the label 'kind' among them, and with it the model takes 3");
  EXPECT_EQ(read("x,y\n1,7\n", choice)->values, (Floats{1, 7}));
}

}  // namespace
}  // namespace bramble::learn
