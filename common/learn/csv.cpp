#include "common/learn/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "common/base/nearest.hpp"
#include "common/base/utf8.hpp"
#include "common/learn/dataset.hpp"

namespace bramble::learn {
namespace {

constexpr size_t kMaxFieldBytes = 1000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// At most ten of them.
std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t kMostShown = 10;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMostShown; ++i) text += (i == 0 ? "" : ", ") + shown(names[i]);
  return text + (names.size() > kMostShown ? " and " + std::to_string(names.size() - kMostShown) + " more" : "");
}

// As spreadsheets write it where decimals have a comma.
bool has_other_separators(std::string_view text) { return text.find_first_of(";\t") != std::string_view::npos; }

constexpr const char* kSeparators = "fields are separated by commas, and decimals have a point";

class CsvReader {
 public:
  CsvReader(const std::string& text, const std::string& name, const CsvChoice& choice)
      : rest_(text), name_(name), choice_(choice) {}

  Result<CsvTable> read() {
    bool first = true;
    while (next_line()) {
      if (Status status = split(); !status) return tl::unexpected<Error>(status.error());
      const bool names = first && choice_.header;
      Status status = first ? begin() : Status{};
      if (status && names && choice_.doubts_names) status = check_names();
      if (status && !names) status = take_row();
      if (!status) return tl::unexpected<Error>(status.error());
      first = false;
    }
    if (table_.rows == 0) return fail(name_ + ": there are no rows of data in it");
    return std::move(table_);
  }

 private:
  tl::unexpected<Error> wrong(size_t field, const std::string& what) const {
    return fail(name_ + ":" + std::to_string(line_) + ":" + std::to_string(field + 1) + ": " + what);
  }

  // The next line that is not empty; counts them all.
  bool next_line() {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find('\n'), rest_.size());
      current_ = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++line_;
      if (current_.ends_with('\r')) current_.remove_suffix(1);
      if (line_ == 1 && current_.starts_with("\xEF\xBB\xBF")) current_.remove_prefix(3);  // a byte order mark
      if (!trimmed(current_).empty()) return true;
    }
    return false;
  }

  // current_ into fields_.
  Status split() {
    fields_.clear();
    std::string_view rest = current_;
    while (true) {
      std::string field;
      const size_t begin = rest.find_first_not_of(" \t");
      if (begin != std::string_view::npos && rest[begin] == '"') {
        rest.remove_prefix(begin);
        if (!take_quoted(rest, field)) return wrong(fields_.size(), "a quote is not closed, or something follows it");
      } else {
        field = trimmed(rest.substr(0, rest.find(',')));
        rest.remove_prefix(std::min(rest.find(','), rest.size()));
      }
      if (field.size() > kMaxFieldBytes) return wrong(fields_.size(), "a field is longer than 1000 bytes");
      if (fields_.size() > kMaxColumns) return wrong(fields_.size(), "there are more than 100000 columns");
      fields_.push_back(std::move(field));
      if (rest.empty()) return {};
      rest.remove_prefix(1);
    }
  }

  // "a ""b""" up to the comma or the end.
  static bool take_quoted(std::string_view& rest, std::string& field) {
    rest.remove_prefix(1);
    while (true) {
      const size_t quote = rest.find('"');
      if (quote == std::string_view::npos) return false;
      field += rest.substr(0, quote);
      rest.remove_prefix(quote + 1);
      if (!rest.starts_with('"')) break;
      field += '"';
      rest.remove_prefix(1);
    }
    const size_t end = std::min(rest.find(','), rest.size());
    if (!trimmed(rest.substr(0, end)).empty()) return false;
    rest.remove_prefix(end);
    return true;
  }

  // What the first line says: how many columns, and which holds texts.
  Status begin() {
    width_ = fields_.size();
    without_texts_ = choice_.columns_without != 0 && width_ == choice_.columns_without;
    if (without_texts_ && names_texts()) {
      return fail(name_ + ":" + std::to_string(line_) + ": the line has " + std::to_string(width_) + " columns, the " +
                  choice_.texts_are + " " + shown(choice_.name) + " among them, and with it the model takes " +
                  std::to_string(width_ + 1));
    }
    if (!without_texts_) {
      if (width_ == 1 && has_other_separators(current_)) return wrong(0, kSeparators);
      if (Status status = check_width(); !status) return status;
      if (Status status = find_text_column(); !status) return status;
    }
    if (choice_.header) table_.names = fields_;
    table_.columns = table_.text_column == 0 ? width_ : width_ - 1;
    if (table_.columns == 0) return wrong(0, "there is only one column: nothing to learn from besides the label");
    return {};
  }

  // Then it is there, and would else be taken for a number to answer by.
  bool names_texts() const {
    return choice_.header && choice_.which == TextColumn::by_name &&
           std::find(fields_.begin(), fields_.end(), choice_.name) != fields_.end();
  }

  // Before anything else is said of a line: where columns are missing, all that follows would blame the wrong thing.
  Status check_width() const {
    const size_t wanted = choice_.columns_without;
    const bool has_texts = choice_.which != TextColumn::none;
    if (wanted == 0 || (has_texts && width_ == wanted + 1)) return {};
    const std::string whole = " (" + std::to_string(wanted + 1) + " with the " + choice_.texts_are + ")";
    return fail(name_ + ":" + std::to_string(line_) + ": the line has " + std::to_string(width_) +
                (width_ == 1 ? " column" : " columns") + ", and the model takes " + std::to_string(wanted) +
                (has_texts ? whole : ""));
  }

  // A row that were taken for names would be lost without a word.
  Status check_names() const {
    for (size_t i = 0; i < width_; ++i) {
      double number = 0;
      if (i + 1 != table_.text_column && !parse_number(fields_[i], number)) return {};
    }
    return fail(name_ + ":" + std::to_string(line_) +
                ": numbers stand where the columns' names are expected, as the model learned from data that has them: "
                "say --no-header if this line is a row, --header if these are names");
  }

  Status find_text_column() {
    switch (choice_.which) {
      case TextColumn::none:
        return {};
      case TextColumn::last:
        table_.text_column = width_;
        return {};
      case TextColumn::by_number:
        if (choice_.number < 1 || choice_.number > width_) {
          return wrong(0,
                       "there is no column " + std::to_string(choice_.number) + ": it has " + std::to_string(width_));
        }
        table_.text_column = choice_.number;
        return {};
      case TextColumn::by_name: {
        const auto found = std::find(fields_.begin(), fields_.end(), choice_.name);
        if (!choice_.header)
          return wrong(
              0, "a column can be called by a name only where line 1 has them (" + choice_.how_to_say_header + ")");
        if (found == fields_.end())
          return wrong(0, unknown("column", choice_.name, fields_) + " (there are " + list_of(fields_) + ")");
        table_.text_column = static_cast<size_t>(found - fields_.begin()) + 1;
        return {};
      }
    }
    return {};
  }

  Status take_row() {
    if (fields_.size() < width_) {
      return wrong(fields_.size(), "a field is missing: the line has " + std::to_string(fields_.size()) +
                                       ", and the first one has " + std::to_string(width_));
    }
    if (fields_.size() > width_) {
      return wrong(width_, "a field too many: the line has " + std::to_string(fields_.size()) +
                               ", and the first one has " + std::to_string(width_));
    }
    if (table_.rows >= kMaxRows || table_.values.size() + table_.columns > kMaxDataValues) {
      return wrong(0, "the data is too large: at most " + std::to_string(kMaxRows) + " rows and " +
                          std::to_string(kMaxDataValues) + " values");
    }
    for (size_t i = 0; i < width_; ++i) {
      if (Status status = take_field(i); !status) return status;
    }
    table_.lines.push_back(line_);
    ++table_.rows;
    return {};
  }

  Status take_field(size_t i) {
    if (fields_[i].empty()) return wrong(i, "the field is empty");
    if (i + 1 == table_.text_column) {
      table_.texts.push_back(fields_[i]);
      return {};
    }
    double number = 0;
    if (!parse_number(fields_[i], number)) {
      const std::string said = shown(fields_[i]) + " is no number";
      if (has_other_separators(fields_[i])) return wrong(i, said + ": " + kSeparators);
      if (may_be_text(i)) return lacks_a_column(i);
      return wrong(i, said + (may_be_names() ? with_names() : ""));
    }
    table_.values.push_back(static_cast<float>(number));
    return {};
  }

  bool may_be_names() const { return table_.rows == 0 && !choice_.header; }
  std::string with_names() const { return "; if line 1 has the columns' names, " + choice_.how_to_say_header; }

  // A line that has the texts and lacks another column is as wide as one that is whole without them. What stands in the
  // first row where the text would, and is the only one that is no number, is taken for it.
  bool may_be_text(size_t i) const {
    if (!without_texts_ || table_.rows > 0 || width_ < 2 || !has_place_of_texts(i)) return false;
    double number = 0;
    return std::all_of(fields_.begin() + static_cast<ptrdiff_t>(i) + 1, fields_.end(),
                       [&](const std::string& field) { return parse_number(field, number); });
  }
  bool has_place_of_texts(size_t i) const {
    switch (choice_.which) {
      case TextColumn::none:
        return false;
      case TextColumn::by_number:  // the column that is missing may have stood before it
        return i + 1 == choice_.number || i + 2 == choice_.number;
      case TextColumn::by_name:
        return true;
      case TextColumn::last:
        return i + 1 == width_;
    }
    return false;
  }
  tl::unexpected<Error> lacks_a_column(size_t i) const {
    return fail(name_ + ":" + std::to_string(line_) + ": the line has " + std::to_string(width_) +
                " columns, and with the " + choice_.texts_are + " the model takes " + std::to_string(width_ + 1) +
                " (" + shown(fields_[i]) + " in column " + std::to_string(i + 1) + " is no number)");
  }

  std::string_view rest_;
  const std::string& name_;
  const CsvChoice& choice_;
  CsvTable table_;
  std::string_view current_;
  std::vector<std::string> fields_;
  size_t line_ = 0;
  size_t width_ = 0;
  bool without_texts_ = false;  // it is as wide as a file without them
};

}  // namespace

std::string shown(const std::string& field) {
  constexpr size_t kMostShown = 40;
  std::string text = "'" + to_utf8(field, kMostShown) + (field.size() > kMostShown ? "..." : "") + "'";
  for (char& c : text) c = c < ' ' && c >= 0 ? '?' : c;
  return text;
}

bool parse_number(const std::string& field, double& number) {
  std::string_view text = trimmed(field);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // What a float cannot hold is no number for us, either.
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number) &&
         std::fabs(number) <= static_cast<double>(std::numeric_limits<float>::max());
}

Result<CsvTable> read_csv(const std::string& text, const std::string& name, const CsvChoice& choice) {
  return CsvReader(text, name, choice).read();
}

}  // namespace bramble::learn
