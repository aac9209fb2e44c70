// The head node: the real reactor of the aggregator in its loop - take, apply, commit, release - with a store in
// memory.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "aggregator/core/reactor.hpp"
#include "broker.hpp"
#include "memory_store.hpp"
#include "sim_blobs.hpp"

namespace bramble::sim {

class SimHead {
 public:
  SimHead(Timeline& timeline, Broker& broker, Random& random, Bug bug, std::function<void(std::string)> violation);

  MemoryStore& store() { return store_; }
  uint64_t steps_between_checks = 1;  // looking at everything after each step takes too long in a large fleet

  aggregator::PowerConfig power;  // from the next start on
  double damaged_chunk = 0;       // how often, while the network is bad
  bool trace = false;
  std::function<void()> on_life;  // the head has begun anew
  std::function<void(const aggregator::LineOp&)> drive_line;
  void report_line(const aggregator::LineReport& report);

  void start();
  void crash(int64_t away_ms);
  void stall(int64_t for_ms);  // SIGSTOP
  void slow_commits(int64_t commit_ms, int64_t for_ms);
  void fill_disk(int64_t for_ms);
  void jump_wall_clock(int64_t by_ms) { clock_.jump_wall(by_ms); }
  void back_up() { backup_ = store_.disk(); }
  bool restore_backup(int64_t away_ms);  // false: there is none
  void renew_store();                    // what a person does when it says that it is an old copy
  bool has_gone_back() const { return state_ && !state_->gone_back.empty(); }
  void ask(aggregator::ApiCall call);
  void upload(const wire::BlobRef& blob);
  std::string waits(const std::string& node) const;  // what its power waits for
  std::string describe(JobId job) const;  // where its open attempts are, for a person who looks for the reason
  bool is_up() const { return state_.has_value(); }
  const InputChunks& input_chunks() const { return input_chunks_; }

 private:
  using Event = std::function<void(aggregator::Effects&, Now)>;

  void hear(const std::string& topic, const std::string& payload);
  void put(Event event);
  void put_at(Event event, Now at);
  void step();
  void play_planted_bug();
  void finish_step(aggregator::Effects effects);
  void release(aggregator::Effects effects);
  void print(const aggregator::Effects& effects) const;
  aggregator::LoadedState load();
  void send_blob(const aggregator::SendBlob& op);
  void read_forgotten(const std::vector<JobId>& jobs);
  void work_on_file(const aggregator::FileOp& op);
  void tick();

  Timeline& timeline_;
  Broker& broker_;
  Random& random_;
  const Bug bug_;
  std::function<void(std::string)> violation_;
  MachineClock clock_;
  MemoryStore store_;
  std::optional<MemoryStore::Disk> backup_;
  HeadBlobs blobs_;
  InputChunks input_chunks_;
  Client client_;
  std::optional<aggregator::State> state_;
  uint64_t life_ = 0;
  uint64_t steps_ = 0;
  bool busy_ = false;
  int64_t commit_ms_ = 2;
  bool disk_full_ = false;
  bool stalled_ = false;
  std::vector<Event> unheard_;                        // while stalled
  std::vector<aggregator::StoreWrite> half_written_;  // the commit that is under way
  std::deque<std::pair<Event, Now>> inbox_;
};

}  // namespace bramble::sim
