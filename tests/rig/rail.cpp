// In the head: tells the host of every level of the lines that are the nodes' power, and takes from it what the head's
// inputs are to read.
//
// rail PORT LINES NUMBER...            a simulated chip; LINES is its folder in sysfs
// rail PORT expander NUMBER=OFFSET...  a PCA9535 on the pretended I2C bus, made here; NUMBER is what the host calls it
//
// Writes "NUMBER LEVEL MS" to PORT at the start and at each change, MS by the head's own monotonic clock; a line
// "NUMBER LEVEL" from PORT pulls that line of a simulated chip. Levels are looked at every 2 ms: neither sysfs nor
// registers tell of a change.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rig/i2c_stub.hpp"

namespace bramble::rig {
namespace {

constexpr useconds_t kLookUs = 2000;

struct Line {
  std::string number;
  std::function<char()> level;  // '0', '1', or ' ' where it cannot be read
  char told = ' ';
};

Line simulated_line(const std::string& lines, const std::string& number) {
  const std::string path = lines + "/sim_gpio" + number + "/value";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) std::perror(path.c_str());
  return {number, [file] {
            char level = ' ';
            return ::pread(file, &level, 1, 0) == 1 ? level : ' ';
          }};
}

// A pin that nobody drives has a pull-up. The stub's registers do not know of each other: what the pins read is put
// there.
Line expander_line(I2cStub& bus, const std::string& name) {
  const size_t equals = name.find('=');
  const auto bit = static_cast<uint8_t>(1U << std::stoul(name.substr(equals + 1)));
  return {name.substr(0, equals), [&bus, bit] {
            const bool is_input = (bus.read_byte(kExpander, kExpanderDirection) & bit) != 0;
            const bool level = is_input || (bus.read_byte(kExpander, kExpanderOutput) & bit) != 0;
            const uint8_t pins = bus.read_byte(kExpander, kExpanderInput);
            const auto wanted = static_cast<uint8_t>(level ? pins | bit : pins & ~bit);
            if (wanted != pins) bus.write_byte(kExpander, kExpanderInput, wanted);
            return level ? '1' : '0';
          }};
}

// Until the host has taken it: before that nobody listens, or the queue is full.
void tell(int port, const std::string& text) {
  while (::write(port, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::usleep(kLookUs);
}

int64_t now_ms() {
  using std::chrono::steady_clock, std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void look(int port, Line& line) {
  const char level = line.level();
  if (level == line.told || level == ' ') return;
  tell(port, line.number + " " + level + " " + std::to_string(now_ms()) + "\n");
  line.told = level;
}

// "22 1": line 22 is pulled up.
void pull(const std::string& lines, const std::string& order) {
  const size_t space = order.find(' ');
  std::ofstream(lines + "/sim_gpio" + order.substr(0, space) + "/pull")
      << (order.substr(space + 1) == "1" ? "pull-up" : "pull-down") << std::flush;
}

void take_orders(int port, const std::string& lines, std::string& unread) {
  std::array<char, 64> bytes{};
  const ssize_t got = ::read(port, bytes.data(), bytes.size());
  if (got > 0) unread.append(bytes.data(), static_cast<size_t>(got));
  for (size_t end = unread.find('\n'); end != std::string::npos; end = unread.find('\n')) {
    pull(lines, unread.substr(0, end));
    unread.erase(0, end + 1);
  }
}

int follow(int port, const std::string& place, const std::vector<std::string>& names) {
  std::optional<I2cStub> bus;
  if (place == "expander") {
    bus.emplace();
    bus->reset_expander();
    bus->add("pca9535", kExpander);
  }
  std::vector<Line> lines;
  for (const auto& name : names) lines.push_back(bus ? expander_line(*bus, name) : simulated_line(place, name));
  std::string unread;
  while (true) {
    for (Line& line : lines) look(port, line);
    take_orders(port, place, unread);
    ::usleep(kLookUs);
  }
}

}  // namespace
}  // namespace bramble::rig

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: rail PORT LINES NUMBER... | rail PORT expander NUMBER=OFFSET...\n");
    return 2;
  }
  const int port = ::open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (port < 0) {
    std::perror(argv[1]);
    return 1;
  }
  try {
    return bramble::rig::follow(port, argv[2], {argv + 3, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "rail: %s\n", e.what());
    return 1;
  }
}
