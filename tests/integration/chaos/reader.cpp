#include "reader.hpp"

#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "task_text.hpp"

namespace bramble::test::chaos {
namespace {

using nlohmann::json;

cli::Endpoint endpoint_of(const std::string& url) {
  auto endpoint = cli::parse_url(url);
  if (!endpoint) throw std::runtime_error(endpoint.error().message);
  return *endpoint;
}

uint64_t number_of(const json& object, const char* field) {
  const auto known = object.find(field);
  return known != object.end() && known->is_number_unsigned() ? known->get<uint64_t>() : 0;
}

std::string text_of(const json& object, const char* field) {
  const auto known = object.find(field);
  return known != object.end() && known->is_string() ? known->get<std::string>() : "";
}

TaskSeen task_of(uint64_t job, const json& task) {
  TaskSeen seen{job, number_of(task, "task"), text_of(task, "state"), number_of(task, "committed_attempt"), {}, {}, {}};
  for (const json& one : task.value("tries", json::array())) {
    seen.nodes.push_back(text_of(one, "node"));
    const bool began = !one.value("started_ms", json()).is_null();
    ++seen.tries[text_of(one, "outcome") + (began ? "" : ", never began")];
  }
  return seen;
}

tl::unexpected<Error> failure_of(const Result<cli::HttpReply>& reply) {
  if (!reply) return tl::unexpected(reply.error());
  return fail(reply->status == 404 ? ErrorCode::not_found : ErrorCode::unavailable, reply->body);
}

}  // namespace

std::optional<Output> parse_output(const std::string& text) {
  std::istringstream words(text);
  std::string chaos;
  Output output;
  uint64_t bytes = 0;
  if (!(words >> chaos >> output.name.job >> output.name.task >> output.name.attempt >> output.nonce >> bytes)) {
    return std::nullopt;
  }
  const std::string name = std::to_string(output.name.job) + " " + std::to_string(output.name.task) + " " +
                           std::to_string(output.name.attempt);
  output.whole =
      bytes < text.size() && text == task_text_head(name, output.nonce, bytes) + task_text_tail(output.nonce);
  return output;
}

Reader::Reader(const std::string& url) : client_(endpoint_of(url)) {}

Result<json> Reader::get(const std::string& path) {
  const auto reply = client_.get(path, 0);
  if (!reply || reply->status != 200) return failure_of(reply);
  return json::parse(reply->body, nullptr, false);
}

Result<std::map<uint64_t, std::string>> Reader::states(const std::vector<uint64_t>& jobs) {
  std::map<uint64_t, std::string> states;
  std::string selector;
  for (const uint64_t job : jobs) selector += (selector.empty() ? "" : ",") + std::to_string(job);
  if (jobs.empty()) return states;
  const auto listed = get("/api/v1/jobs?limit=10000&select=" + selector);
  if (!listed && listed.error().code == ErrorCode::not_found) return states;
  if (!listed) return tl::unexpected(listed.error());
  for (const json& job : *listed) states.emplace(number_of(job, "job"), text_of(job, "state"));
  return states;
}

Result<JobSeen> Reader::job(uint64_t number, const std::function<bool()>& wants_output) {
  const std::string path = "/api/v1/jobs/" + std::to_string(number);
  const auto job = get(path);
  if (!job) return tl::unexpected(job.error());
  const auto tasks = get(path + "/tasks");
  if (!tasks) return tl::unexpected(tasks.error());
  JobSeen seen{number, text_of(*job, "state"), {}};
  for (const json& task : *tasks) {
    TaskSeen& last = seen.tasks.emplace_back(task_of(number, task));
    if (last.state != "succeeded" || !wants_output()) continue;
    const auto said = output(number, last.task);
    if (!said) return tl::unexpected(said.error());
    last.output = *said;
  }
  return seen;
}

// In steps, for a reply has its limit.
Result<std::optional<Output>> Reader::output(uint64_t job, uint64_t task) {
  const std::string path =
      "/api/v1/jobs/" + std::to_string(job) + "/tasks/" + std::to_string(task) + "/output/stdout?wait_s=0&offset=";
  std::string text;
  while (true) {
    const auto reply = client_.get(path + std::to_string(text.size()), 0);
    if (!reply || reply->status != 200) return failure_of(reply);
    text += reply->body;
    const auto size = reply->headers.find("x-bramble-size");
    const bool all = size == reply->headers.end() || text.size() >= std::stoull(size->second);
    if (all || reply->body.empty()) return parse_output(text);
  }
}

bool Reader::forget(uint64_t job) {
  const auto reply =
      client_.post("/api/v1/jobs/forget", json{{"jobs", std::to_string(job)}}.dump(), "application/json");
  return reply && (reply->status == 200 || reply->status == 404);
}

}  // namespace bramble::test::chaos
