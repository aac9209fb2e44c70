#include "support/mosquitto.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace bramble::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto start_limit = std::chrono::seconds(10);
constexpr int stop_limit_ms = 10'000;

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool bind(int port) const {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd_, 1) == 0;
  }
  bool connect(int port) const {
    const sockaddr_in address = loopback(port);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int fd_;
};

std::filesystem::path make_temp_dir() {
  std::string name = (std::filesystem::temp_directory_path() / "bramble-mosquitto-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary directory like " + name);
  return name;
}

// Between fork and exec only calls that are safe in a process whose other threads are gone.
pid_t spawn(const std::string& config, const std::string& log) {
  // Debian keeps it in /usr/sbin, which an ordinary user's PATH often lacks.
  std::string arg0 = "/usr/sbin/mosquitto", arg1 = "-c", arg2 = config;
  std::array<char*, 4> args{arg0.data(), arg1.data(), arg2.data(), nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid > 0) return pid;
  ::setpgid(0, 0);  // a terminal's Ctrl-C is not for it
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::execv(args[0], args.data());
  ::_exit(127);
}

bool ends_within(pid_t pid, int limit_ms) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{fd, POLLIN, 0};
  const bool in_time = ::poll(&ended, 1, limit_ms) == 1;
  ::close(fd);
  return in_time;
}

}  // namespace

int free_port() {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(20'000, 32'000);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int port = ports(random);
    if (Socket().bind(port)) return port;
  }
  throw std::runtime_error("no free port on loopback");
}

Mosquitto::Mosquitto(MosquittoOptions options) : options_(std::move(options)), dir_(make_temp_dir()) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    write_config();
    if (try_start()) return;
  }
  const std::string last_words = log();
  std::filesystem::remove_all(dir_);
  throw std::runtime_error("mosquitto does not start (is it installed?): " + last_words);
}

Mosquitto::~Mosquitto() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void Mosquitto::write_config() const {
  std::ofstream out(dir_ / "mosquitto.conf");
  out << "listener " << port_ << " 127.0.0.1\n"
      << "allow_anonymous true\n"
      << "persistence false\n"
      << "user root\n"  // as root it would drop to a user who may not read this directory; else this is ignored
      << "log_dest stderr\n";
  if (!options_.defaults) out << "max_inflight_messages 0\nmax_queued_messages 100000\nset_tcp_nodelay true\n";
  if (options_.max_packet_size > 0) out << "max_packet_size " << options_.max_packet_size << "\n";
  for (const std::string& line : options_.extra_lines) out << line << "\n";
}

// False when it ended at once: another process took the port.
bool Mosquitto::try_start() {
  pid_ = spawn(dir_ / "mosquitto.conf", dir_ / "log");
  const auto give_up = Clock::now() + start_limit;
  while (Clock::now() < give_up) {
    // The log tells that it is our broker, and not the one that took its port, which accepts the connection.
    if (log().find(" running\n") != std::string::npos && Socket().connect(port_)) return true;
    if (ends_within(pid_, 5)) break;
  }
  kill();
  return false;
}

void Mosquitto::start() {
  if (pid_ != 0) return;
  const auto give_up = Clock::now() + start_limit;
  while (Clock::now() < give_up) {
    if (try_start()) return;
  }
  throw std::runtime_error("mosquitto does not start again on port " + std::to_string(port_) + ": " + log());
}

void Mosquitto::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  const bool in_time = ends_within(pid_, stop_limit_ms);
  kill();
  if (!in_time) throw std::runtime_error("mosquitto ignored SIGTERM");
}

void Mosquitto::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string Mosquitto::log() const {
  std::ifstream in(dir_ / "log");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace bramble::test
