// A stream whose lines come out with a name before each, and whole: lines of many streams can be mixed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::cli {

inline constexpr size_t kMaxLineBytes = 64 << 10;  // a longer one comes out as several

class NamedLines {
 public:
  using Print = std::function<Status(std::string_view lines)>;

  NamedLines(const std::string& name, Print print) : prefix_(name + ": "), print_(std::move(print)) {}

  Status add(std::string_view bytes);
  Status end();  // prints what came behind the last end of a line, and ends that line

 private:
  std::string prefix_;
  Print print_;
  std::string begun_;
};

}  // namespace bramble::cli
