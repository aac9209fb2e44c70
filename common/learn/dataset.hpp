// Data to learn from, and where it comes from: CSV or IDX files, read strictly. Pure: whoever calls brings the files'
// text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/layers.hpp"

namespace bramble::learn {

inline constexpr size_t kMaxRows = 10'000'000;
inline constexpr size_t kMaxColumns = 100'000;
inline constexpr size_t kMaxDataValues = size_t{1} << 27;  // 512 MiB
inline constexpr size_t kMaxClasses = 1000;

enum class Format : uint8_t { csv, idx };

// What the last value of a row is: a class (any text), or a number to be estimated.
enum class Target : uint8_t { classes, number, none };

struct DataSource {
  Format format = Format::csv;
  std::string file;
  std::string labels_file;     // idx
  bool header = false;         // csv: line 1 has the columns' names
  std::string target_name;     // csv: which column the label is, by its name...
  uint32_t target_column = 0;  // ...or by its number from 1 on; 0: the last one
  Target target = Target::classes;
  std::vector<std::string> class_names;  // given names for the labels in their order; empty: the labels themselves
  std::optional<Shape> shape;            // csv: what image a row is

  bool operator==(const DataSource&) const = default;
};

struct Dataset {
  Shape shape;                           // of a row
  std::vector<float> values;             // by rows
  std::vector<uint32_t> classes;         // Target::classes: of each row, an index in labels
  std::vector<float> numbers;            // Target::number: of each row
  std::vector<std::string> labels;       // as they stand in the data, numbers by value and before other texts
  std::vector<std::string> class_names;  // as people call them
  size_t rows = 0;
  size_t target_column = 0;               // csv: where it stands, from 1 on; 0: nowhere
  std::vector<std::string> column_names;  // csv: of all columns, the target's too; empty where there are none

  // What people call a column of the values, which count from 0 on: "column 2 'width'".
  std::string column_text(size_t column) const;
};

// The text of a file that a source names, or why there is none.
using Fetch = std::function<Result<std::string>(const std::string& file)>;

// Everything of a source. Errors name file, line and column, or file and byte.
Result<Dataset> load_dataset(const DataSource& source, const Fetch& fetch);

// Rows for a model that knows its labels: the file's columns are those of `shape`, with or without the target among
// them. Without it, classes and numbers are empty. A label that is not among `labels` is an error. header: what people
// say of a CSV file's line 1; unless they do, it is as it was learned, and numbers in place of names are an error.
Result<Dataset> load_rows(const DataSource& source, Shape shape, const std::vector<std::string>& labels,
                          const Fetch& fetch, std::optional<bool> header = {});

}  // namespace bramble::learn
