#include "agent/kernels/mapreduce/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "agent/kernels/kernel.hpp"

namespace bramble::mapreduce {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kReplyHeadBytes = 9;
constexpr size_t kMaxFilteredBytes = size_t{256} << 20;

[[noreturn]] void give_up(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("cannot make a pipe");
  return {ends[0], ends[1]};
}

pid_t start(const std::vector<std::string>& argv, int in, int out) {
  posix_spawnattr_t as_usual;  // this process ignores SIGPIPE
  sigset_t usual;
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_init(&as_usual);
  ::posix_spawnattr_setsigdefault(&as_usual, &usual);
  ::posix_spawnattr_setflags(&as_usual, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (in >= 0) ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  if (out >= 0) ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  errno = ::posix_spawnp(&pid, words[0], &actions, &as_usual, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&as_usual);
  if (errno != 0) give_up("cannot run " + argv[0]);
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Whether more can be written.
bool write_some(int fd, std::string_view& bytes) {
  const ssize_t done = ::write(fd, bytes.data(), bytes.size());
  if (done > 0) bytes.remove_prefix(static_cast<size_t>(done));
  if (done < 0 && errno != EAGAIN && errno != EINTR) return false;  // it wants no more
  return !bytes.empty();
}

// Both ends of a filter at once: it may write before it has read all.
std::string exchange(int in, int out, std::string_view input) {
  ::fcntl(in, F_SETFL, O_NONBLOCK);
  std::string written, piece(kReadBytes, '\0');
  if (input.empty()) ::close(std::exchange(in, -1));
  while (true) {
    std::array<pollfd, 2> ends{{{out, POLLIN, 0}, {in, POLLOUT, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) give_up("cannot wait for a program");
    if (ends[1].revents != 0 && !write_some(in, input)) ::close(std::exchange(in, -1));
    if (ends[0].revents == 0) continue;
    const ssize_t got = ::read(out, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    written.append(piece, 0, static_cast<size_t>(got));
    if (written.size() > kMaxFilteredBytes) break;
  }
  if (in >= 0) ::close(in);
  return written;
}

}  // namespace

std::string run_filter(const std::string& name, const std::vector<std::string>& argv, std::string_view input) {
  const Pipe in = make_pipe();
  const Pipe out = make_pipe();
  const pid_t pid = start(argv, in.read_end, out.write_end);
  ::close(in.read_end);
  ::close(out.write_end);
  std::string written = exchange(in.write_end, out.read_end, input);
  ::close(out.read_end);
  if (written.size() > kMaxFilteredBytes) ::kill(pid, SIGKILL);
  const int status = wait_for(pid);
  if (written.size() > kMaxFilteredBytes) {
    throw std::runtime_error(name + " made more than 256 MiB of a piece: make pieces smaller (--split)");
  }
  if (status != 0) {
    throw std::runtime_error(name + " ended with exit status " + std::to_string(status));
  }
  return written;
}

Sink::Sink(const std::vector<std::string>& argv) {
  const Pipe pipe = make_pipe();
  pid_ = start(argv, pipe.read_end, -1);
  ::close(pipe.read_end);
  fd_ = pipe.write_end;
}

Sink::~Sink() { static_cast<void>(finish()); }

bool Sink::write(std::string_view bytes) {
  while (write_some(fd_, bytes)) continue;
  return bytes.empty();
}

int Sink::finish() {
  if (pid_ == 0) return 0;
  ::close(fd_);
  return wait_for(std::exchange(pid_, 0));
}

void ChildKernel::start() {
  const Pipe in = make_pipe();
  const Pipe out = make_pipe();
  mapreduce::start({program_}, in.read_end, out.write_end);
  ::close(in.read_end);
  ::close(out.write_end);
  in_ = in.write_end;
  out_ = out.read_end;
}

void ChildKernel::died(const char* how) const {
  static_cast<void>(std::fprintf(stderr, "the kernel %s %s\n", program_.c_str(), how));
  std::exit(1);
}

std::string ChildKernel::read_exactly(size_t bytes) const {
  std::string text(bytes, '\0');
  for (size_t have = 0; have < bytes;) {
    const ssize_t got = ::read(out_, text.data() + have, bytes - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) died("ended within a call");
    have += static_cast<size_t>(got);
  }
  return text;
}

std::string ChildKernel::call(std::string_view input) {
  if (in_ < 0) start();
  std::string head;
  kernel::detail::append_number(head, 4 + input.size());
  kernel::detail::append_number(head, ++number_);
  for (std::string_view rest : {std::string_view(head), input}) {
    while (write_some(in_, rest)) continue;
    if (!rest.empty()) died("ended within a call");
  }
  const std::string reply = read_exactly(kReplyHeadBytes);
  const size_t length = kernel::detail::read_number(reply);
  const bool good = length >= 5 && length <= 5 + kernel::kMaxCallBytes &&
                    kernel::detail::read_number(reply.substr(4)) == number_ &&
                    static_cast<unsigned char>(reply[8]) <= 1;
  if (!good) died("wrote what is no reply");  // what follows could be taken for the next one's
  std::string result = read_exactly(length - 5);
  if (reply[8] != 0) throw std::runtime_error(result);
  return result;
}

}  // namespace bramble::mapreduce
