// Tables for people: as wide as their content, at most as wide as the terminal.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace bramble::cli {

inline constexpr size_t kMinColumns = 80;
inline constexpr size_t kColumnGap = 2;
inline constexpr size_t kAnyWidth = std::numeric_limits<size_t>::max();  // no terminal: nothing is cut

struct Column {
  std::string title;
  bool right = false;     // numbers
  bool flexible = false;  // may be cut, with an ellipsis, to make the table fit
  bool prose = false;     // where nothing is cut, short cells are not padded to the longest sentence
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  void add_row(std::vector<std::string> cells);  // as many cells as there are columns
  void add_note(std::string text);               // below the last row, indented, broken into lines of the width

  size_t width() const;        // that it takes where nothing is cut
  size_t least_width() const;  // where the flexible columns are cut as far as they may be

  // Every line ends with '\n' and has at most `width` columns, as long as the flexible columns can give way. Control
  // characters in cells become '?': a job's name must not drive the terminal.
  std::string render(size_t width) const;

 private:
  std::vector<size_t> natural_widths() const;
  std::vector<size_t> column_widths(size_t width) const;
  std::string render_line(const std::vector<std::string>& cells, const std::vector<size_t>& widths, bool cut) const;

  std::vector<Column> columns_;
  struct Row {
    std::vector<std::string> cells;
    std::string note;
  };
  std::vector<Row> rows_;
};

// With '?' for control characters: what a stranger has written must not drive the terminal.
std::string without_controls(std::string text);

// Columns that a UTF-8 text takes on a terminal, each code point counted as one.
size_t display_width(std::string_view text);

// The text cut to `width` columns; what was cut shows as an ellipsis.
std::string cut_to(std::string_view text, size_t width);

}  // namespace bramble::cli
