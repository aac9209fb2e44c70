// How requests reach the reactor and the workers, and what waits.
#include "aggregator/http/service.hpp"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "aggregator/http/render.hpp"
#include "aggregator/http/selection.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint64_t kMaxPollS = 30;
constexpr size_t kWorkThreads = 4;
constexpr size_t kMaxWaitingWork = 512;
constexpr size_t kSqlThreads = 2;
constexpr size_t kUploadThreads = 4;
constexpr uint64_t kMaxU64 = std::numeric_limits<uint64_t>::max();

ApiReply no_reply(const char* sentence) { return {503, error_reply(503, sentence).body, {}}; }

HttpReply to_http(ApiReply reply) {
  HttpReply http = json_reply(std::move(reply.body), reply.http_status);
  if (http.status == 503) http.headers.emplace_back("Retry-After", "1");
  return http;
}

bool is_question(Endpoint endpoint) {
  return endpoint == Endpoint::query || endpoint == Endpoint::telemetry || endpoint == Endpoint::energy;
}

// A person who looks at a job asks for other things.
bool is_said_by_clients(Endpoint endpoint) {
  return endpoint == Endpoint::append || endpoint == Endpoint::keep_checkpoint || endpoint == Endpoint::watch_job ||
         endpoint == Endpoint::read_output;
}

// A question on its way to the reactor: answered once, by it or by the clock.
struct Question {
  explicit Question(std::function<void(ApiReply)> handler) : then(std::move(handler)) {}

  void finish(ApiReply reply) {
    std::function<void(ApiReply)> handler;
    {
      const std::lock_guard lock(mutex);
      handler = std::exchange(then, nullptr);
    }
    if (handler) handler(std::move(reply));
  }

  std::mutex mutex;
  std::function<void(ApiReply)> then;
};

}  // namespace

Slot Slots::take() {
  if (taken_->fetch_add(1) >= max_) {
    taken_->fetch_sub(1);
    return nullptr;
  }
  return {static_cast<void*>(taken_.get()), [taken = taken_](void*) { taken->fetch_sub(1); }};
}

Service::Service(Backend backend, const ServerLimits& limits)
    : backend_(std::move(backend)),
      limits_(limits),
      polls_(limits.max_polls),
      uploads_(limits.max_uploads),
      job_clients_(posix::mono_now()),
      work_pool_(kWorkThreads, kMaxWaitingWork),
      sql_pool_(kSqlThreads, limits.max_waiting_queries),
      upload_pool_(std::make_shared<WorkerPool>(kUploadThreads, 2 * limits.max_uploads)) {}

void Service::stop() {
  running_queries_.cancel_all();
  work_pool_.stop();
  sql_pool_.stop();
  upload_pool_->stop();
  deadlines_.stop();
  gather_runs_.clear();
}

// Of what may block; nothing for the others.
Service::Handler Service::handler_of(Endpoint endpoint) {
  static const std::unordered_map<Endpoint, Handler> kHandlers = {
      {Endpoint::submit, &Service::submit},
      {Endpoint::append, &Service::append},
      {Endpoint::close, &Service::close},
      {Endpoint::keep_checkpoint, &Service::keep_checkpoint},
      {Endpoint::read_checkpoint, &Service::read_checkpoint},
      {Endpoint::cancel, &Service::cancel},
      {Endpoint::retry, &Service::retry},
      {Endpoint::forget, &Service::forget},
      {Endpoint::keep_blob, &Service::keep_known_blob},
      {Endpoint::gather_blob, &Service::gather_blob},
      {Endpoint::list_jobs, &Service::list_jobs},
      {Endpoint::show_job, &Service::show_job},
      {Endpoint::list_tasks, &Service::list_tasks},
      {Endpoint::add_node, &Service::add_node},
      {Endpoint::remove_nodes, &Service::remove_nodes},
      {Endpoint::drain, &Service::set_drained},
      {Endpoint::resume, &Service::set_drained},
      {Endpoint::calibrate, &Service::calibrate},
      {Endpoint::query, &Service::run_sql},
      {Endpoint::power_status, &Service::show_power},
      {Endpoint::switch_power, &Service::switch_power},
      {Endpoint::pause_power, &Service::pause_power},
      {Endpoint::resume_power, &Service::pause_power},
      {Endpoint::clear_faults, &Service::clear_faults},
      {Endpoint::doctor, &Service::examine_nodes},
      {Endpoint::audit, &Service::show_audit},
      {Endpoint::list_tokens, &Service::list_tokens},
      {Endpoint::add_token, &Service::add_token},
      {Endpoint::remove_token, &Service::remove_token},
      {Endpoint::telemetry, &Service::ask_metrics},
      {Endpoint::energy, &Service::ask_energy},
      {Endpoint::tables, &Service::list_tables},
      {Endpoint::cancel_query, &Service::cancel_query},
  };
  const auto found = kHandlers.find(endpoint);
  return found == kHandlers.end() ? nullptr : found->second;
}

SilentMs Service::silence() const {
  return [this, now = posix::now()](const JobRecord& job) { return job_clients_.silent_ms(job, now); };
}

void Service::handle(const Route& route, HttpRequest request, Answer answer) {
  if (is_said_by_clients(route.endpoint)) job_clients_.spoke(route.job, posix::mono_now());
  if (const Handler handler = handler_of(route.endpoint)) {
    WorkerPool& pool = pool_for(route.endpoint);
    return run(pool, answer,
               [self = shared_from_this(), handler, route, request = std::move(request), answer]() mutable {
                 ((*self).*handler)(route, request, answer);
               });
  }
  if (route.endpoint == Endpoint::watch_job) return watch_job(route, request, answer);
  if (route.endpoint == Endpoint::explain) return explain(route, request, answer);
  if (route.endpoint == Endpoint::read_output) return read_output(route, request, answer);
  const Params params(request.params, {});
  if (!params.status()) return answer(error_reply(params.status().error()));
  if (route.endpoint == Endpoint::health) return get_health(answer);
  if (route.endpoint == Endpoint::metrics) return get_metrics(request.caller, answer);
  ask_and_answer(request.caller, NodesRequest{}, answer);
}

// Each kind has threads of its own, so that what takes long keeps nobody waiting but its like.
WorkerPool& Service::pool_for(Endpoint endpoint) {
  if (is_question(endpoint)) return sql_pool_;
  return work_pool_;
}

void Service::run(WorkerPool& pool, const Answer& answer, std::function<void()> task) {
  if (!pool.post(std::move(task))) answer(error_reply(503, "too many requests of this kind wait: try again"));
}

void Service::ask(const Caller& caller, ApiCall call, int64_t timeout_ms, Then then) {
  const auto question = std::make_shared<Question>(std::move(then));
  const auto deadline = deadlines_.call_after(timeout_ms, [question] {
    question->finish(no_reply("the aggregator does not get to it: is its disk full or slow? try again"));
  });
  const auto on_reply = [self = shared_from_this(), question, deadline](ApiReply reply) {
    self->deadlines_.cancel(deadline);
    question->finish(std::move(reply));
  };
  if (backend_.port({caller, std::move(call), on_reply})) return;
  on_reply(no_reply("the aggregator has too many requests to answer: try again"));
}

void Service::ask_and_answer(const Caller& caller, ApiCall call, const Answer& answer) {
  ask(caller, std::move(call), limits_.port_timeout_ms,
      [answer](ApiReply reply) { answer(to_http(std::move(reply))); });
}

HttpReply Service::health_without_store() {
  nlohmann::json health = nlohmann::json::object();
  {
    const std::lock_guard lock(health_mutex_);
    if (!last_health_.empty()) health = nlohmann::json::parse(last_health_, nullptr, false);
  }
  if (!health.is_object()) health = nlohmann::json::object();
  health["store_ok"] = false;
  return json_reply(health.dump());
}

void Service::get_health(const Answer& answer) {
  ask({}, HealthRequest{}, limits_.health_timeout_ms, [self = shared_from_this(), answer](ApiReply reply) {
    if (reply.http_status != 200) return answer(self->health_without_store());
    {
      const std::lock_guard lock(self->health_mutex_);
      self->last_health_ = reply.body;
    }
    answer(to_http(std::move(reply)));
  });
}

void Service::get_metrics(const Caller& caller, const Answer& answer) {
  ask(caller, MetricsRequest{}, limits_.port_timeout_ms, [answer](ApiReply reply) {
    HttpReply http = to_http(std::move(reply));
    if (http.status == 200) http.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer(std::move(http));
  });
}

Result<Slot> Service::take_poll_slot(uint64_t wait_s) {
  if (wait_s == 0) return Slot{};
  if (Slot slot = polls_.take()) return slot;
  return fail(ErrorCode::unavailable, std::to_string(limits_.max_polls) + " requests wait already: try again");
}

void Service::watch_job(const Route& route, const HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"since", "wait_s"});
  const uint64_t since = params.number("since", 0, 0, kMaxU64);
  const uint64_t wait_s = params.number("wait_s", 0, 0, kMaxPollS);
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto slot = take_poll_slot(wait_s);
  if (!slot) return answer(error_reply(slot.error()));
  const WatchJobRequest watch{route.job, since, static_cast<int64_t>(wait_s) * 1000};
  const int64_t timeout_ms = watch.wait_ms + limits_.port_timeout_ms;
  ask(request.caller, watch, timeout_ms, [self = shared_from_this(), watch, answer, slot = *slot](ApiReply reply) {
    if (reply.http_status != 410) return answer(to_http(std::move(reply)));
    self->run(self->work_pool_, answer, [self, watch, answer] { answer(self->ended_watch(watch.job, watch.since)); });
  });
}

HttpReply Service::ended_watch(JobId job, uint64_t since) {
  const auto row = find_job(job);
  if (!row) return error_reply(row.error());
  return json_reply(render_ended_watch(*row, since + 1));
}

void Service::read_output(const Route& route, const HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"offset", "attempt", "wait_s", "final", "limit"});
  OutputQuestion question{{route.job, route.task}, route.stream, 0, 0, false};
  question.offset = params.number("offset", 0, 0, kMaxU64);
  question.attempt = static_cast<uint32_t>(params.number("attempt", 0, 0, std::numeric_limits<uint32_t>::max()));
  question.only_final = params.number("final", 0, 0, 1) == 1;
  question.limit = params.number("limit", question.limit, 1, question.limit);
  const uint64_t wait_s = params.number("wait_s", 0, 0, kMaxPollS);
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto slot = take_poll_slot(wait_s);
  if (!slot) return answer(error_reply(slot.error()));
  const WatchOutputRequest watch{question.task,   question.stream,     question.attempt,
                                 question.offset, question.only_final, static_cast<int64_t>(wait_s) * 1000};
  const int64_t timeout_ms = watch.wait_ms + limits_.port_timeout_ms;
  ask(request.caller, watch, timeout_ms, [self = shared_from_this(), question, answer, slot = *slot](ApiReply reply) {
    if (reply.http_status != 200 && reply.http_status != 410) return answer(to_http(std::move(reply)));
    self->run(self->work_pool_, answer,
              [self, question, reply, answer] { answer(self->output_reply(question, reply)); });
  });
}

Result<JobRow> Service::find_job(JobId job) {
  JobFilter filter;
  filter.ranges = {{job, job}};
  filter.limit = 1;
  auto rows = backend_.jobs.jobs(filter);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return tl::unexpected(no_such_job(backend_.jobs, job));
  return std::move(rows->front());
}

}  // namespace bramble::aggregator::http
