// Programs that the map and the reduction run. Their standard error is this process' own. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bramble::mapreduce {

// Runs it once; returns what it wrote. Throws std::runtime_error where it cannot be run, or ends with a status other
// than 0; `name` is what the sentence calls it.
std::string run_filter(const std::string& name, const std::vector<std::string>& argv, std::string_view input);

// A process whose standard input is written here, bit by bit; its standard output is this process' own.
class Sink {
 public:
  explicit Sink(const std::vector<std::string>& argv);  // throws where it cannot be made
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  bool write(std::string_view bytes);  // false: it wants no more
  int finish();                        // its status as shells have it, 128 + n for signal n

 private:
  int fd_ = -1;
  pid_t pid_ = 0;
};

// A kernel (../README.md) that stays. Throws where it says that a call failed; ends this process where it dies, for so
// the warden sees that, and does what the job's rules say.
class ChildKernel {
 public:
  explicit ChildKernel(std::string program) : program_(std::move(program)) {}

  std::string call(std::string_view input);

 private:
  void start();
  [[noreturn]] void died(const char* how) const;
  std::string read_exactly(size_t bytes) const;

  const std::string program_;
  int in_ = -1;
  int out_ = -1;
  uint32_t number_ = 0;
};

}  // namespace bramble::mapreduce
