#include "aggregator/connections.hpp"

#include "aggregator/core/home_assistant.hpp"
#include "common/posix/files.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

using wire::NodeTopic;

mqtt::Options options_of(const BrokerLogin& login, const std::string& client) {
  mqtt::Options options;
  options.broker_url = login.url;
  options.username = login.user;
  options.password = login.password;
  options.client_id = client + posix::random_uuid();
  return options;
}

}  // namespace

Result<std::string> read_secret(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = posix::read_file(path, 4096);
  if (!text) return tl::unexpected<Error>(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return fail(path + " is empty: it should hold a secret");
  return text;
}

mqtt::Options control_options(const BrokerLogin& login, const State& state) {
  mqtt::Options options = options_of(login, "bramble-aggregator-");
  for (const auto kind : {NodeTopic::status, NodeTopic::events, NodeTopic::inventory, NodeTopic::checkup,
                          NodeTopic::blob_get, NodeTopic::blob_have, NodeTopic::certificate_request}) {
    options.subscriptions.emplace_back(state.topics.every_node(kind), 1);
  }
  options.subscriptions.emplace_back(state.topics.aggregator_status(), 1);
  options.subscriptions.emplace_back(state.topics.aggregator_ping(), 1);
  if (!state.config.home_assistant.empty()) {
    options.subscriptions.emplace_back(home_assistant_status_topic(state.config), 1);
  }
  options.wishes.emplace_back(state.topics.every_alert(), 1);
  for (auto& filter : every_device()) options.wishes.emplace_back(std::move(filter), 1);
  options.subscriptions.emplace_back(state.topics.every_node(NodeTopic::beat), 0);
  options.subscriptions.emplace_back(state.topics.every_node(NodeTopic::telemetry), 0);
  return options;
}

mqtt::Options chunk_options(const BrokerLogin& login, const State& state) {
  mqtt::Options options = options_of(login, "bramble-aggregator-chunks-");
  options.subscriptions.emplace_back(state.topics.every_node(NodeTopic::blob_up), 1);
  return options;
}

}  // namespace bramble::aggregator
