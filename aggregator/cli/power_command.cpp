#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/node_selection.hpp"
#include "aggregator/cli/power_choice.hpp"
#include "aggregator/cli/power_view.hpp"
#include "aggregator/cli/power_wait.hpp"
#include "common/base/duration.hpp"
#include "common/base/node_set.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kLookEveryMs = 1'000;
constexpr size_t kMaxNamedUnknown = 8;

tl::unexpected<Error> not_understood() {
  return tl::unexpected<Error>(Error{ErrorCode::corrupt, "the aggregator's answer about power is not understood"});
}

// Until the next look, or Ctrl-C.
class Waiting {
 public:
  bool pause() {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, std::chrono::milliseconds(kLookEveryMs), [this] { return interrupted_; });
  }
  int signal() const { return interrupts_.signal(); }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool interrupted_ = false;
  Interrupts interrupts_{[this] {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    wake_.notify_all();
  }};
};

Result<int> wait_for_power(const Session& session, Api& api, const PowerSwitchCommand& command, const json& nodes,
                           Waiting& waiting) {
  const MonoTime begun = posix::mono_now();
  PowerWait wait(command.to, nodes, begun);
  while (true) {
    const auto status = api.get("/api/v1/power");
    if (!status) return tl::unexpected(status.error());
    if (!is_power_status(*status)) return not_understood();
    const MonoTime now = posix::mono_now();
    for (const std::string& sentence : wait.look((*status)["nodes"], now)) session.console.say(sentence);
    if (wait.is_over()) return wait.has_failed() ? kWorkFailed : kGood;
    if (command.timeout_ms > 0 && now - begun >= command.timeout_ms) {
      session.console.say("not there after " + format_duration(command.timeout_ms) + ": " + wait.rest() +
                          "; what was asked for stands");
      return kWorkFailed;
    }
    if (!waiting.pause()) {
      session.console.say("no longer waiting; what was asked for stands (bramble power status shows how far it is)");
      return kSignalBase + waiting.signal();
    }
  }
}

}  // namespace

Result<int> power_status(const Session& session, const PowerStatusCommand& command) {
  Api api = session.connect();
  const auto status = api.get("/api/v1/power?nodes=" + url_encoded(command.nodes));
  if (!status) return tl::unexpected(naming_unknown(api, command.nodes, status.error()));
  if (!is_power_status(*status)) return not_understood();
  if (session.common.json) return printed(session, status->dump() + "\n");
  return printed(session, power_text(*status, session.console.columns()) + power_remarks(*status));
}

Result<int> power_switch(const Session& session, const PowerSwitchCommand& command) {
  std::optional<Waiting> waiting;  // before any thread is started
  if (command.wait) waiting.emplace();
  Api api = session.connect();
  const auto status = api.get("/api/v1/power");
  if (!status) return tl::unexpected(status.error());
  if (!is_power_status(*status)) return not_understood();
  const auto choice = choose_switched(*status, command);
  if (!choice) return tl::unexpected(choice.error());
  const auto reply = api.post(
      "/api/v1/power/switch",
      {{"nodes", fold_node_set(choice->nodes)}, {"to", command.to}, {"how", command.how}, {"reason", command.reason}});
  if (!reply) return tl::unexpected(reply.error());
  if (!is_power_status(*reply)) return not_understood();
  for (const std::string& skipped : choice->skipped) session.console.say(skipped);
  const json& nodes = (*reply)["nodes"];
  const auto shown = printed(session, session.common.json ? nodes.dump() + "\n" : switched_text(nodes));
  if (!shown || !waiting) return shown && choice->skips_fault ? Result<int>(kWorkFailed) : shown;
  const auto waited = wait_for_power(session, api, command, nodes, *waiting);
  return waited && *waited == kGood && choice->skips_fault ? Result<int>(kWorkFailed) : waited;
}

Result<int> power_pause(const Session& session, const PowerPauseCommand& command) {
  Api api = session.connect();
  const auto reply =
      api.post(command.pause ? "/api/v1/power/pause" : "/api/v1/power/resume", {{"reason", command.reason}});
  if (!reply) return tl::unexpected(reply.error());
  if (session.common.json) return printed(session, reply->dump() + "\n");
  return printed(session, command.pause ? "nothing is switched but what people ask for\n" : "the automation goes on\n");
}

Result<int> power_clear(const Session& session, const PowerClearCommand& command) {
  Api api = session.connect();
  const auto reply = api.post("/api/v1/power/clear", {{"nodes", command.nodes}, {"reason", command.reason}});
  if (!reply) return tl::unexpected(naming_unknown(api, command.nodes, reply.error()));
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  return printed(session, fold_node_set(texts_in(nodes)) + ": no fault any more, the lines are read\n");
}

namespace {

std::string audit_path(const std::string& nodes, int64_t since_ms, uint32_t limit) {
  return "/api/v1/audit?nodes=" + url_encoded(nodes) + "&since_ms=" + std::to_string(since_ms) +
         "&limit=" + std::to_string(limit);
}

// The log outlives nodes: a name is wrong only if neither a node nor any row has it.
Status check_audited(Api& api, const std::string& set) {
  if (set.empty()) return {};
  const auto wanted = parse_wanted_nodes(set);
  if (!wanted) return tl::unexpected(wanted.error());
  if (wanted->all) return {};
  const auto status = api.get("/api/v1/power");
  if (!status) return tl::unexpected(status.error());
  if (!is_power_status(*status)) return not_understood();
  NodeSet missing;
  for (const std::string& name : unknown_names((*status)["nodes"], *wanted)) {
    const auto any = api.get(audit_path(name, 0, 1));
    if (!any) return tl::unexpected(any.error());
    if (any->empty()) missing.names.push_back(name);
    if (missing.names.size() == kMaxNamedUnknown) break;
  }
  if (missing.names.empty()) return {};
  return fail(ErrorCode::not_found, "the log has nothing of " + fold_node_set(missing.names) + ": " +
                                        unknown_nodes((*status)["nodes"], missing));
}

}  // namespace

Result<int> audit(const Session& session, const AuditCommand& command) {
  Api api = session.connect();
  if (auto known = check_audited(api, command.nodes); !known) return tl::unexpected(known.error());
  const auto rows = api.get(audit_path(command.nodes, command.since_ms, command.limit));
  if (!rows) return tl::unexpected(rows.error());
  if (!rows->is_array()) return not_understood();
  if (session.common.json) return printed(session, rows->dump() + "\n");
  return printed(session, audit_text(*rows, session.console.columns()));
}

}  // namespace bramble::cli
