#include "support/warden_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "common/posix/files.hpp"
#include "common/posix/unix_socket.hpp"

namespace bramble::test {
namespace {

using Clock = std::chrono::steady_clock;

void wait_for(int fd, short events, const char* what) {
  pollfd ready{fd, events, 0};
  if (::poll(&ready, 1, kWaitLimitMs) != 1) throw std::runtime_error(std::string("waited in vain for ") + what);
}

std::string text_of(const std::string& path) { return posix::read_file(path, 1 << 30).value_or(""); }

}  // namespace

wire::WardenTask warden_task(JobId job, TaskIndex task, uint32_t attempt) {
  return {"5f3f6b3c-8c1d-4c54-9d6e-2f1f0a0b0c0d", {job, task, attempt}};
}

wire::WardenStart command_start(const wire::WardenTask& task, std::vector<std::string> argv) {
  wire::WardenStart start;
  start.task = task;
  start.spec.argv = std::move(argv);
  return start;
}

wire::WardenStart shell_start(const wire::WardenTask& task, const std::string& script) {
  return command_start(task, {"sh", "-c", script});
}

WardenClient::WardenClient(const std::string& socket_path) {
  const auto give_up = Clock::now() + std::chrono::milliseconds(kWaitLimitMs);
  while (true) {
    auto socket = posix::connect_unix(socket_path);
    if (socket) {
      socket_ = std::move(*socket);
      return;
    }
    if (Clock::now() > give_up) throw std::runtime_error(socket.error().message);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // nothing tells when a socket is listened on
  }
}

void WardenClient::send(const wire::WardenRequest& request) { send_bytes(wire::make_frame(encode(request))); }

void WardenClient::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      wait_for(socket_.get(), POLLOUT, "room in the warden's socket");
    } else {
      throw std::runtime_error("the warden closed the connection");
    }
  }
}

bool WardenClient::read_more() {
  std::array<char, 64 << 10> buffer;
  wait_for(socket_.get(), POLLIN, "a report of the warden");
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  reader_.add({buffer.data(), static_cast<size_t>(got)});
  while (const auto frame = reader_.next().value()) {
    kept_.push_back(wire::decode_warden_report(*frame).value());
  }
  return true;
}

wire::WardenReport WardenClient::next() {
  while (kept_.empty()) {
    if (!read_more()) throw std::runtime_error("the warden closed the connection");
  }
  wire::WardenReport report = std::move(kept_.front());
  kept_.pop_front();
  return report;
}

wire::WardenState WardenClient::hello() {
  send(wire::WardenHello{});
  auto all = expect<wire::WardenState>();
  while (all.more) {
    auto page = expect<wire::WardenState>();
    all.running.insert(all.running.end(), page.running.begin(), page.running.end());
    all.exited.insert(all.exited.end(), page.exited.begin(), page.exited.end());
    all.more = page.more;
  }
  return all;
}

void WardenClient::expect_closed() {
  while (read_more()) {
  }
}

WardenProcess::WardenProcess(std::string state, uint32_t slots, std::vector<std::string> more_args,
                             std::vector<std::string> wrapper)
    : state_(std::move(state)), slots_(slots), more_args_(std::move(more_args)), wrapper_(std::move(wrapper)) {
  start();
}

WardenProcess::~WardenProcess() { kill(); }

void WardenProcess::start() {
  const posix::UniqueFd log_file(::open((state_ + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  posix::SpawnOptions options;
  options.argv = wrapper_;
  for (const std::string& word :
       {std::string(BRAMBLE_WARDEN), std::string("--state"), state_, std::string("--slots"), std::to_string(slots_)}) {
    options.argv.push_back(word);
  }
  options.argv.insert(options.argv.end(), more_args_.begin(), more_args_.end());
  options.stderr_fd = log_file.get();
  options.die_with_parent = true;
  auto process = posix::Process::spawn(options);
  if (!process) throw std::runtime_error(process.error().message);
  process_ = std::move(*process);
}

void WardenProcess::kill() { process_->kill_and_wait(); }

posix::ExitStatus WardenProcess::stop() {
  process_->kill(SIGTERM);
  return wait_for_end();
}

posix::ExitStatus WardenProcess::wait_for_end() {
  const auto status = process_->wait(kWaitLimitMs);
  if (!status) throw std::runtime_error("the warden does not end");
  return *status;
}

std::string WardenProcess::directory_of(const wire::WardenTask& task) const {
  return state_ + "/attempts/" + directory_name(task);
}

std::string WardenProcess::stdout_of(const wire::WardenTask& task) const {
  return text_of(directory_of(task) + "/stdout");
}

std::string WardenProcess::stderr_of(const wire::WardenTask& task) const {
  return text_of(directory_of(task) + "/stderr");
}

std::string WardenProcess::log() const { return text_of(state_ + ".log"); }

void wait_until_dead(pid_t pid) {
  const posix::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd) wait_for(pidfd.get(), POLLIN, "the end of a process");
}

// A zombie (its parent has not waited yet) is dead.
bool is_alive(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

}  // namespace bramble::test
