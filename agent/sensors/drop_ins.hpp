// People's own sensors: executable files in a directory, each of which prints lines `name value unit`.
//
//   #!/bin/sh
//   echo "greenhouse $(read_my_sensor) celsius"     # becomes the metric greenhouse_celsius
//
// They run one after another, every interval_ms, each as a process group of its own that is killed at its time limit or
// when it prints too much. Looked at with each reading and never waited for: a program that hangs holds up no other
// source. Empty lines and lines that begin with '#' are skipped; a unit may be left out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/sensors/source.hpp"
#include "common/posix/process.hpp"

namespace bramble::sensors {

inline constexpr size_t kMaxDropIns = 16;           // programs
inline constexpr size_t kMaxDropInMetrics = 64;     // of all of them
inline constexpr size_t kMaxDropInBytes = 8 << 10;  // that one may print

struct DropInOptions {
  std::string directory;  // empty: there are none. One that does not exist is no trouble
  int64_t interval_ms = 30'000;
  int64_t time_limit_ms = 5'000;
};

using DropInValues = std::map<std::string, double>;

// What a program printed. The first bad line is told in `complaint`; the good ones count all the same.
DropInValues parse_drop_in(std::string_view output, std::string& complaint);

class DropInSource : public Source {
 public:
  explicit DropInSource(DropInOptions options) : Source("drop-ins"), options_(std::move(options)) {}
  ~DropInSource() override;

  void read(Probe& probe) override;

 private:
  struct Program {
    DropInValues values;
    MonoTime told;  // when values were
    std::string complaint;
  };
  struct Run {
    std::string name;
    posix::Process process;
    posix::UniqueFd output;
    MonoTime began;
    std::string text;
  };

  void begin_round(MonoTime now);
  void begin(const std::string& name, MonoTime now);
  bool look_after(MonoTime now);  // true: it has ended
  void end(MonoTime now, const std::string& trouble);
  std::string reason_not_to_run(const std::string& path) const;

  const DropInOptions options_;
  std::optional<MonoTime> round_;
  std::deque<std::string> waiting_;
  std::optional<Run> run_;
  std::map<std::string, Program> programs_;  // by file name
  std::string trouble_;                      // of the directory
};

}  // namespace bramble::sensors
