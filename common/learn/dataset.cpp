#include "common/learn/dataset.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "common/base/nearest.hpp"
#include "common/base/utf8.hpp"
#include "common/learn/csv.hpp"
#include "common/learn/idx.hpp"

namespace bramble::learn {
namespace {

constexpr size_t kMaxNameBytes = 4096;  // more than a field of a CSV file has

constexpr size_t kMaxShownName = 40;

// Labels in an order that depends on them alone: numbers by value, then other texts by their bytes.
bool comes_before(const std::string& left, const std::string& right) {
  double a = 0, b = 0;
  const bool left_is_number = parse_number(left, a), right_is_number = parse_number(right, b);
  if (left_is_number != right_is_number) return left_is_number;
  if (left_is_number && a != b) return a < b;
  return left < right;
}

// Where a label stands, for errors.
using Place = std::function<std::string(size_t row)>;

Status number_classes(const std::vector<std::string>& texts, const Place& place, Dataset& data) {
  std::map<std::string, uint32_t> index;
  for (const std::string& text : texts) {
    index.emplace(text, 0);
    if (index.size() <= kMaxClasses) continue;
    return fail(ErrorCode::limit, place(0) + "there are more than " + std::to_string(kMaxClasses) +
                                      " different labels; if the column holds numbers to be estimated, name it as "
                                      "`target` instead of `label`");
  }
  for (const auto& entry : index) data.labels.push_back(entry.first);
  std::sort(data.labels.begin(), data.labels.end(), comes_before);
  for (size_t i = 0; i < data.labels.size(); ++i) index[data.labels[i]] = static_cast<uint32_t>(i);
  for (const std::string& text : texts) data.classes.push_back(index[text]);
  return {};
}

Status name_classes(const DataSource& source, Dataset& data) {
  if (data.labels.size() < 2) {
    return fail(source.file + ": all " + std::to_string(data.rows) + " rows have the label " +
                shown(data.labels.front()) + ": there is nothing to tell apart");
  }
  data.class_names = source.class_names;
  if (data.class_names.empty()) {
    for (const std::string& label : data.labels) data.class_names.push_back(to_utf8(label, kMaxNameBytes));
  }
  if (data.class_names.size() == data.labels.size()) return {};
  return fail(source.file + ": it has " + std::to_string(data.labels.size()) +
              " different labels, and `classes` names " + std::to_string(data.class_names.size()));
}

// The labels of rows for a model that knows its own.
Status find_classes(const std::vector<std::string>& texts, const std::vector<std::string>& labels, const Place& place,
                    Dataset& data) {
  std::map<std::string, uint32_t> index;
  for (size_t i = 0; i < labels.size(); ++i) index.emplace(labels[i], static_cast<uint32_t>(i));
  for (size_t row = 0; row < texts.size(); ++row) {
    const auto found = index.find(texts[row]);
    if (found == index.end())
      return fail(place(row) + unknown("label", texts[row], labels) + " (the model knows no such class)");
    data.classes.push_back(found->second);
  }
  data.labels = labels;
  return {};
}

Status find_numbers(const std::vector<std::string>& texts, const Place& place, Dataset& data) {
  for (size_t row = 0; row < texts.size(); ++row) {
    double number = 0;
    if (!parse_number(texts[row], number)) return fail(place(row) + shown(texts[row]) + " is no number");
    data.numbers.push_back(static_cast<float>(number));
  }
  return {};
}

struct Loaded {
  Dataset data;
  std::vector<std::string> texts;  // of the target; empty: there is none
  Place place;
};

tl::unexpected<Error> wrong_width(const DataSource& source, size_t width, Shape wanted) {
  return fail(source.file + ": a row has " + std::to_string(width) + (width == 1 ? " value" : " values") + ", and " +
              (wanted.is_image() ? "a " + format_shape(wanted) + " has " + std::to_string(wanted.values())
                                 : std::to_string(wanted.values()) + " are wanted"));
}

// choice: what is not said by the source.
Result<Loaded> load_csv(const DataSource& source, CsvChoice choice, const Fetch& fetch) {
  const auto text = fetch(source.file);
  if (!text) return tl::unexpected<Error>(text.error());
  choice.header = source.header;
  choice.name = source.target_name;
  choice.number = source.target_column;
  if (source.target != Target::none) {
    choice.which = !source.target_name.empty() ? TextColumn::by_name
                   : source.target_column != 0 ? TextColumn::by_number
                                               : TextColumn::last;
    choice.texts_are = source.target == Target::number ? "target" : "label";
  }
  auto table = read_csv(*text, source.file, choice);
  if (!table) return tl::unexpected<Error>(table.error());
  Loaded loaded;
  loaded.data.rows = table->rows;
  loaded.data.shape = source.shape.value_or(Shape{1, 1, static_cast<uint32_t>(table->columns)});
  if (loaded.data.shape.values() != table->columns) return wrong_width(source, table->columns, loaded.data.shape);
  loaded.data.values = std::move(table->values);
  loaded.data.target_column = table->text_column;
  loaded.data.column_names = std::move(table->names);
  loaded.texts = std::move(table->texts);
  loaded.place = [name = source.file, lines = std::move(table->lines), column = table->text_column](size_t row) {
    return name + ":" + std::to_string(lines[row]) + ":" + std::to_string(column) + ": ";
  };
  return loaded;
}

Result<Loaded> load_idx(const DataSource& source, const Fetch& fetch) {
  const auto text = fetch(source.file);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto images = read_idx(*text, source.file, 2, 4);
  if (!images) return tl::unexpected<Error>(images.error());
  Loaded loaded;
  const auto& sizes = images->sizes;
  loaded.data.rows = sizes[0];
  loaded.data.shape = sizes.size() == 2 ? source.shape.value_or(Shape{1, 1, sizes[1]})
                                        : Shape{sizes[1], sizes[2], sizes.size() == 4 ? sizes[3] : 1};
  const size_t width = images->bytes.size() / loaded.data.rows;
  if (loaded.data.shape.values() != width) return wrong_width(source, width, loaded.data.shape);
  loaded.data.values.reserve(images->bytes.size());
  for (const char c : images->bytes) loaded.data.values.push_back(static_cast<float>(static_cast<unsigned char>(c)));
  if (source.labels_file.empty()) return loaded;
  const auto label_text = fetch(source.labels_file);
  if (!label_text) return tl::unexpected<Error>(label_text.error());
  const auto labels = read_idx(*label_text, source.labels_file, 1, 1);
  if (!labels) return tl::unexpected<Error>(labels.error());
  if (labels->bytes.size() != loaded.data.rows) {
    return fail(source.labels_file + ": it has " + std::to_string(labels->bytes.size()) + " labels, and " +
                source.file + " has " + std::to_string(loaded.data.rows) + " images");
  }
  for (const char c : labels->bytes) loaded.texts.push_back(std::to_string(static_cast<unsigned char>(c)));
  loaded.place = [name = source.labels_file](size_t row) { return name + ": row " + std::to_string(row + 1) + ": "; };
  return loaded;
}

Result<Loaded> load(const DataSource& source, const CsvChoice& choice, const Fetch& fetch) {
  return source.format == Format::csv ? load_csv(source, choice, fetch) : load_idx(source, fetch);
}

}  // namespace

std::string Dataset::column_text(size_t column) const {
  const size_t in_file = target_column != 0 && column + 1 >= target_column ? column + 1 : column;
  const std::string number = "column " + std::to_string(in_file + 1);
  if (in_file >= column_names.size()) return number;
  return number + " '" + to_utf8(column_names[in_file], kMaxShownName) + "'";
}

Result<Dataset> load_dataset(const DataSource& source, const Fetch& fetch) {
  auto loaded = load(source, {}, fetch);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  Dataset& data = loaded->data;
  if (source.target == Target::none) return std::move(data);
  if (loaded->texts.empty()) return fail(source.file + ": there are no labels for it: name their file, too");
  Status status = source.target == Target::number ? find_numbers(loaded->texts, loaded->place, data)
                                                  : number_classes(loaded->texts, loaded->place, data);
  if (status && source.target == Target::classes) status = name_classes(source, data);
  if (!status) return tl::unexpected<Error>(status.error());
  return std::move(data);
}

Result<Dataset> load_rows(const DataSource& source, Shape shape, const std::vector<std::string>& labels,
                          const Fetch& fetch, std::optional<bool> header) {
  DataSource wanted = source;
  wanted.shape = shape;
  wanted.header = header.value_or(source.header);
  CsvChoice choice;
  choice.columns_without = shape.size();
  choice.doubts_names = !header.has_value();
  choice.how_to_say_header = "say --header";
  auto loaded = load(wanted, choice, fetch);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  Dataset& data = loaded->data;
  if (data.shape != shape) {
    return fail(source.file + ": a row is a " + format_shape(data.shape) + ", and the model takes a " +
                format_shape(shape));
  }
  if (loaded->texts.empty()) return std::move(data);
  const Status status = source.target == Target::number ? find_numbers(loaded->texts, loaded->place, data)
                                                        : find_classes(loaded->texts, labels, loaded->place, data);
  if (!status) return tl::unexpected<Error>(status.error());
  return std::move(data);
}

}  // namespace bramble::learn
