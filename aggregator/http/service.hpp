// Answers requests, whatever brought them: asks the reactor, reads the store, runs SQL. Knows no sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aggregator/http/deadlines.hpp"
#include "aggregator/http/gather_run.hpp"
#include "aggregator/http/http_message.hpp"
#include "aggregator/http/job_clients.hpp"
#include "aggregator/http/render.hpp"
#include "aggregator/http/requests.hpp"
#include "aggregator/http/routes.hpp"
#include "aggregator/http/running_queries.hpp"
#include "aggregator/http/server.hpp"
#include "aggregator/http/worker_pool.hpp"

namespace bramble::aggregator::http {

// One of a limited number; free again when the last copy is gone.
using Slot = std::shared_ptr<void>;

class Slots {
 public:
  explicit Slots(size_t max) : max_(max) {}
  Slot take();  // nothing when all are taken

 private:
  const size_t max_;
  std::shared_ptr<std::atomic<size_t>> taken_ = std::make_shared<std::atomic<size_t>>(0);
};

struct OutputQuestion {
  TaskKey task;
  wire::Stream stream = wire::Stream::stdout_;
  uint32_t attempt = 0;
  uint64_t offset = 0;
  bool only_final = false;
  uint64_t limit = 1 << 20;  // bytes in one reply
};

// Thread-safe. Closures that wait hold it by shared_ptr; stop() ends its threads, after which it answers 503.
class Service : public std::enable_shared_from_this<Service> {
 public:
  Service(Backend backend, const ServerLimits& limits);

  // Never blocks; `answer` is called once, perhaps before this returns. Not for upload_blob.
  void handle(const Route& route, HttpRequest request, Answer answer);

  // Blobs come in pieces: who receives them writes on this pool, holding a slot.
  BlobFiles& files() { return backend_.files; }
  const std::shared_ptr<WorkerPool>& upload_pool() { return upload_pool_; }
  Slot take_upload_slot() { return uploads_.take(); }
  // Tells the reactor of it, and the answer to the uploader. Never blocks.
  void keep_blob(const wire::BlobRef& blob, const Answer& answer) { ask_and_answer({}, KeepBlobRequest{blob}, answer); }

  void stop();

 private:
  using Handler = void (Service::*)(const Route&, HttpRequest&, const Answer&);
  using Then = std::function<void(ApiReply)>;

  static Handler handler_of(Endpoint endpoint);

  // Asks the reactor; `then` is called once, with 503 where it cannot answer in time. Never blocks.
  void ask(const Caller& caller, ApiCall call, int64_t timeout_ms, Then then);
  void ask_and_answer(const Caller& caller, ApiCall call, const Answer& answer);
  // The request that make() makes of those nodes of the set that there are; called on a thread of the work pool.
  void ask_of_nodes(const Caller& caller, const NodeSet& wanted, const Answer& answer,
                    const std::function<ApiCall(std::vector<std::string> names)>& make);
  // The same of nodes that hang on lines, also those that were never heard; `all` are these, what is named may be
  // others. choose() makes a request of what another one lists.
  void choose_and_ask(const Caller& caller, ApiCall listing, const Answer& answer,
                      const std::function<Result<ApiCall>(const std::string& listing)>& choose);
  void ask_of_lined_nodes(const Caller& caller, const NodeSet& wanted, const Answer& answer,
                          const std::function<ApiCall(std::vector<std::string> names)>& make);
  WorkerPool& pool_for(Endpoint endpoint);
  // Runs what may block; answers 503 where too much waits already.
  void run(WorkerPool& pool, const Answer& answer, std::function<void()> task);

  // These do not block.
  void get_health(const Answer& answer);
  void get_metrics(const Caller& caller, const Answer& answer);
  void watch_job(const Route& route, const HttpRequest& request, const Answer& answer);
  void read_output(const Route& route, const HttpRequest& request, const Answer& answer);
  void explain(const Route& route, const HttpRequest& request, const Answer& answer);
  Result<Slot> take_poll_slot(uint64_t wait_s);
  HttpReply health_without_store();

  // These run on a worker.
  void submit(const Route& route, HttpRequest& request, const Answer& answer);
  void append(const Route& route, HttpRequest& request, const Answer& answer);
  void close(const Route& route, HttpRequest& request, const Answer& answer);
  void keep_checkpoint(const Route& route, HttpRequest& request, const Answer& answer);
  void read_checkpoint(const Route& route, HttpRequest& request, const Answer& answer);
  void cancel(const Route& route, HttpRequest& request, const Answer& answer);
  void retry(const Route& route, HttpRequest& request, const Answer& answer);
  void forget(const Route& route, HttpRequest& request, const Answer& answer);
  void keep_known_blob(const Route& route, HttpRequest& request, const Answer& answer);
  void gather_blob(const Route& route, HttpRequest& request, const Answer& answer);
  void list_jobs(const Route& route, HttpRequest& request, const Answer& answer);
  void show_job(const Route& route, HttpRequest& request, const Answer& answer);
  void list_tasks(const Route& route, HttpRequest& request, const Answer& answer);
  void add_node(const Route& route, HttpRequest& request, const Answer& answer);
  void remove_nodes(const Route& route, HttpRequest& request, const Answer& answer);
  void set_drained(const Route& route, HttpRequest& request, const Answer& answer);
  void calibrate(const Route& route, HttpRequest& request, const Answer& answer);
  void examine_nodes(const Route& route, HttpRequest& request, const Answer& answer);
  void show_power(const Route& route, HttpRequest& request, const Answer& answer);
  void switch_power(const Route& route, HttpRequest& request, const Answer& answer);
  void pause_power(const Route& route, HttpRequest& request, const Answer& answer);
  void clear_faults(const Route& route, HttpRequest& request, const Answer& answer);
  void show_audit(const Route& route, HttpRequest& request, const Answer& answer);
  void list_tokens(const Route& route, HttpRequest& request, const Answer& answer);
  void add_token(const Route& route, HttpRequest& request, const Answer& answer);
  void remove_token(const Route& route, HttpRequest& request, const Answer& answer);
  void run_sql(const Route& route, HttpRequest& request, const Answer& answer);
  void ask_metrics(const Route& route, HttpRequest& request, const Answer& answer);
  void ask_energy(const Route& route, HttpRequest& request, const Answer& answer);
  void list_tables(const Route& route, HttpRequest& request, const Answer& answer);
  void cancel_query(const Route& route, HttpRequest& request, const Answer& answer);

  HttpReply explain_ended(const ExplainRequest& question);
  HttpReply ended_watch(JobId job, uint64_t since);
  HttpReply output_reply(const OutputQuestion& question, const ApiReply& place);
  HttpReply running_output(const OutputQuestion& question, const OutputPlace& place);
  HttpReply committed_output(const OutputQuestion& question);
  void wait_for_gathering(const std::shared_ptr<GatherRun>& run, uint64_t wait_s, const Answer& answer);
  void go_on_gathering(const std::shared_ptr<GatherRun>& run);
  void end_gathering(const std::shared_ptr<GatherRun>& run, HttpReply reply);
  HttpReply no_output(const OutputQuestion& question);
  Result<JobRow> find_job(JobId job);
  SilentMs silence() const;  // of clients, now

  const Backend backend_;
  const ServerLimits limits_;
  Slots polls_;
  Slots uploads_;
  GatherRuns gather_runs_;
  JobClients job_clients_;
  RunningQueries running_queries_;
  Deadlines deadlines_;
  WorkerPool work_pool_;
  WorkerPool sql_pool_;
  std::shared_ptr<WorkerPool> upload_pool_;
  std::mutex health_mutex_;
  std::string last_health_;
};

}  // namespace bramble::aggregator::http
