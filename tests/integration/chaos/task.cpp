// What a task of the chaos is. It writes its own diary, outside of bramble: a line when it starts, one every 200 ms
// while it lives, one when it ends, each in one write to a file that is only appended to. usage:
//   chaos-task DIARY_DIRECTORY FIRST_SLEEP_MS LATER_SLEEP_MS OUTPUT_BYTES FAIL_BELOW
// The first attempt takes FIRST_SLEEP_MS, later ones LATER_SLEEP_MS; it exits 3 while its attempt is below FAIL_BELOW.
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "task_text.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int64_t kAliveMs = 200;
constexpr int kFailed = 3;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "?";
}

std::string new_nonce() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) std::abort();
  return "n" + std::to_string(number);
}

// Its working directory lies in one named <store>.<job>.<task>.<attempt>; the environment does not tell the store.
std::string own_store() {
  for (const auto& part : std::filesystem::current_path()) {
    const std::string name = part.string();
    if (std::count(name.begin(), name.end(), '.') == 3) return name.substr(0, name.find('.'));
  }
  return "?";
}

void write_all(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(fd, text.data() + at, text.size() - at);
    if (wrote <= 0) std::exit(1);
    at += static_cast<size_t>(wrote);
  }
}

class Diary {
 public:
  Diary(const std::string& directory, const std::string& nonce)
      : fd_(::open((directory + "/" + variable("BRAMBLE_NODE")).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                   0666)),
        about_(own_store() + " " + variable("BRAMBLE_JOB_ID") + " " + variable("BRAMBLE_TASK_ID") + " " +
               variable("BRAMBLE_ATTEMPT") + " " + variable("BRAMBLE_NODE") + " " + std::to_string(::getpid()) + " " +
               nonce) {}

  void write(const std::string& what, const std::string& more = "") const {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    write_all(fd_, what + " " + about_ + " " + std::to_string(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec) +
                       more + "\n");
  }

 private:
  int fd_;
  std::string about_;
};

void sleep_ms(int64_t ms) {
  const timespec time{ms / 1000, (ms % 1000) * 1'000'000};
  ::nanosleep(&time, nullptr);
}

}  // namespace

int run_task(char** args) {
  const std::string nonce = new_nonce();
  const Diary diary(args[1], nonce);
  diary.write("start");
  const std::string name =
      variable("BRAMBLE_JOB_ID") + " " + variable("BRAMBLE_TASK_ID") + " " + variable("BRAMBLE_ATTEMPT");
  const uint64_t attempt = std::stoull(variable("BRAMBLE_ATTEMPT"));
  write_all(STDOUT_FILENO, task_text_head(name, nonce, std::stoull(args[4])));
  for (int64_t left_ms = std::stoll(args[attempt == 1 ? 2 : 3]); left_ms > 0; left_ms -= kAliveMs) {
    sleep_ms(std::min(left_ms, kAliveMs));
    diary.write("alive");
  }
  write_all(STDOUT_FILENO, task_text_tail(nonce));
  const int code = attempt < std::stoull(args[5]) ? kFailed : 0;
  diary.write("end", " " + std::to_string(code));
  return code;
}

}  // namespace bramble::test::chaos

int main(int argc, char** argv) { return argc == 6 ? bramble::test::chaos::run_task(argv) : 2; }
