#include "agent/joining.hpp"

#include <csignal>
#include <cstdio>

#include "agent/runner/node_identity.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/join_file.hpp"
#include "common/mqtt/broker_address.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"
#include "common/posix/service_notifier.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kMaxJoinBytes = 256 << 10;
constexpr int64_t kLookMs = 2000;

// Nothing of it is refused: this machine's clock may be wrong, and who joins it anew means it.
void tell_what_is_odd(const Settings& settings, const identity::JoinFile& join) {
  const auto facts = identity::read_certificate(join.certificate_pem);
  if (facts && facts->not_after < posix::now().wall) {
    std::printf(
        "its certificate has ended, if this machine's clock is right: then, on the head, "
        "'bramble node add %s --replace' makes a new one\n",
        join.node.c_str());
  }
  const auto before = runner::load_identity(identity_directory(settings));
  if (!before || !*before) return;
  const auto authority = posix::read_file((*before)->ca_file, identity::kMaxPemBytes);
  if (authority && *authority == join.ca_pem) return;
  std::printf("it was joined to another cluster, as %s, and leaves that one\n", (*before)->node.c_str());
}

}  // namespace

Result<int> join_node(const std::string& config_path, const std::string& file) {
  const auto settings = read_settings_unjoined(config_path);
  if (!settings) return tl::unexpected<Error>(settings.error());
  const bool from_input = file == "-";
  const auto text = posix::read_file(from_input ? "/dev/stdin" : file, kMaxJoinBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto join = identity::parse_join_file(*text, from_input ? "the join file" : file);
  if (!join) return tl::unexpected<Error>(join.error());
  if (const auto ways = mqtt::parse_broker_urls(join->broker_url); !ways) return tl::unexpected<Error>(ways.error());
  tell_what_is_odd(*settings, *join);
  if (Status joined = runner::join(settings->state_dir, *join); !joined) return tl::unexpected<Error>(joined.error());
  if (const auto whole = read_settings(config_path); !whole) return tl::unexpected<Error>(whole.error());
  std::printf(
      "joined the cluster %s as %s; an agent that runs already takes it when it is started again "
      "(systemctl restart bramble-agent)\n",
      join->cluster.c_str(), join->node.c_str());
  return 0;
}

bool wait_until_joined(const Settings& settings) {
  posix::log_warning("this node is not joined: on the head, 'bramble node add " + settings.config.node +
                     "' makes a file; here, as root: bramble-agent --join FILE. Waiting for it");
  posix::EventLoop loop;
  bool joined = false;
  loop.on_signals({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  const std::function<void()> look = [&] {
    const auto identity = runner::load_identity(identity_directory(settings));
    joined = !identity || identity->has_value();  // what is wrong with it the next start tells
    if (joined) return loop.stop();
    loop.call_after(kLookMs, look);
  };
  posix::ServiceNotifier notifier(loop, [&settings] {
    return "not joined: on the head, bramble node add " + settings.config.node + "; here, bramble-agent --join FILE";
  });
  loop.call_after(kLookMs, look);
  notifier.ready();
  loop.run();
  return joined;
}

}  // namespace bramble::agent
