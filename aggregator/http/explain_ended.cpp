#include "aggregator/http/explain_ended.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace bramble::aggregator::http {
namespace {

using OutJson = nlohmann::ordered_json;

constexpr size_t kMaxGroups = 20;
constexpr size_t kMostSentences = 5;  // of one kind of ending: each call may be refused in words of its own

struct Ending {
  std::string word;  // the task's state
  std::string text;
  std::string detail;
  std::string said;  // by the node besides
};

std::string dump(const OutJson& json) { return json.dump(-1, ' ', false, OutJson::error_handler_t::replace); }

std::string outcome_text(const AttemptRow& row) {
  if (!row.result) return row.outcome;
  const wire::Finished& result = *row.result;
  switch (result.outcome) {
    case wire::Outcome::exited:
      return "exit status " + std::to_string(result.code);
    case wire::Outcome::signaled:
      return "ended by signal " + std::to_string(result.signal);
    case wire::Outcome::timed_out:
      return "its time limit was over";
    case wire::Outcome::memory:
      return "it needed more memory than its limit";
    case wire::Outcome::start_failed:
      return "it could not be started: " + result.text;
    default:
      return row.outcome;
  }
}

// The attempt that decided: the committed one, else the last.
const AttemptRow* deciding(const TaskRow& task) {
  const auto committed = std::find_if(task.attempts.begin(), task.attempts.end(),
                                      [](const AttemptRow& attempt) { return attempt.committed; });
  if (committed != task.attempts.end()) return &*committed;
  return task.attempts.empty() ? nullptr : &task.attempts.back();
}

// "NUMBER" and what follows it, off the front of the text; false: it does not begin so.
bool remove_number_and(std::string_view& text, std::string_view follows) {
  const size_t end = text.find_first_not_of("0123456789");
  if (end == 0 || end == std::string_view::npos || !text.substr(end).starts_with(follows)) return false;
  text.remove_prefix(end + follows.size());
  return true;
}

// What the node says of a batch of calls (agent/warden/call_run.cpp), without what differs from batch to batch:
// "3 of 10 calls failed; call 7: no such file" is "no such file".
std::string without_call_numbers(std::string_view text) {
  std::string_view rest = text;
  if (remove_number_and(rest, " of ") && remove_number_and(rest, " calls failed; ")) text = rest;
  rest = text;
  if (rest.starts_with("call ")) {
    rest.remove_prefix(5);
    if (remove_number_and(rest, ": ")) text = rest;
  }
  return std::string(text);
}

Ending ending_of(const TaskRow& task) {
  Ending ending{std::string(to_string(task.record.state)), "", "", ""};
  const AttemptRow* attempt = deciding(task);
  if (!is_final(task.record.state)) {
    ending.text = "its end is being written: ask again";
  } else if (attempt == nullptr) {
    ending.text = "cancelled before it was started";
  } else {
    const std::string outcome = outcome_text(*attempt);
    ending.text = outcome == ending.word ? outcome : ending.word + ": " + outcome;
    ending.detail = "on node " + attempt->record.node + ", attempt " + std::to_string(attempt->record.key.attempt) +
                    " of " + std::to_string(task.record.attempts);
    const bool said = attempt->result && !attempt->result->text.empty();
    const bool has_said = said && attempt->result->outcome != wire::Outcome::start_failed;
    if (has_said) {
      ending.detail += ": " + attempt->result->text;
      ending.said = attempt->result->text;
    }
  }
  return ending;
}

OutJson group_json(const Ending& ending, uint64_t tasks, TaskIndex example) {
  return {
      {"reason", ending.word}, {"tasks", tasks}, {"task", example}, {"text", ending.text}, {"detail", ending.detail}};
}

struct Group {
  Ending ending;  // the first one's
  uint64_t tasks = 0;
  TaskIndex example = 0;
  std::string sentence;  // that all of them said, besides the numbers of calls
  bool is_rest = false;  // each said something else

  bool is_alike(const Ending& other) const { return ending.word == other.word && ending.text == other.text; }
};

std::string group_text(const Group& group) {
  const std::string& text = group.ending.text;
  if (group.is_rest) {
    return text + ", for other reasons; task " + std::to_string(group.example) + ": " + group.ending.said;
  }
  const std::string& told = group.tasks == 1 ? group.ending.said : group.sentence;
  return told.empty() ? text : text + ": " + told;
}

// Tasks that ended alike are told apart by what their nodes said, as long as that is not too much to read. False: there
// are too many groups for one more.
bool count(std::vector<Group>& groups, Ending ending, TaskIndex task) {
  const std::string sentence = without_call_numbers(ending.said);
  const auto is_alike = [&](const Group& group) { return group.is_alike(ending); };
  const auto alike = static_cast<size_t>(std::count_if(groups.begin(), groups.end(), is_alike));
  auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
    return is_alike(group) && !group.is_rest && group.sentence == sentence;
  });
  const bool is_rest = found == groups.end() && alike >= kMostSentences;
  if (is_rest) {
    found = std::find_if(groups.begin(), groups.end(),
                         [&](const Group& group) { return is_alike(group) && group.is_rest; });
  }
  if (found != groups.end()) {
    ++found->tasks;
    return true;
  }
  if (groups.size() >= kMaxGroups) return false;
  groups.push_back({std::move(ending), 1, task, sentence, is_rest});
  return true;
}

// What has ended and is in no group: tasks that have no row because they were never started, unless failed ones are
// among them.
Ending ending_of_rest(const JobProgress& progress, std::span<const TaskRow> tasks, bool is_grouped) {
  const auto is_failed = [](const TaskRow& task) { return task.record.state == TaskState::failed; };
  const auto failures = static_cast<uint64_t>(std::count_if(tasks.begin(), tasks.end(), is_failed));
  if (!is_grouped) return {"other", "failed or cancelled in yet other ways", "", ""};
  if (failures == progress.counts.failed) return {"cancelled", "cancelled before they were started", "", ""};
  return {"other", "failed or cancelled, beyond the first tasks looked at", "", ""};
}

}  // namespace

std::string render_ended_task(const JobRow& job, TaskIndex index, const TaskRow* task) {
  const Ending never{"cancelled", "cancelled before it was started", "", ""};
  const Ending ending = task ? ending_of(*task) : never;
  return dump({{"job", job.record.id},
               {"task", index},
               {"state", ending.word},
               {"reasons", OutJson::array({group_json(ending, 1, index)})}});
}

std::string render_ended_job(const JobRow& job, std::span<const TaskRow> tasks) {
  const auto& progress = job.record.progress;
  std::vector<Group> groups;
  bool is_grouped = true;
  for (const TaskRow& task : tasks) {
    if (task.record.state == TaskState::succeeded) continue;
    is_grouped = count(groups, ending_of(task), task.record.key.task) && is_grouped;
  }
  OutJson reasons = OutJson::array();
  if (progress.counts.succeeded > 0) {
    reasons.push_back(group_json({"succeeded", "succeeded", "", ""}, progress.counts.succeeded, 0));
  }
  uint64_t counted = progress.counts.succeeded;
  for (Group& group : groups) {
    group.ending.text = group_text(group);
    reasons.push_back(group_json(group.ending, group.tasks, group.example));
    counted += group.tasks;
  }
  const uint64_t ended = progress.counts.ended();
  if (counted < ended) {
    reasons.push_back(group_json(ending_of_rest(progress, tasks, is_grouped), ended - counted, 0));
  }
  return dump({{"job", job.record.id},
               {"task", nullptr},
               {"state", to_string(progress.state)},
               {"total", progress.counts.total},
               {"ended", ended},
               {"reasons", std::move(reasons)}});
}

}  // namespace bramble::aggregator::http
