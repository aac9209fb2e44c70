// A small log on standard error: one line per event, "2026-05-04T03:02:01.123Z warning: text key=value key="two
// words"".
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace bramble::posix {

enum class LogLevel { debug, info, warning, error };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

void set_log_level(LogLevel lowest);  // default: info

// From any thread; a line is written in one piece. Control characters are escaped and a line ends at 4 KiB, so bytes
// of strangers may be logged.
void log(LogLevel level, std::string_view text, LogFields fields = {});
inline void log_debug(std::string_view text, LogFields fields = {}) { log(LogLevel::debug, text, fields); }
inline void log_info(std::string_view text, LogFields fields = {}) { log(LogLevel::info, text, fields); }
inline void log_warning(std::string_view text, LogFields fields = {}) { log(LogLevel::warning, text, fields); }
inline void log_error(std::string_view text, LogFields fields = {}) { log(LogLevel::error, text, fields); }

// Says a thing once until it changes: for what is tried again and again. Not thread-safe.
class LogOnce {
 public:
  void say(LogLevel level, const std::string& text) {
    if (text == last_) return;
    last_ = text;
    log(level, text);
  }
  // It is over: the next say() speaks again. True when something had been said.
  bool clear() { return !std::exchange(last_, {}).empty(); }

 private:
  std::string last_;
};

}  // namespace bramble::posix
