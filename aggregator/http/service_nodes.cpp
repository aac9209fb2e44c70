// Requests about nodes: which are meant, draining, calibration, power.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "aggregator/http/render.hpp"
#include "aggregator/http/requests.hpp"
#include "aggregator/http/service.hpp"
#include "common/base/nearest.hpp"

namespace bramble::aggregator::http {
namespace {

using Names = std::vector<std::string>;

constexpr uint64_t kMaxAuditRows = 10'000;
constexpr uint64_t kAuditRows = 1'000;

struct KnownNodes {
  Names all;
  Names lined;  // those with lines, where the listing tells
};

// Of the listing of nodes, or of that of their power.
KnownNodes known_nodes(const std::string& listing) {
  KnownNodes known;
  auto nodes = nlohmann::json::parse(listing, nullptr, false);
  if (nodes.is_object()) nodes = nodes.value("nodes", nlohmann::json::array());
  if (!nodes.is_array()) return known;
  for (const auto& node : nodes) {
    if (!node.is_object() || !node.contains("node") || !node["node"].is_string()) continue;
    known.all.push_back(node["node"]);
    if (!node.value("lines", nlohmann::json::array()).empty()) known.lined.push_back(node["node"]);
  }
  return known;
}

Result<Names> choose_nodes(const NodeSet& wanted, const Names& known, const Names& all) {
  for (const std::string& name : wanted.names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return fail(ErrorCode::not_found, unknown("node", name, known));
    }
  }
  return wanted.all ? all : wanted.names;
}

}  // namespace

void Service::ask_of_nodes(const Caller& caller, const NodeSet& wanted, const Answer& answer,
                           const std::function<ApiCall(Names names)>& make) {
  choose_and_ask(caller, NodesRequest{}, answer, [wanted, make](const std::string& listing) -> Result<ApiCall> {
    const KnownNodes known = known_nodes(listing);
    auto names = choose_nodes(wanted, known.all, known.all);
    if (!names) return tl::unexpected<Error>(names.error());
    return make(std::move(*names));
  });
}

void Service::ask_of_lined_nodes(const Caller& caller, const NodeSet& wanted, const Answer& answer,
                                 const std::function<ApiCall(Names names)>& make) {
  choose_and_ask(caller, PowerStatusRequest{}, answer, [wanted, make](const std::string& listing) -> Result<ApiCall> {
    const KnownNodes known = known_nodes(listing);
    if (wanted.all && known.lined.empty()) {
      return fail(ErrorCode::not_found, "no node hangs on a line: give them lines in aggregator.toml, as [[line]]");
    }
    auto names = choose_nodes(wanted, known.all, known.lined);
    if (!names) return tl::unexpected<Error>(names.error());
    return make(std::move(*names));
  });
}

void Service::choose_and_ask(const Caller& caller, ApiCall listing, const Answer& answer,
                             const std::function<Result<ApiCall>(const std::string& listing)>& choose) {
  const auto chosen = [self = shared_from_this(), answer, caller, choose](const std::string& body) {
    auto call = choose(body);
    if (!call) return answer(error_reply(call.error()));
    self->ask_and_answer(caller, std::move(*call), answer);
  };
  ask(caller, std::move(listing), limits_.port_timeout_ms, [self = shared_from_this(), answer, chosen](ApiReply reply) {
    if (reply.http_status != 200) return answer(json_reply(std::move(reply.body), reply.http_status));
    self->run(self->work_pool_, answer, [chosen, body = std::move(reply.body)] { chosen(body); });
  });
}

void Service::add_node(const Route&, HttpRequest& request, const Answer& answer) {
  auto adding = parse_add_node(request.body);
  if (!adding) return answer(error_reply(adding.error()));
  ask_and_answer(request.caller, AddNodeRequest{std::move(adding->node), adding->replace}, answer);
}

// Also one that was added and never came.
void Service::remove_nodes(const Route&, HttpRequest& request, const Answer& answer) {
  auto removing = parse_remove_nodes(request.body);
  if (!removing) return answer(error_reply(removing.error()));
  ask_and_answer(request.caller,
                 RemoveNodesRequest{std::move(removing->nodes.names), removing->force, std::move(removing->reason)},
                 answer);
}

void Service::set_drained(const Route& route, HttpRequest& request, const Answer& answer) {
  const auto draining = parse_drain(request.body);
  if (!draining) return answer(error_reply(draining.error()));
  const bool drain = route.endpoint == Endpoint::drain;
  ask_of_nodes(request.caller, draining->nodes, answer, [drain, reason = draining->reason](Names names) {
    return DrainRequest{std::move(names), drain, reason};
  });
}

void Service::calibrate(const Route&, HttpRequest& request, const Answer& answer) {
  const auto calibrating = parse_calibrate(request.body);
  if (!calibrating) return answer(error_reply(calibrating.error()));
  ask_of_nodes(request.caller, calibrating->nodes, answer, [power = calibrating->power](Names names) {
    return CalibrateRequest{std::move(names), power};
  });
}

void Service::show_power(const Route&, HttpRequest& request, const Answer& answer) {
  const Params params(request.params, {"nodes"});
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto nodes = parse_nodes_param(params.text("nodes"));
  if (!nodes) return answer(error_reply(nodes.error()));
  if (nodes->all) return ask_and_answer(request.caller, PowerStatusRequest{}, answer);
  choose_and_ask(request.caller, PowerStatusRequest{}, answer,
                 [wanted = *nodes](const std::string& listing) -> Result<ApiCall> {
                   const KnownNodes known = known_nodes(listing);
                   auto names = choose_nodes(wanted, known.all, known.all);
                   if (!names) return tl::unexpected<Error>(names.error());
                   return PowerStatusRequest{std::move(*names)};
                 });
}

void Service::examine_nodes(const Route&, HttpRequest& request, const Answer& answer) {
  const Params params(request.params, {"nodes"});
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto nodes = parse_nodes_param(params.text("nodes"));
  if (!nodes) return answer(error_reply(nodes.error()));
  choose_and_ask(request.caller, PowerStatusRequest{}, answer,
                 [this, wanted = *nodes](const std::string& listing) -> Result<ApiCall> {
                   const KnownNodes known = known_nodes(listing);
                   auto names = choose_nodes(wanted, known.all, known.all);
                   if (!names) return tl::unexpected<Error>(names.error());
                   return DoctorRequest{std::move(*names), backend_.examine()};
                 });
}

void Service::switch_power(const Route&, HttpRequest& request, const Answer& answer) {
  const auto switching = parse_switch(request.body);
  if (!switching) return answer(error_reply(switching.error()));
  ask_of_lined_nodes(request.caller, switching->nodes, answer, [switching = *switching](Names names) {
    return PowerRequest{std::move(names), switching.act, switching.how, switching.reason};
  });
}

void Service::pause_power(const Route& route, HttpRequest& request, const Answer& answer) {
  auto reason = parse_reason(request.body);
  if (!reason) return answer(error_reply(reason.error()));
  const bool pause = route.endpoint == Endpoint::pause_power;
  ask_and_answer(request.caller, PowerPauseRequest{pause, std::move(*reason)}, answer);
}

void Service::clear_faults(const Route&, HttpRequest& request, const Answer& answer) {
  const auto clearing = parse_drain(request.body);  // nodes and a reason
  if (!clearing) return answer(error_reply(clearing.error()));
  ask_of_lined_nodes(request.caller, clearing->nodes, answer, [reason = clearing->reason](Names names) {
    return ClearFaultRequest{std::move(names), reason};
  });
}

void Service::show_audit(const Route&, HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"nodes", "since_ms", "limit"});
  AuditFilter filter;
  filter.since = {static_cast<int64_t>(params.number("since_ms", 0, 0, std::numeric_limits<int64_t>::max()))};
  filter.limit = static_cast<size_t>(params.number("limit", kAuditRows, 1, kMaxAuditRows));
  if (!params.status()) return answer(error_reply(params.status().error()));
  auto nodes = parse_nodes_param(params.text("nodes"));
  if (!nodes) return answer(error_reply(nodes.error()));
  if (!nodes->all) filter.nodes = std::move(nodes->names);
  const auto rows = backend_.jobs.audit(filter);
  answer(rows ? json_reply(render_audit(*rows)) : error_reply(rows.error()));
}

}  // namespace bramble::aggregator::http
