// node add: identities of nodes, as files that are carried to them. node remove.
#include <unistd.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "common/base/node_set.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr const char* kStandardOutput = "-";

std::string path_for(const NodeAddCommand& command, const std::string& node, bool several) {
  if (command.output.empty()) return node + ".join";
  return several ? command.output + "/" + node + ".join" : command.output;
}

// What was made and cannot be kept is of no use to anybody.
tl::unexpected<Error> not_kept(const std::string& node, const Error& error) {
  return fail(error.code, error.message + "; node " + node +
                              " has an identity now that nobody holds: run the command again with --replace");
}

Status keep(const Session& session, const std::string& node, const std::string& path, const std::string& text) {
  if (path == kStandardOutput) {
    if (Status printed = session.console.print(text); !printed) return not_kept(node, printed.error());
    return {};
  }
  if (Status written = posix::write_file_atomically(path, text, {.mode = 0600, .sync = true}); !written) {
    return not_kept(node, written.error());
  }
  if (session.common.json) return {};
  session.console.say(
      fmt::format("{} holds the identity of node {}. Carry it there; then, on {} as root: bramble-agent "
                  "--join {}, and remove the file",
                  path, node, node, path.substr(path.rfind('/') + 1)));
  return {};
}

}  // namespace

Result<int> node_add(const Session& session, const NodeAddCommand& command) {
  const auto names = expand_node_set(command.nodes);
  if (!names) return tl::unexpected(names.error());
  const bool several = names->size() > 1;
  const bool to_pipe = command.output == kStandardOutput || (command.output.empty() && ::isatty(STDOUT_FILENO) == 0);
  if (several && to_pipe) return fail("several nodes need a folder for their files: --output DIRECTORY");
  if (several && !command.output.empty()) {
    if (Status made = posix::make_directories(command.output, 0700); !made) return tl::unexpected(made.error());
  }
  Api api = session.connect();
  json added = json::array();
  for (const std::string& node : *names) {
    const auto reply = api.post("/api/v1/nodes/add", {{"node", node}, {"replace", command.replace}});
    if (!reply) return tl::unexpected(reply.error());
    const std::string path = to_pipe ? kStandardOutput : path_for(command, node, several);
    if (Status kept = keep(session, node, path, reply->value("join", "")); !kept) {
      return tl::unexpected(kept.error());
    }
    added.push_back({{"node", node}, {"file", path}, {"not_after_ms", reply->value("not_after_ms", int64_t{0})}});
  }
  if (session.common.json && !to_pipe) return printed(session, added.dump() + "\n");
  return kGood;
}

Result<int> node_remove(const Session& session, const NodeRemoveCommand& command) {
  const auto names = expand_node_set(command.nodes);
  if (!names) return tl::unexpected(names.error());
  Api api = session.connect();
  json body = {{"nodes", command.nodes}, {"force", command.force}};
  if (!command.reason.empty()) body["reason"] = command.reason;
  const auto reply = api.post("/api/v1/nodes/remove", body);
  if (!reply) return tl::unexpected(reply.error());
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  return printed(session, fmt::format("removed {}: its certificates are revoked\n", fold_node_set(texts_in(nodes))));
}

}  // namespace bramble::cli
