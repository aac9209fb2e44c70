// The configuration files of the packages: every key stands in them behind a '#'.
#pragma once

#include <sstream>
#include <string>

#include "common/posix/files.hpp"
#include "support/places.hpp"

namespace bramble::test {

inline std::string config_file(const std::string& name) {
  return posix::read_file(std::string(kSourceDir) + "/systemd/" + name, 1 << 16).value();
}

inline bool is_commented_key(const std::string& line) {
  return line.size() > 1 && line[0] == '#' && (line[1] == '[' || (line[1] >= 'a' && line[1] <= 'z'));
}

// The file with every key in force.
inline std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    all += (is_commented_key(line) ? line.substr(1) : line) + "\n";
  }
  return all;
}

}  // namespace bramble::test
