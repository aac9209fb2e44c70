#include "support/bramble_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace bramble::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kWaitForText = std::chrono::seconds(20);
constexpr auto kWaitForEnd = std::chrono::seconds(60);

std::array<posix::UniqueFd, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  return {posix::UniqueFd(ends[0]), posix::UniqueFd(ends[1])};
}

// A file without a name, so that an input of any size is there before the process is.
posix::UniqueFd file_with(const std::string& bytes) {
  std::string path = "/tmp/bramble-test-XXXXXX";
  posix::UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  ::unlink(path.c_str());
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("cannot write the input");
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<std::string> environment(const std::string& url) {
  std::vector<std::string> variables = {"BRAMBLE_URL=" + url};
  for (const char* name : {"PATH", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  return variables;
}

}  // namespace

BrambleProcess::BrambleProcess(const std::string& url, const std::vector<std::string>& args, const std::string& input)
    : process_(start(url, args, input, out_, err_)) {}

BrambleProcess::~BrambleProcess() { process_.kill_and_wait(); }

posix::Process BrambleProcess::start(const std::string& url, const std::vector<std::string>& args,
                                     const std::string& input, Stream& out, Stream& err) {
  auto out_ends = make_pipe();
  auto err_ends = make_pipe();
  const posix::UniqueFd in = file_with(input);
  posix::SpawnOptions options;
  options.argv = {BRAMBLE_COMMAND};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.env = environment(url);
  options.stdin_fd = in.get();
  options.stdout_fd = out_ends[1].get();
  options.stderr_fd = err_ends[1].get();
  auto process = posix::Process::spawn(options);
  if (!process) throw std::runtime_error(process.error().message);
  out.fd = std::move(out_ends[0]);
  err.fd = std::move(err_ends[0]);
  return std::move(*process);
}

bool BrambleProcess::read_some(int timeout_ms) {
  std::array<pollfd, 2> ready{{{out_.fd.get(), POLLIN, 0}, {err_.fd.get(), POLLIN, 0}}};
  if (!out_.fd && !err_.fd) return false;
  if (::poll(ready.data(), ready.size(), timeout_ms) <= 0) return true;
  const std::array<Stream*, 2> streams = {&out_, &err_};
  for (size_t i = 0; i < ready.size(); ++i) {
    if (ready[i].fd < 0 || ready[i].revents == 0) continue;
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(ready[i].fd, buffer.data(), buffer.size());
    if (got <= 0) {
      streams[i]->fd.reset();
    } else {
      streams[i]->text.append(buffer.data(), static_cast<size_t>(got));
    }
  }
  return out_.fd || err_.fd;
}

bool BrambleProcess::wait_for(Stream& stream, const std::string& text) {
  const auto deadline = Clock::now() + kWaitForText;
  while (stream.text.find(text) == std::string::npos) {
    if (!stream.fd || Clock::now() > deadline) return false;
    read_some(100);
  }
  return true;
}

int BrambleProcess::wait() {
  const auto deadline = Clock::now() + kWaitForEnd;
  while (read_some(100)) {
    if (Clock::now() > deadline) return -1;
  }
  const auto status = process_.wait(10'000);
  return status ? status->shell_code() : -1;
}

Ran run_bramble(const std::string& url, const std::vector<std::string>& args, const std::string& input) {
  BrambleProcess process(url, args, input);
  const int status = process.wait();
  return {status, process.out(), process.err()};
}

}  // namespace bramble::test
