#include "aggregator/cli/table.hpp"

#include <algorithm>
#include <numeric>

#include "aggregator/cli/text.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kMinFlexible = 4;
constexpr size_t kPaddedProse = 24;
constexpr size_t kNoteIndent = 4;

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

size_t total_width(const std::vector<size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kColumnGap * (widths.size() - 1));
}

}  // namespace

std::string without_controls(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string cut_to(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t end = 0;
  for (size_t shown = 0; end < text.size(); ++end) {
    if (starts_code_point(text[end]) && ++shown == width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = without_controls(std::move(cell));
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), ""});
}

void Table::add_note(std::string text) { rows_.back().note = without_controls(std::move(text)); }

size_t Table::width() const { return total_width(natural_widths()); }

size_t Table::least_width() const { return total_width(column_widths(0)); }

std::vector<size_t> Table::natural_widths() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = display_width(columns_[i].title);
    for (const Row& row : rows_) widest = std::max(widest, display_width(row.cells[i]));
    widths.push_back(widest);
  }
  return widths;
}

std::vector<size_t> Table::column_widths(size_t width) const {
  std::vector<size_t> widths = natural_widths();
  for (size_t i = 0; width == kAnyWidth && i < columns_.size(); ++i) {
    if (columns_[i].prose) widths[i] = std::min(widths[i], kPaddedProse);
  }
  // The widest flexible column gives way first, a column at a time.
  while (total_width(widths) > width) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].flexible && widths[i] > kMinFlexible && (!widest || widths[i] > *widest)) widest = &widths[i];
    }
    if (!widest) break;
    --*widest;
  }
  return widths;
}

std::string Table::render_line(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
                               bool cut) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = cut ? cut_to(cells[i], widths[i]) : cells[i];
    const std::string padding(widths[i] - std::min(widths[i], display_width(cell)), ' ');
    if (i > 0) line.append(kColumnGap, ' ');
    line += columns_[i].right ? padding + cell : cell + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string Table::render(size_t width) const {
  const std::vector<size_t> widths = column_widths(width);
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  const bool cut = width != kAnyWidth;
  std::string text = render_line(titles, widths, cut);
  for (const Row& row : rows_) {
    text += render_line(row.cells, widths, cut);
    if (!row.note.empty()) text += std::string(kNoteIndent, ' ') + wrapped(row.note, kNoteIndent, width) + "\n";
  }
  return text;
}

}  // namespace bramble::cli
