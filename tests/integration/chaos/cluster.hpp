// A whole cluster of real daemons on loopback, every part of it owned, broken and mended by the harness: a Mosquitto
// that keeps its state in a file, the aggregator with its state on a small tmpfs and a disk that can be slow, and
// nodes, each an agent and a warden, whose links to the broker go through the harness.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "history.hpp"
#include "plan.hpp"
#include "proxy.hpp"
#include "support/daemon.hpp"
#include "support/mosquitto.hpp"

namespace bramble::test::chaos {

// The head's limits, as its configuration names them; the defaults are its own.
struct Patience {
  int64_t silent_ms = 3'000;
  int64_t loss_ms = 5'000;
  int64_t lease_ms = 20'000;
};

struct ClusterOptions {
  std::string dir;
  int agents = 3;
  bool small_disk = false;  // the aggregator's state on a small tmpfs, if that is permitted
  Patience patience = {};
  uint64_t seed = 1;  // of what a disk keeps in a power cut
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);  // started; every node is heard
  ~Cluster();

  // The thread that made it only.
  void begin(FaultKind kind, size_t node);
  void end(FaultKind kind, size_t node);
  void stall_disk(int64_t ms);  // for so long no commit ends
  void restart_aggregator();    // in order

  void wait_until_on() const;  // every node

  // Starts again what ended by itself, as an init system would, and says so.
  void look_after();

  const std::vector<std::string>& nodes() const { return names_; }
  std::string url() const { return "unix:" + dir_ + "/api.sock"; }
  std::string diaries() const { return dir_ + "/diaries"; }
  bool small_disk() const { return small_disk_; }  // false: not permitted here
  size_t own_ends() const { return own_ends_; }    // of daemons that were not killed
  // Those that nothing explains: only an aggregator whose disk is full may end by itself.
  const std::vector<std::string>& incidents() const { return incidents_; }

 private:
  struct Node {
    std::unique_ptr<Daemon> warden;
    std::unique_ptr<Daemon> agent;
    int boots = 1;
  };

  void mount_small_disk();
  void start_head();
  void start_node(size_t index);
  void configure_agent(size_t index, int boot) const;
  std::string home_of(size_t index) const { return dir_ + "/" + names_[index]; }
  void set_disk(int64_t each_ms, int64_t stalled_until_ms) const;
  void fill_disk() const;
  void kill(Daemon& daemon);
  void cut_power(size_t node);
  void restore_power(size_t node);
  void empty_broker();
  void stop_or_continue_broker(bool stop) const;
  void look_after(Daemon& daemon, bool may_end);

  const std::string dir_;
  const Patience patience_;
  Random random_;
  std::vector<std::string> names_;
  bool small_disk_ = false;
  int64_t full_until_ns_ = 0;
  size_t own_ends_ = 0;
  std::vector<std::string> incidents_;
  std::map<const Daemon*, int64_t> start_again_ns_;
  Mosquitto broker_;
  Proxy proxy_;  // a link for each node, then the aggregator's
  std::unique_ptr<Daemon> aggregator_;
  std::vector<Node> nodes_;
};

}  // namespace bramble::test::chaos
