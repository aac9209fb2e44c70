#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/doctor_view.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/node_selection.hpp"

namespace bramble::cli {

Result<int> node_doctor(const Session& session, const NodeDoctorCommand& command) {
  Api api = session.connect();
  const auto answer = api.get("/api/v1/nodes/doctor?nodes=" + url_encoded(command.nodes));
  if (!answer) return tl::unexpected(naming_unknown(api, command.nodes, answer.error()));
  if (!is_examination(*answer)) {
    return fail(ErrorCode::corrupt, "the aggregator's answer about what is amiss is not understood");
  }
  const std::string text =
      session.common.json ? answer->dump() + "\n" : doctor_text(*answer, command.all, session.console.columns());
  const auto shown = printed(session, text);
  if (!shown) return shown;
  return has_problem(*answer) ? kWorkFailed : kGood;
}

}  // namespace bramble::cli
