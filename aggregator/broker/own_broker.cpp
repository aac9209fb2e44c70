#include "aggregator/broker/own_broker.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "aggregator/broker/broker_files.hpp"
#include "common/posix/files.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t packet_headroom_bytes = 64 << 10;  // topic and properties
constexpr size_t max_own_file_bytes = 64 << 10;
constexpr int start_attempts = 10;
constexpr int stop_limit_ms = 5000;
constexpr int first_port = 20'000;  // up to 32767 no outgoing connection of Linux takes a port by itself
constexpr int port_count = 12'000;

using Clock = std::chrono::steady_clock;

class LoopbackSocket {
 public:
  explicit LoopbackSocket(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<uint16_t>(port));
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  bool can_bind() const {
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0 &&
           ::listen(fd_.get(), 1) == 0;
  }
  bool can_connect() const {
    return ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0;
  }

 private:
  posix::UniqueFd fd_;
  sockaddr_in address_{};
};

int random_port() { return first_port + static_cast<int>(posix::random_u64() % port_count); }

Status not_installed() {
  return fail(ErrorCode::not_found,
              "no broker is configured, and Mosquitto, which the aggregator would start itself, is not installed: "
              "install it (apt install mosquitto) or set the broker's URL in the configuration");
}

}  // namespace

Result<OwnBroker> OwnBroker::start_or_adopt(const std::string& state_dir, OwnBrokerOptions options) {
  OwnBroker broker(state_dir + "/broker", std::move(options));
  if (Status ready = broker.prepare(); !ready) return tl::unexpected<Error>(ready.error());
  if (broker.adopt()) return broker;
  if (Status started = broker.start(broker.port_); !started) return tl::unexpected<Error>(started.error());
  return broker;
}

Status OwnBroker::prepare() {
  if (Status made = posix::make_directories(dir_, 0700); !made) return made;
  auto password = read_or_make_password(dir_ + "/password");
  if (!password) return tl::unexpected<Error>(password.error());
  password_ = std::move(*password);
  return {};
}

// Also learns the port of an earlier broker, to use it again: agents know it.
bool OwnBroker::adopt() {
  const auto text = posix::read_file(dir_ + "/state.json", max_own_file_bytes);
  if (!text) return false;
  const auto state = state_from_json(*text);
  if (!state) return false;
  port_ = state->port;
  const auto boot = posix::read_boot_id();
  if (!boot || *boot != state->boot_id) return false;
  auto process = BrokerProcess::open(state->process);
  if (!process) return false;
  const auto old_config = posix::read_file(dir_ + "/mosquitto.conf", max_own_file_bytes);
  if (!old_config || *old_config != config(port_) || !LoopbackSocket(port_).can_connect()) {
    process->end(stop_limit_ms);  // set up by another version of ours, or stuck
    return false;
  }
  process_ = std::move(*process);
  adopted_ = true;
  return true;
}

std::string OwnBroker::config(int port) const {
  return to_text({.port = port,
                  .nodes = options_.nodes,
                  .password_file = dir_ + "/password_hashes",
                  .max_packet_bytes = options_.max_message_bytes + packet_headroom_bytes,
                  .as_root = ::geteuid() == 0});
}

Status OwnBroker::start(int preferred_port) {
  if (options_.mosquitto.empty()) options_.mosquitto = find_program("mosquitto").value_or("");
  if (options_.mosquitto.empty() || ::access(options_.mosquitto.c_str(), X_OK) != 0) return not_installed();
  if (Status hashed = write_password_hashes(dir_ + "/password_hashes", username_, password_); !hashed) return hashed;
  Status last = fail(ErrorCode::unavailable, "no free port on loopback for the aggregator's own broker");
  for (int attempt = 0; attempt < start_attempts; ++attempt) {
    const int port = attempt == 0 && preferred_port != 0 ? preferred_port : random_port();
    if (!LoopbackSocket(port).can_bind()) continue;
    last = start_on(port);
    const bool port_was_taken = !last && last.error().code == ErrorCode::conflict;
    if (!port_was_taken) return last;
  }
  return last;
}

Status OwnBroker::start_on(int port) {
  const std::string config_path = dir_ + "/mosquitto.conf";
  if (Status written = posix::write_file_atomically(config_path, config(port)); !written) return written;
  auto process = BrokerProcess::spawn({options_.mosquitto, "-c", config_path}, dir_ + "/mosquitto.log");
  if (!process) return tl::unexpected<Error>(process.error());
  process_ = std::move(*process);
  port_ = port;
  adopted_ = false;
  Status ready = write_state();
  if (ready) ready = wait_until_ready(port);
  if (!ready) process_.end(stop_limit_ms);
  return ready;
}

// Before it is ready: whatever becomes of us, the next aggregator finds it.
Status OwnBroker::write_state() const {
  const auto boot = posix::read_boot_id();
  if (!boot) return tl::unexpected<Error>(boot.error());
  const BrokerState state{.process = process_.identity(), .boot_id = *boot, .port = port_};
  return posix::write_file_atomically(dir_ + "/state.json", to_json(state), {.sync = true});
}

// Its own log says that the port is its own: a connection alone could be to whoever took the port before it. Error
// conflict: somebody did.
Status OwnBroker::wait_until_ready(int port) const {
  const auto give_up = Clock::now() + std::chrono::milliseconds(options_.start_timeout_ms);
  bool ended = false;
  std::string log;
  while (!ended && Clock::now() < give_up) {
    ended = process_.wait(5);
    log = posix::read_file(dir_ + "/mosquitto.log", max_own_file_bytes).value_or("");
    if (!ended && log.find(" running\n") != std::string::npos && LoopbackSocket(port).can_connect()) return {};
  }
  const std::string last_words = log.substr(log.size() - std::min<size_t>(log.size(), 500));
  const bool taken = log.find("Address already in use") != std::string::npos;
  return fail(taken ? ErrorCode::conflict : ErrorCode::unavailable,
              "the aggregator's own broker " + std::string(ended ? "ended at once" : "does not become ready") + "; " +
                  dir_ + "/mosquitto.log ends with: " + last_words);
}

Status OwnBroker::restart() {
  if (alive()) return {};
  return start(port_);
}

// state.json stays, for the port: agents were told of it.
void OwnBroker::stop(int timeout_ms) { process_.end(timeout_ms); }

}  // namespace bramble::aggregator
