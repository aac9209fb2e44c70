// job explain: why tasks are not done yet, or how they ended.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxWordsAsked = 50;  // each is a question to the aggregator

Result<json> explain_one(Api& api, JobId job, const std::optional<TaskIndex>& task) {
  return api.get(fmt::format("/api/v1/jobs/{}/explain", job) + (task ? fmt::format("?task={}", *task) : ""));
}

Status add_place(Api& api, const JobPlace& place, json& all) {
  const auto numbers = select_numbers(api, place.selector);
  if (!numbers) return tl::unexpected(numbers.error());
  for (const JobId number : *numbers) {
    auto explained = explain_one(api, number, place.task);
    if (!explained) return tl::unexpected(explained.error());
    all.push_back(std::move(*explained));
  }
  return {};
}

bool waits(const json& job) {
  const ProgressCounts counts = counts_field(job);
  const std::string state = text_field(job, "state");
  return (state == "waiting" || state == "running") && counts.ended() + counts.running < counts.total;
}

// The word for what holds up the most of its tasks.
std::string waiting_word(const json& explained) {
  for (const json& reason : explained.value("reasons", json::array())) {
    const std::string word = text_field(reason, "reason");
    if (word != "running") return word;
  }
  return "";
}

}  // namespace

void add_waiting_words(Api& api, json& jobs) {
  size_t asked = 0;
  for (auto job = jobs.rbegin(); job != jobs.rend() && asked < kMaxWordsAsked; ++job) {
    if (!waits(*job)) continue;
    ++asked;
    const auto explained = explain_one(api, static_cast<JobId>(number_field(*job, "job")), {});
    if (explained) (*job)["waits"] = waiting_word(*explained);
  }
}

Result<int> job_explain(const Session& session, const JobExplainCommand& command) {
  Api api = session.connect();
  json all = json::array();
  for (const JobPlace& place : command.places) {
    if (auto status = add_place(api, place, all); !status) return tl::unexpected(status.error());
  }
  if (session.common.json) return printed(session, all.dump() + "\n");
  std::string text;
  for (const json& explained : all) text += explanation_text(explained, session.console.columns());
  return printed(session, text);
}

}  // namespace bramble::cli
