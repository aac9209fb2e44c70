#include "common/posix/log.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>

#include "common/posix/system_clock.hpp"

namespace bramble::posix {
namespace {

constexpr size_t kMaxLineBytes = 4096;
std::atomic<LogLevel> lowest_level = LogLevel::info;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      break;
  }
  return "error";
}

std::string timestamp() {
  const int64_t now_ms = wall_now().ms;
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(now_ms % 1000));
  return text.data();
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

void append_escaped(std::string& line, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (is_control(c)) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      line += code.data();
    } else {
      if (quoted && (c == '"' || c == '\\')) line += '\\';
      line += c;
    }
  }
}

void append_value(std::string& line, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \"\\=") == std::string_view::npos;
  if (!plain) line += '"';
  append_escaped(line, value, !plain);
  if (!plain) line += '"';
}

}  // namespace

void set_log_level(LogLevel lowest) { lowest_level = lowest; }

void log(LogLevel level, std::string_view text, LogFields fields) {
  if (level < lowest_level) return;
  std::string line = timestamp();
  line.append(" ").append(name_of(level)).append(": ");
  append_escaped(line, text, false);
  for (const auto& [key, value] : fields) {
    line.append(" ").append(key).append("=");
    append_value(line, value);
  }
  if (line.size() >= kMaxLineBytes) line.resize(kMaxLineBytes - 1);
  line += '\n';
  // A log that cannot be written has nobody to tell.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace bramble::posix
