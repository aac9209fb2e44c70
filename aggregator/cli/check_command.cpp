#include <nlohmann/json.hpp>

#include "aggregator/cli/check_rules.hpp"
#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/node_selection.hpp"

namespace bramble::cli {

Result<int> check(const Session& session, const CheckCommand& command) {
  Api api = session.connect();
  const auto health = api.get("/api/v1/health");
  if (!health) return tl::unexpected(health.error());
  const auto all = all_nodes(api);
  if (!all) return tl::unexpected(all.error());
  const auto nodes = choose_nodes(*all, command.nodes);
  if (!nodes) return tl::unexpected(nodes.error());
  const CheckResult result = check_cluster(*health, *nodes, command);
  const std::string text = check_text(result.line, session.console.columns());
  if (auto status = session.console.print(text); !status) return tl::unexpected(status.error());
  return result.status;
}

}  // namespace bramble::cli
