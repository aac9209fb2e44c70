// A real Mosquitto for a test: on a free loopback port, with everything it writes in a temporary directory of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bramble::test {

struct MosquittoOptions {
  // False: what bramble asks of a broker (no limit of messages in flight, TCP_NODELAY). True: as Debian ships it.
  bool defaults = false;
  uint32_t max_packet_size = 0;               // bytes; 0: the broker's own limit (none)
  std::vector<std::string> extra_lines = {};  // appended to the configuration
};

// Throws std::runtime_error with the broker's own log when it cannot do what was asked. Not thread-safe. The broker
// dies with the thread that started it, so a test that is killed leaves none behind: start it from the test's thread.
class Mosquitto {
 public:
  explicit Mosquitto(MosquittoOptions options = {});  // started, and accepts connections
  ~Mosquitto();                                       // killed; its directory is removed
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  void stop();   // SIGTERM: clients are told
  void kill();   // SIGKILL: their sockets close
  void start();  // again, on the same port, remembering nothing (there is no persistence)

  int port() const { return port_; }
  std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  pid_t pid() const { return pid_; }  // 0: not running
  std::string log() const;

 private:
  void write_config() const;
  bool try_start();

  MosquittoOptions options_;
  std::filesystem::path dir_;
  int port_ = 0;
  pid_t pid_ = 0;
};

// A port that nothing on loopback listens on just now, from below the range of outgoing connections. Another process
// may take it before it is used: try again then.
int free_port();

}  // namespace bramble::test
