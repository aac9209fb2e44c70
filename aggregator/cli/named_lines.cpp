#include "aggregator/cli/named_lines.hpp"

#include <algorithm>

namespace bramble::cli {

Status NamedLines::add(std::string_view bytes) {
  std::string lines;
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const size_t room = kMaxLineBytes - begun_.size();
    const size_t taken = std::min({newline, bytes.size(), room});
    begun_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (bytes.empty()) break;
    if (bytes.front() == '\n') bytes.remove_prefix(1);
    lines += prefix_ + begun_ + "\n";
    begun_.clear();
  }
  return lines.empty() ? Status{} : print_(lines);
}

Status NamedLines::end() {
  if (begun_.empty()) return {};
  const std::string line = prefix_ + begun_ + "\n";
  begun_.clear();
  return print_(line);
}

}  // namespace bramble::cli
