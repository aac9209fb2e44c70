// A kernel that does what each input says, for tests: "echo TEXT", "pid", "count" (the calls so far), "cat FILE", "say
// TEXT" (on standard error), "refuse TEXT", "crash", "crash once FILE" (while there is no such file), "exit N", "hang",
// "take MIB", "leave" (a process behind), "length N" (a reply that claims to be so long), "type N", "twice" (one reply
// too many), "babble N" (answers call N, and goes on talking), "burn MS", "write FILE".
#include <signal.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "agent/kernels/kernel.hpp"

namespace {

using bramble::kernel::detail::write_all;

std::string head(size_t length) {
  std::string text;
  for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>((length >> shift) & 0xff);
  return text;
}

[[noreturn]] void hang() {
  while (true) ::pause();
}

std::string take_memory(size_t mib) {
  std::vector<char> memory(mib << 20);
  for (size_t i = 0; i < memory.size(); i += 4096) memory[i] = 1;
  std::string text = std::to_string(memory.size());
  ::usleep(2'000'000);  // long enough to be looked at, where that is how it is limited
  return text;
}

std::string leave_a_process() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    hang();
  }
  return std::to_string(child);
}

std::string answer(std::string_view input) {
  static int calls = 0;
  ++calls;
  const std::string what(input.substr(0, input.find(' ')));
  const std::string rest(input.size() > what.size() ? input.substr(what.size() + 1) : "");
  if (what == "echo") return rest;
  if (what == "pid") return std::to_string(::getpid());
  if (what == "count") return std::to_string(calls);
  if (what == "env") return std::getenv(rest.c_str()) ? std::getenv(rest.c_str()) : "(none)";
  if (what == "cat") {
    std::ifstream file(rest);
    return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "(none)";
  }
  if (what == "say") return std::fputs(rest.c_str(), stderr) >= 0 ? "said" : "";
  if (what == "refuse") throw std::runtime_error(rest);
  if (what == "crash" && rest.empty()) std::abort();
  if (what == "crash") {
    const std::string file = rest.substr(rest.find(' ') + 1);
    if (std::ifstream(file).good()) return "not again";
    std::ofstream(file) << "x";
    std::abort();
  }
  if (what == "exit") ::_exit(std::atoi(rest.c_str()));
  if (what == "hang") hang();
  if (what == "take") return take_memory(std::strtoul(rest.c_str(), nullptr, 10));
  if (what == "leave") return leave_a_process();
  if (what == "length") write_all(head(std::strtoul(rest.c_str(), nullptr, 10)) + "x");
  if (what == "type") write_all(head(6) + head(1) + static_cast<char>(std::atoi(rest.c_str())) + "x");
  if (what == "length" || what == "type") hang();
  if (what == "babble") {
    std::string reply;
    bramble::kernel::detail::append_reply(reply, std::strtoul(rest.c_str(), nullptr, 10), true, "right");
    write_all(reply + "and more text behind it");
    return "again";
  }
  if (what == "burn") {
    const clock_t end = ::clock() + std::atoi(rest.c_str()) * (CLOCKS_PER_SEC / 1000);
    while (::clock() < end) continue;
    return "burnt";
  }
  if (what == "write") return (std::ofstream(rest) << "mine") ? "written" : "not written";
  if (what == "twice") {
    std::string extra;
    bramble::kernel::detail::append_reply(extra, 4'000'000'000, true, "one too many");
    write_all(extra);
    return "two";
  }
  throw std::runtime_error("what is " + what + "?");
}

}  // namespace

int main() { return bramble::kernel::serve(answer); }
