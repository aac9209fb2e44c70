#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/power_view.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

tl::unexpected<Error> not_understood() {
  return tl::unexpected<Error>(Error{ErrorCode::corrupt, "the aggregator's answer about power is not understood"});
}

}  // namespace

Result<int> power_status(const Session& session, const PowerStatusCommand& command) {
  Api api = session.connect();
  const auto status = api.get("/api/v1/power?nodes=" + url_encoded(command.nodes));
  if (!status) return tl::unexpected(status.error());
  if (!is_power_status(*status)) return not_understood();
  if (session.common.json) return printed(session, status->dump() + "\n");
  return printed(session, power_text(*status, session.console.columns()) + power_remarks(*status));
}

Result<int> power_switch(const Session& session, const PowerSwitchCommand& command) {
  Api api = session.connect();
  const auto reply =
      api.post("/api/v1/power/switch",
               {{"nodes", command.nodes}, {"to", command.to}, {"how", command.how}, {"reason", command.reason}});
  if (!reply) return tl::unexpected(reply.error());
  if (!is_power_status(*reply)) return not_understood();
  if (session.common.json) return printed(session, (*reply)["nodes"].dump() + "\n");
  return printed(session, switched_text((*reply)["nodes"]));
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
  if (!reply) return tl::unexpected(reply.error());
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  return printed(session, fold_node_set(texts_in(nodes)) + ": no fault any more, the lines are read\n");
}

Result<int> audit(const Session& session, const AuditCommand& command) {
  Api api = session.connect();
  const auto rows =
      api.get("/api/v1/audit?nodes=" + url_encoded(command.nodes) + "&since_ms=" + std::to_string(command.since_ms) +
              "&limit=" + std::to_string(command.limit));
  if (!rows) return tl::unexpected(rows.error());
  if (!rows->is_array()) return not_understood();
  if (session.common.json) return printed(session, rows->dump() + "\n");
  return printed(session, audit_text(*rows, session.console.columns()));
}

}  // namespace bramble::cli
