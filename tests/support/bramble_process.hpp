// The `bramble` command as a process of its own, its streams in the test's hands.
#pragma once

#include <string>
#include <vector>

#include "common/posix/process.hpp"

namespace bramble::test {

class BrambleProcess {
 public:
  // Its BRAMBLE_URL is `url`; standard input is `input` and then its end.
  BrambleProcess(const std::string& url, const std::vector<std::string>& args, const std::string& input = "");
  ~BrambleProcess();
  BrambleProcess(const BrambleProcess&) = delete;
  BrambleProcess& operator=(const BrambleProcess&) = delete;

  // Waits until standard output (or error) contains `text`; false when it ended or 20 s went by without.
  bool wait_for_out(const std::string& text) { return wait_for(out_, text); }
  bool wait_for_err(const std::string& text) { return wait_for(err_, text); }

  void signal(int number) { process_.kill(number); }
  void close_out() { out_.fd.reset(); }
  int wait();  // its exit status as a shell would tell it; -1 after 60 s

  const std::string& out() const { return out_.text; }
  const std::string& err() const { return err_.text; }

 private:
  struct Stream {
    posix::UniqueFd fd;
    std::string text;
  };

  static posix::Process start(const std::string& url, const std::vector<std::string>& args, const std::string& input,
                              Stream& out, Stream& err);
  bool wait_for(Stream& stream, const std::string& text);
  bool read_some(int timeout_ms);  // false: both streams have ended

  Stream out_;
  Stream err_;
  posix::Process process_;
};

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};
Ran run_bramble(const std::string& url, const std::vector<std::string>& args, const std::string& input = "");

}  // namespace bramble::test
