#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/node_selection.hpp"
#include "aggregator/cli/question.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/node_set.hpp"
#include "common/posix/system_clock.hpp"
#include "common/wire/power_model.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kMaxPoints = 8'000;
constexpr int64_t kMinBucketMs = 10'000;
constexpr int64_t kTimeLimitMs = 30'000;

struct Calibration {
  wire::PowerModel power;
  std::string story;  // where it comes from; empty: a person said it
};

// Means over short times: of a line they lie on the line. The clock's highest is the highest that was seen.
std::string points_sql(const std::string& node, int64_t since_ms, int64_t bucket_ms) {
  const std::string readings = fmt::format("FROM telemetry WHERE node = '{}' AND time_us >= {}", node, since_ms * 1000);
  return fmt::format(
      "SELECT avg(cpu_busy_ratio * coalesce(cpu_frequency_hz * 1.0 / (SELECT max(cpu_frequency_hz) {0}), 1)), "
      "avg(power_w) {0} AND power_measured AND power_w IS NOT NULL AND cpu_busy_ratio IS NOT NULL "
      "GROUP BY time_us / {1}",
      readings, bucket_ms * 1000);
}

std::vector<wire::MeteredPoint> points_of(const json& answer) {
  std::vector<wire::MeteredPoint> points;
  for (const json& row : answer.value("rows", json::array())) {
    if (!row.is_array() || row.size() != 2 || !row[0].is_number() || !row[1].is_number()) continue;
    points.push_back({row[0].get<double>(), row[1].get<double>()});
  }
  return points;
}

// How far the readings lie from the line, as a root of the mean square.
double rest_w(const wire::PowerModel& power, const std::vector<wire::MeteredPoint>& points) {
  double sum = 0;
  for (const auto& point : points) sum += std::pow(wire::modelled_power_w(power, point.load, 1) - point.power_w, 2);
  return std::sqrt(sum / static_cast<double>(points.size()));
}

// Perhaps there is no such node at all.
Result<Calibration> without_points(const Session& session, const NodeCalibrateCommand& command) {
  Api api = session.connect();
  const auto nodes = all_nodes(api);
  if (!nodes) return tl::unexpected(nodes.error());
  if (const auto chosen = choose_nodes(*nodes, command.from); !chosen) return tl::unexpected(chosen.error());
  return fail(ErrorCode::not_found,
              command.from + " has told no measured watts in this time: is it a node with a meter?");
}

Result<Calibration> fitted(const std::vector<wire::MeteredPoint>& points, const NodeCalibrateCommand& command) {
  const auto power = wire::fit_power_model(points);
  if (!power) return fail(ErrorCode::not_found, command.from + ": " + power.error().message);
  return Calibration{*power, fmt::format(", fitted to {} of {} (off by {:.2f} W)", count_text(points.size(), "reading"),
                                         command.from, rest_w(*power, points))};
}

Result<int> send(const Session& session, const NodeCalibrateCommand& command, const std::optional<Calibration>& said) {
  json body = {{"nodes", command.nodes}};
  if (said) {
    body["idle_w"] = said->power.idle_w;
    body["busy_w"] = said->power.busy_w;
  } else {
    body["clear"] = true;
  }
  Api api = session.connect();
  const auto reply = api.post("/api/v1/nodes/calibrate", body);
  if (!reply) return tl::unexpected(naming_unknown(api, command.nodes, in_options(reply.error())));
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  const std::string names = fold_node_set(texts_in(nodes));
  if (!said) return printed(session, names + " as the board: calibration taken back\n");
  return printed(session, fmt::format("{}: {:.2f} W at rest, {:.2f} W with all cores busy{}\n", names,
                                      said->power.idle_w, said->power.busy_w, said->story));
}

}  // namespace

Result<int> node_calibrate(const Session& session, const NodeCalibrateCommand& command) {
  if (command.clear) return send(session, command, std::nullopt);
  if (command.from.empty()) return send(session, command, Calibration{{*command.idle_w, *command.busy_w}, ""});
  const int64_t bucket_ms = std::max(kMinBucketMs, command.lookback_ms / kMaxPoints + 1);
  const auto asked = ask_question(session, [&](Api& api, const std::string& query_id) {
    return api.post("/api/v1/query",
                    {{"sql", points_sql(command.from, posix::wall_now().ms - command.lookback_ms, bucket_ms)},
                     {"time_limit_ms", kTimeLimitMs},
                     {"query_id", query_id}});
  });
  if (asked.signal != 0) return kSignalBase + asked.signal;
  if (!asked.answer && asked.answer.error().code == ErrorCode::limit) {
    return fail(ErrorCode::limit, "reading what " + command.from + " told takes too long: give a shorter --lookback");
  }
  if (!asked.answer) return tl::unexpected(asked.answer.error());
  const auto points = points_of(*asked.answer);
  const auto calibration = points.empty() ? without_points(session, command) : fitted(points, command);
  if (!calibration) return tl::unexpected(calibration.error());
  return send(session, command, *calibration);
}

}  // namespace bramble::cli
