// tidy: long file: one server with every route of the API, played by every test of the command
#include "integration/cli/fake_aggregator.hpp"

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/base/node_set.hpp"
#include "common/posix/digest.hpp"

namespace bramble::cli::testing {
namespace {

using nlohmann::json;

constexpr size_t kThreads = 16;
constexpr size_t kMaxPart = 1 << 20;
constexpr auto kPatience = std::chrono::seconds(20);

uint64_t parameter(const httplib::Request& request, const char* name) {
  return request.has_param(name) ? std::stoull(request.get_param_value(name)) : 0;
}

void answer(httplib::Response& response, const json& body, int status = 200) {
  response.status = status;
  response.set_content(body.dump(), "application/json");
}

json counts_of(const FakeJob& job) {
  json counts = {{"total", job.tasks.size()},
                 {"waiting", 0},
                 {"assigned", 0},
                 {"running", 0},
                 {"succeeded", 0},
                 {"failed", 0},
                 {"cancelled", 0}};
  for (const auto& [index, task] : job.tasks) counts[task.state] = counts[task.state].get<int>() + 1;
  return counts;
}

json job_object(JobId id, const FakeJob& job) {
  return {{"job", id},
          {"name", job.body.value("name", "")},
          {"owner", "anna"},
          {"state", job.state},
          {"priority", 0},
          {"open", job.open},
          {"submitted_ms", 1},
          {"ended_ms", nullptr},
          {"command", "echo hi"},
          {"tasks", counts_of(job)},
          {"spec", job.body}};
}

json task_object(TaskIndex index, const FakeTask& task) {
  const json attempt = {{"attempt", task.attempt},
                        {"node", "pi01"},
                        {"state", task.state},
                        {"outcome", task.outcome},
                        {"exit_code", task.exit_code},
                        {"signal", task.signal},
                        {"text", ""},
                        {"committed", task.final()},
                        {"duration_ms", 5},
                        {"cpu_ms", 1},
                        {"peak_memory_bytes", 1024}};
  return {{"task", index},
          {"state", task.state},
          {"attempts", task.attempt},
          {"failures", 0},
          {"tries", json::array({attempt})}};
}

}  // namespace

struct FakeAggregator::Server {
  explicit Server(FakeAggregator& fake) : fake_(fake) {
    http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http.set_address_family(AF_UNIX);
    http.set_keep_alive_timeout(1);
    http.set_pre_routing_handler([this](const auto& request, auto&) {
      const std::lock_guard lock(fake_.mutex_);
      fake_.paths_.push_back(request.method + " " + request.path);
      return httplib::Server::HandlerResponse::Unhandled;
    });
    add_job_routes();
    add_task_routes();
    add_other_routes();
  }

  // Under the lock, when the body was read: else its bytes would be taken for the next request.
  bool refused(const httplib::Request& request, httplib::Response& response) {
    const auto refusal = fake_.refusals_.find(request.path);
    if (refusal == fake_.refusals_.end() || refusal->second.second == 0) return false;
    --refusal->second.second;
    answer(response, {{"error", "refused by the test"}}, refusal->second.first);
    return true;
  }

  // A route that gets the body as JSON, under the lock.
  void post(const std::string& pattern,
            std::function<void(const httplib::Request&, const json&, httplib::Response&)> handle) {
    http.Post(pattern, [this, handle](const httplib::Request& request, httplib::Response& response) {
      const json body = json::parse(request.body);
      const std::lock_guard lock(fake_.mutex_);
      if (refused(request, response)) return;
      fake_.posts_.emplace_back(request.path, body);
      handle(request, body, response);
      fake_.changed_.notify_all();
    });
  }

  void get(const std::string& pattern,
           std::function<void(const httplib::Request&, httplib::Response&, std::unique_lock<std::mutex>&)> handle) {
    http.Get(pattern, [this, handle](const httplib::Request& request, httplib::Response& response) {
      std::unique_lock lock(fake_.mutex_);
      if (!refused(request, response)) handle(request, response, lock);
    });
  }

  template <typename Ready>
  void long_poll(const httplib::Request& request, std::unique_lock<std::mutex>& lock, Ready ready) {
    fake_.changed_.wait_for(lock, std::chrono::seconds(parameter(request, "wait_s")),
                            [&] { return fake_.stopping_ || ready(); });
  }

  FakeJob* find_job(const httplib::Request& request, httplib::Response& response) {
    const auto found = fake_.jobs_.find(std::stoull(request.matches[1]));
    if (found != fake_.jobs_.end()) return &found->second;
    answer(response, {{"error", "no such job"}}, 404);
    return nullptr;
  }

  // Every node is able.
  json rehearsed() const {
    std::string names;
    for (const json& node : fake_.nodes_) names += (names.empty() ? "" : ",") + node["node"].get<std::string>();
    json reply{{"job", nullptr}, {"tasks", 10}};
    if (!names.empty()) reply["nodes"] = names;
    return reply;
  }

  void submit(const httplib::Request&, const json& body, httplib::Response& response) {
    if (body.value("dry_run", false)) return answer(response, rehearsed());
    if (body.value("on", "") == kRefusedNode) return answer(response, {{"error", "not there"}}, 400);
    for (const auto& [id, job] : fake_.jobs_) {
      if (job.body["submit_id"] == body["submit_id"]) return answer(response, {{"job", id}});
    }
    const JobId id = fake_.jobs_.size() + 1;
    FakeJob& job = fake_.jobs_[id];
    job.body = body;
    job.open = body.value("per_task_input", false);
    if (!job.open) add_task({id, 0}, body.contains("stdin") ? body["stdin"] : json());
    if (fake_.lost_answers_ > 0) {
      --fake_.lost_answers_;
      // An answer that breaks off: less content than was promised.
      response.set_content_provider(100, "application/json", [](size_t, size_t, httplib::DataSink&) { return false; });
      return;
    }
    json reply{{"job", id}};
    if (!fake_.note_.empty()) reply["note"] = fake_.note_;
    answer(response, reply, 201);
  }

  void add_task(TaskKey key, const json& input) {
    FakeTask task;
    if (fake_.held_) task.state = "waiting";
    if (input.is_object()) task.input = fake_.blobs_.at(input["blob"].get<std::string>());
    fake_.jobs_[key.job].tasks.emplace(key.task, std::move(task));
    new_tasks_.push_back(key);
  }

  void add_job_routes() {
    post("/api/v1/jobs",
         [this](const auto& request, const json& body, auto& response) { submit(request, body, response); });
    post("/api/v1/jobs/cancel", [this](const auto&, const json& body, auto& response) {
      const JobId id = std::stoull(body["jobs"].get<std::string>());
      FakeJob& job = fake_.jobs_[id];
      for (auto& [index, task] : job.tasks) {
        if (task.final()) continue;
        task.state = task.outcome = "cancelled";
        task.signal = 15;
      }
      job.open = false;
      job.state = "cancelled";
      ++job.version;
      answer(response, {{"cancelled", json::array({id})}});
    });
    post(R"(/api/v1/jobs/(\d+)/close)", [this](const auto& request, const json&, auto& response) {
      FakeJob* job = find_job(request, response);
      if (!job) return;
      job->open = false;
      fake_.settle(*job);
      answer(response, json::object());
    });
    get("/api/v1/jobs", [this](const auto&, auto& response, auto&) {
      json list = json::array();
      for (const auto& [id, job] : fake_.jobs_) list.push_back(job_object(id, job));
      answer(response, list);
    });
    get(R"(/api/v1/jobs/(\d+))", [this](const auto& request, auto& response, auto&) {
      if (FakeJob* job = find_job(request, response))
        answer(response, job_object(std::stoull(request.matches[1]), *job));
    });
    get(R"(/api/v1/jobs/(\d+)/watch)", [this](const auto& request, auto& response, auto& lock) {
      FakeJob* job = find_job(request, response);
      if (!job) return;
      long_poll(request, lock, [&] { return job->version > parameter(request, "since"); });
      answer(response, {{"version", job->version},
                        {"state", job->state},
                        {"open", job->open},
                        {"tasks", counts_of(*job)},
                        {"eta_ms", nullptr}});
    });
  }

  void add_task_routes() {
    post(R"(/api/v1/jobs/(\d+)/tasks)", [this](const auto& request, const json& body, auto& response) {
      FakeJob* job = find_job(request, response);
      if (!job) return;
      TaskIndex index = body["first"];
      for (const json& task : body["tasks"]) {
        if (!job->tasks.contains(index)) add_task({std::stoull(request.matches[1]), index}, task["stdin"]);
        ++index;
      }
      answer(response, {{"tasks", job->tasks.size()}});
    });
    get(R"(/api/v1/jobs/(\d+)/tasks)", [this](const auto& request, auto& response, auto&) {
      FakeJob* job = find_job(request, response);
      if (!job) return;
      json list = json::array();
      for (auto at = job->tasks.lower_bound(static_cast<TaskIndex>(parameter(request, "first")));
           at != job->tasks.end() && list.size() < parameter(request, "limit"); ++at) {
        list.push_back(task_object(at->first, at->second));
      }
      answer(response, list);
    });
    get(R"(/api/v1/jobs/(\d+)/tasks/(\d+)/output/(stdout|stderr))",
        [this](const auto& request, auto& response, auto& lock) { output(request, response, lock); });
    http.set_logger([this](const auto&, const auto&) { tell_new_tasks(); });
  }

  void output(const httplib::Request& request, httplib::Response& response, std::unique_lock<std::mutex>& lock) {
    FakeJob* job = find_job(request, response);
    if (!job) return;
    const FakeTask& task = job->tasks.at(static_cast<TaskIndex>(parameter_at(request, 2)));
    const std::string& bytes = request.matches[3] == "stdout" ? task.out : task.err;
    const uint64_t asked_attempt = parameter(request, "attempt");
    uint64_t offset = parameter(request, "offset");
    const bool only_final = request.has_param("final");
    long_poll(request, lock, [&] {
      return task.final() ||
             (!only_final && (bytes.size() > offset || (asked_attempt != 0 && task.attempt != asked_attempt)));
    });
    if (asked_attempt != 0 && task.attempt != asked_attempt) offset = 0;
    offset = std::min<uint64_t>(offset, bytes.size());
    response.set_header("X-Bramble-Attempt", std::to_string(task.attempt));
    response.set_header("X-Bramble-Offset", std::to_string(offset));
    response.set_header("X-Bramble-Size", std::to_string(bytes.size()));
    response.set_header("X-Bramble-Final", task.final() ? "1" : "0");
    if (task.dropped_bytes > 0) response.set_header("X-Bramble-Dropped", std::to_string(task.dropped_bytes));
    const bool tell = task.final() || !only_final;
    response.set_content(tell ? bytes.substr(offset, kMaxPart) : "", "application/octet-stream");
  }

  static uint64_t parameter_at(const httplib::Request& request, size_t match) {
    return std::stoull(request.matches[match]);
  }

  // After an answer is out: the test may end tasks at once, or much later.
  void tell_new_tasks() {
    std::vector<TaskKey> tasks;
    std::function<void(TaskKey)> on_task;
    {
      const std::lock_guard lock(fake_.mutex_);
      tasks.swap(new_tasks_);
      on_task = fake_.on_task_;
    }
    if (!on_task) return;
    for (const TaskKey& task : tasks) on_task(task);
  }

  void add_other_routes() {
    get("/api/v1/health", [this](const auto&, auto& response, auto&) { answer(response, fake_.health_); });
    get("/api/v1/nodes", [this](const auto&, auto& response, auto&) { answer(response, fake_.nodes_); });
    get("/api/v1/power", [this](const auto&, auto& response, auto&) { answer(response, {{"nodes", fake_.power_}}); });
    post("/api/v1/power/switch", [this](const auto&, const json& body, auto& response) {
      const auto named = expand_node_set(body["nodes"].get<std::string>());
      json nodes = json::array();
      for (const json& node : fake_.power_) {
        if (std::find(named->begin(), named->end(), node["node"]) != named->end()) nodes.push_back(node);
      }
      answer(response, {{"nodes", nodes}});
    });
    get("/api/v1/audit", [this](const httplib::Request& request, auto& response, auto&) {
      const auto rows = fake_.audit_.find(request.get_param_value("nodes"));
      answer(response, rows == fake_.audit_.end() ? json::array() : rows->second);
    });
    post(R"(/api/v1/nodes/(drain|resume|calibrate))", [](const auto&, const json& body, auto& response) {
      answer(response, {{"nodes", json::array({body["nodes"]})}});
    });
    post("/api/v1/query", [this](const auto&, const json&, auto& response) { answer(response, fake_.query_result_); });
    post("/api/v1/blobs/keep", [this](const auto&, const json& body, auto& response) {
      const auto found = fake_.blobs_.find(body["blob"].get<std::string>());
      if (found == fake_.blobs_.end()) return answer(response, {{"error", "upload it"}}, 409);
      answer(response, {{"blob", found->first}, {"size_bytes", found->second.size()}});
    });
    http.Post("/api/v1/blobs",
              [this](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& read) {
                std::string bytes;
                read([&](const char* data, size_t size) {
                  bytes.append(data, size);
                  return true;
                });
                const std::lock_guard lock(fake_.mutex_);
                if (refused(request, response)) return;
                const std::string sha = posix::sha256_hex(bytes);
                answer(response, {{"blob", sha}, {"size_bytes", bytes.size()}}, 201);
                fake_.blobs_[sha] = std::move(bytes);
              });
  }

  FakeAggregator& fake_;
  httplib::Server http;
  std::thread thread;
  std::vector<TaskKey> new_tasks_;
};

FakeAggregator::FakeAggregator() { start(); }

FakeAggregator::~FakeAggregator() { stop(); }

void FakeAggregator::start() {
  stopping_ = false;
  ::unlink(socket_path().c_str());
  server_ = std::make_unique<Server>(*this);
  if (!server_->http.bind_to_port(socket_path(), 80)) throw std::runtime_error("cannot listen at " + socket_path());
  server_->thread = std::thread([this] { server_->http.listen_after_bind(); });
  while (!server_->http.is_running()) std::this_thread::yield();
}

void FakeAggregator::stop() {
  if (!server_) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  server_->http.stop();
  server_->thread.join();
  server_.reset();
  ::unlink(socket_path().c_str());
}

void FakeAggregator::refuse(const std::string& path, int status, int times) {
  const std::lock_guard lock(mutex_);
  refusals_[path] = {status, times};
}

void FakeAggregator::lose_submit_answers(int times) {
  const std::lock_guard lock(mutex_);
  lost_answers_ = times;
}

void FakeAggregator::write(TaskKey task, const std::string& out, const std::string& err) {
  const std::lock_guard lock(mutex_);
  FakeTask& written = jobs_.at(task.job).tasks.at(task.task);
  written.out += out;
  written.err += err;
  changed_.notify_all();
}

void FakeAggregator::drop(TaskKey task, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  jobs_.at(task.job).tasks.at(task.task).dropped_bytes = bytes;
}

void FakeAggregator::finish(TaskKey task, int exit_code) {
  const std::lock_guard lock(mutex_);
  FakeTask& ended = jobs_.at(task.job).tasks.at(task.task);
  ended.exit_code = exit_code;
  ended.outcome = "exited";
  ended.state = exit_code == 0 ? "succeeded" : "failed";
  settle(jobs_.at(task.job));
  changed_.notify_all();
}

void FakeAggregator::end_with(TaskKey task, const std::string& state, const std::string& outcome, int signal) {
  const std::lock_guard lock(mutex_);
  FakeTask& ended = jobs_.at(task.job).tasks.at(task.task);
  ended.state = state;
  ended.outcome = outcome;
  ended.signal = signal;
  settle(jobs_.at(task.job));
  changed_.notify_all();
}

void FakeAggregator::restart_attempt(TaskKey task) {
  const std::lock_guard lock(mutex_);
  FakeTask& again = jobs_.at(task.job).tasks.at(task.task);
  ++again.attempt;
  again.out.clear();
  again.err.clear();
  changed_.notify_all();
}

void FakeAggregator::hold_tasks() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeAggregator::start_task(TaskKey task) {
  const std::lock_guard lock(mutex_);
  jobs_.at(task.job).tasks.at(task.task).state = "running";
  changed_.notify_all();
}

// The job's state follows from its tasks'.
void FakeAggregator::settle(FakeJob& job) {
  ++job.version;
  bool failed = false;
  for (const auto& [index, task] : job.tasks) {
    if (!task.final()) return;
    failed = failed || task.state != "succeeded";
  }
  if (!job.open && job.state == "running") job.state = failed ? "failed" : "succeeded";
}

void FakeAggregator::set_health(json health) {
  const std::lock_guard lock(mutex_);
  health_ = std::move(health);
}

void FakeAggregator::set_nodes(json nodes) {
  const std::lock_guard lock(mutex_);
  nodes_ = std::move(nodes);
}

void FakeAggregator::set_power(json nodes) {
  const std::lock_guard lock(mutex_);
  power_ = std::move(nodes);
}

void FakeAggregator::set_audit(const std::string& nodes, json rows) {
  const std::lock_guard lock(mutex_);
  audit_[nodes] = std::move(rows);
}

void FakeAggregator::set_query_result(json result) {
  const std::lock_guard lock(mutex_);
  query_result_ = std::move(result);
}

JobId FakeAggregator::wait_for_job() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return !jobs_.empty(); });
  return jobs_.empty() ? 0 : jobs_.rbegin()->first;
}

bool FakeAggregator::wait_for_jobs(size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return jobs_.size() >= count; });
}

bool FakeAggregator::wait_for_tasks(JobId job, size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return jobs_[job].tasks.size() >= count; });
}

FakeJob FakeAggregator::job(JobId id) {
  const std::lock_guard lock(mutex_);
  return jobs_.at(id);
}

void FakeAggregator::on_task(std::function<void(TaskKey)> handler) {
  const std::lock_guard lock(mutex_);
  on_task_ = std::move(handler);
}

void FakeAggregator::set_note(const std::string& note) {
  const std::lock_guard lock(mutex_);
  note_ = note;
}

size_t FakeAggregator::jobs() {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

std::vector<std::string> FakeAggregator::paths() {
  const std::lock_guard lock(mutex_);
  return paths_;
}

std::vector<std::pair<std::string, json>> FakeAggregator::posts() {
  const std::lock_guard lock(mutex_);
  return posts_;
}

}  // namespace bramble::cli::testing
