// Comma-separated values: numbers, and at most one column of texts. Fields may be quoted; lines may end with CR LF;
// empty lines are passed over. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::learn {

struct CsvTable {
  size_t rows = 0;
  size_t columns = 0;              // without the one of the texts
  std::vector<float> values;       // by rows
  std::vector<std::string> texts;  // of the column that is no number; empty where there is none
  std::vector<size_t> lines;       // where each row stands in the file, from 1 on
  size_t text_column = 0;          // from 1 on; 0: none
  std::vector<std::string> names;  // of all columns, where line 1 has them
};

enum class TextColumn : uint8_t { none, by_number, by_name, last };

struct CsvChoice {
  bool header = false;  // line 1 has names
  TextColumn which = TextColumn::none;
  std::string name;
  size_t number = 0;           // from 1 on
  size_t columns_without = 0;  // if not 0: the file has so many columns besides the texts, which may be missing
  std::string texts_are = "label";
  bool doubts_names = false;                            // with header: refuses a line 1 of numbers, for it is a row
  std::string how_to_say_header = "set header = true";  // to be told where it may be missing
};

// Errors begin with "NAME:LINE:FIELD: ", where line and field count from 1 on.
Result<CsvTable> read_csv(const std::string& text, const std::string& name, const CsvChoice& choice);

// A field as an error shows it: short, in quotes, UTF-8.
std::string shown(const std::string& field);

// A finite number, spaces around it aside; nothing else.
bool parse_number(const std::string& field, double& number);

}  // namespace bramble::learn
