// Lines that are sorted and partitioned by key (common/base/keyed_line.hpp). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bramble::mapreduce {

// Without their newlines; the last line may lack its own. Views into the text.
std::vector<std::string_view> split_lines(std::string_view text);

// Which of so many partitions a key belongs to: FNV-1a of 64 bits, so that all nodes agree.
size_t partition_of(std::string_view key, size_t partitions);

// The sorted lines by partitions, each line with its newline.
std::vector<std::string> partition(const std::vector<std::string_view>& sorted, size_t partitions);

// What a map's call returns: the length of each partition, 4 bytes, low byte first; then the partitions.
std::string with_lengths(const std::vector<std::string>& partitions);

// The sorted runs of a text, where each begins and ends: what many maps left, one behind the other.
std::vector<std::string_view> sorted_runs(std::string_view text);

// Gives out the lines of many sorted runs in order. Holds one view a run; equal lines come in the order of the runs.
class Merge {
 public:
  explicit Merge(const std::vector<std::string_view>& runs);

  bool next(std::string_view& line);  // false: that was all

 private:
  struct Head {
    std::string_view line;
    std::string_view rest;
    size_t run = 0;
  };

  bool comes_later(const Head& head, const Head& other) const;
  void push(std::string_view rest, size_t run);

  std::vector<Head> heads_;  // a heap, the first line at its front
};

}  // namespace bramble::mapreduce
