#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/energy_view.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/question.hpp"
#include "aggregator/cli/text.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

std::string energy_path(const EnergyCommand& command, const std::string& query_id) {
  return "/api/v1/energy?by=" + command.by + "&nodes=" + url_encoded(command.nodes) +
         "&jobs=" + url_encoded(command.jobs) + "&since_ms=" + std::to_string(command.since_ms) +
         "&until_ms=" + std::to_string(command.until_ms) + "&time_limit_ms=" + std::to_string(command.time_limit_ms) +
         "&query_id=" + query_id;
}

// What the times were rounded to, and what is not in the table's columns.
std::string heading(const json& answer, const EnergyCommand& command) {
  std::string text = fmt::format("from {} to {}", clock_text(number_field(answer, "since_ms")),
                                 clock_text(number_field(answer, "until_ms")));
  if (text_field(answer, "tier") == "hour") text += ", whole hours: minutes are not kept for so long";
  if (command.price) text += fmt::format(", at {:.2f}/kWh", *command.price);
  return text + "\n";
}

}  // namespace

Result<int> energy(const Session& session, const EnergyCommand& command) {
  auto asked = ask_question(session, [&](Api& api, const std::string& query_id) {
    return api.get(energy_path(command, query_id), command.time_limit_ms / 1000);
  });
  if (asked.signal != 0) return kSignalBase + asked.signal;
  if (!asked.answer) return tl::unexpected(in_options(asked.answer.error()));
  json& answer = *asked.answer;
  if (!is_energy_answer(answer))
    return fail(ErrorCode::corrupt, "the aggregator's answer to the question is not understood");
  if (command.price) add_costs(answer, *command.price);
  if (session.common.json || command.format == "json") return printed(session, answer.dump() + "\n");
  if (command.format == "csv") return printed(session, energy_csv(answer, command.price, command.by));
  return printed(session, heading(answer, command) +
                              energy_table(answer, command.price, command.by).render(session.console.columns()));
}

}  // namespace bramble::cli
