// An aggregator that a test plays: it speaks the HTTP API on a Unix socket, keeps what it was told, and ends tasks when
// and how the test says.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "support/temp_dir.hpp"

namespace bramble::cli::testing {

inline constexpr const char* kRefusedNode = "refused";  // a job on this node is refused
inline constexpr TaskKey kTask{1, 0};                   // the first one submitted

struct FakeTask {
  std::string state = "running";
  uint32_t attempt = 1;
  std::string out;
  std::string err;
  uint64_t dropped_bytes = 0;  // of out, above its limit
  std::string outcome;
  int exit_code = 0;
  int signal = 0;
  std::string input;  // the bytes of its blob

  bool final() const { return state == "succeeded" || state == "failed" || state == "cancelled"; }
};

struct FakeJob {
  nlohmann::json body;
  std::string state = "running";
  bool open = false;
  uint64_t version = 1;
  std::map<TaskIndex, FakeTask> tasks;
};

// Thread-safe. All changes wake the long polls.
class FakeAggregator {
 public:
  FakeAggregator();
  ~FakeAggregator();
  FakeAggregator(const FakeAggregator&) = delete;
  FakeAggregator& operator=(const FakeAggregator&) = delete;

  std::string url() const { return "unix:" + socket_path(); }

  // As a restart: nobody listens, connections are cut; then the same socket again.
  void stop();
  void start();

  // Called for each new task, without the lock, in a thread of the server.
  void on_task(std::function<void(TaskKey)> handler);
  void set_note(const std::string& note);  // with the answer to a submission
  // Requests of these paths are answered with this status and no change, so many times. 0: no more.
  void refuse(const std::string& path, int status, int times);
  // Answers of POST /api/v1/jobs get lost so many times: the job is made, and the connection ends without an answer.
  void lose_submit_answers(int times);

  void write(TaskKey task, const std::string& out, const std::string& err = "");
  void drop(TaskKey task, uint64_t bytes);  // of its standard output, above the limit
  void finish(TaskKey task, int exit_code);
  void end_with(TaskKey task, const std::string& state, const std::string& outcome, int signal);
  void restart_attempt(TaskKey task);
  // Tasks that are made from now on wait for their start_task.
  void hold_tasks();
  void start_task(TaskKey task);

  void set_health(nlohmann::json health);
  void set_nodes(nlohmann::json nodes);
  void set_power(nlohmann::json nodes);                           // what the status of power tells of all
  void set_audit(const std::string& nodes, nlohmann::json rows);  // what is answered to just this set
  void set_query_result(nlohmann::json result);

  JobId wait_for_job();  // the newest, once there is one; 0 after 20 s
  bool wait_for_jobs(size_t count);
  bool wait_for_tasks(JobId job, size_t count);
  FakeJob job(JobId id);
  size_t jobs();
  std::vector<std::string> paths();                             // "POST /api/v1/jobs" in the order of their arrival
  std::vector<std::pair<std::string, nlohmann::json>> posts();  // path and body, but blobs

 private:
  struct Server;
  std::string socket_path() const { return dir_ / "api.sock"; }
  void settle(FakeJob& job);

  test::TempDir dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<JobId, FakeJob> jobs_;
  std::map<std::string, std::string> blobs_;
  std::map<std::string, std::pair<int, int>> refusals_;  // path -> status, times
  std::function<void(TaskKey)> on_task_;
  std::string note_;
  int lost_answers_ = 0;
  bool held_ = false;
  bool stopping_ = false;
  nlohmann::json health_ = {{"version", "test"}};
  nlohmann::json nodes_ = nlohmann::json::array();
  nlohmann::json power_ = nlohmann::json::array();
  std::map<std::string, nlohmann::json> audit_;
  nlohmann::json query_result_;
  std::vector<std::string> paths_;
  std::vector<std::pair<std::string, nlohmann::json>> posts_;
  std::unique_ptr<Server> server_;
};

}  // namespace bramble::cli::testing
