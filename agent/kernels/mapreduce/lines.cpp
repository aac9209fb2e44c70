#include "agent/kernels/mapreduce/lines.hpp"

#include <algorithm>

#include "common/base/keyed_line.hpp"

namespace bramble::mapreduce {
namespace {

// Takes the first line off, without its newline.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(take_line(text));
  return lines;
}

size_t partition_of(std::string_view key, size_t partitions) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return static_cast<size_t>((hash ^ (hash >> 32)) % partitions);
}

std::vector<std::string> partition(const std::vector<std::string_view>& sorted, size_t partitions) {
  std::vector<std::string> parts(partitions);
  for (const std::string_view line : sorted) (parts[partition_of(key_of(line), partitions)] += line) += '\n';
  return parts;
}

std::string with_lengths(const std::vector<std::string>& partitions) {
  std::string all;
  for (const std::string& part : partitions) {
    for (unsigned shift = 0; shift < 32; shift += 8) all += static_cast<char>((part.size() >> shift) & 0xff);
  }
  for (const std::string& part : partitions) all += part;
  return all;
}

std::vector<std::string_view> sorted_runs(std::string_view text) {
  std::vector<std::string_view> runs;
  const char* begin = text.data();
  std::string_view last;
  while (!text.empty()) {
    const char* const here = text.data();
    const std::string_view line = take_line(text);
    if (here != begin && comes_before(line, last)) {
      runs.emplace_back(begin, static_cast<size_t>(here - begin));
      begin = here;
    }
    last = line;
  }
  const char* const end = text.data();
  if (end != begin) runs.emplace_back(begin, static_cast<size_t>(end - begin));
  return runs;
}

Merge::Merge(const std::vector<std::string_view>& runs) {
  for (size_t run = 0; run < runs.size(); ++run) push(runs[run], run);
}

bool Merge::comes_later(const Head& head, const Head& other) const {
  if (comes_before(other.line, head.line)) return true;
  return head.line == other.line && other.run < head.run;
}

void Merge::push(std::string_view rest, size_t run) {
  if (rest.empty()) return;
  const std::string_view line = take_line(rest);
  heads_.push_back({line, rest, run});
  std::push_heap(heads_.begin(), heads_.end(), [this](const Head& a, const Head& b) { return comes_later(a, b); });
}

bool Merge::next(std::string_view& line) {
  if (heads_.empty()) return false;
  std::pop_heap(heads_.begin(), heads_.end(), [this](const Head& a, const Head& b) { return comes_later(a, b); });
  const Head head = heads_.back();
  heads_.pop_back();
  line = head.line;
  push(head.rest, head.run);
  return true;
}

}  // namespace bramble::mapreduce
