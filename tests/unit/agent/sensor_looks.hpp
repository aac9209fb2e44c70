// Looks at sources without their threads, and a firmware that answers from files.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/sensors/sources.hpp"
#include "common/posix/files.hpp"

namespace bramble::sensors {

// Writes a file of a tree, and makes the folders above it.
inline void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

// Answers a command with the file of its name.
class FileFirmware : public Firmware {
 public:
  explicit FileFirmware(std::string directory) : directory_(std::move(directory)) {}
  Result<std::string> command(const std::string& text) override {
    return posix::read_file(directory_ + "/" + text, 4096);
  }

 private:
  std::string directory_;
};

struct Looks {
  explicit Looks(std::vector<std::unique_ptr<Source>> sources_in) : sources(std::move(sources_in)) {}

  void look(const Roots& roots, MonoTime now) {
    reading = {};
    complaints.clear();
    for (const auto& source : sources) {
      Probe probe(roots, now, reading);
      source->read(probe);
      if (!probe.complaint().empty()) complaints[source->name()] = probe.complaint();
    }
  }

  std::vector<std::unique_ptr<Source>> sources;
  agent::Reading reading;                         // of the newest look
  std::map<std::string, std::string> complaints;  // of it, by source
};

}  // namespace bramble::sensors
