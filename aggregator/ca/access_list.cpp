#include "aggregator/ca/access_list.hpp"

#include <array>

#include "common/wire/topics.hpp"

namespace bramble::aggregator {
namespace {

using wire::NodeTopic;

constexpr std::array written = {
    NodeTopic::status,  NodeTopic::beat,     NodeTopic::telemetry, NodeTopic::events,  NodeTopic::inventory,
    NodeTopic::checkup, NodeTopic::blob_get, NodeTopic::blob_have, NodeTopic::blob_up, NodeTopic::certificate_request};
constexpr std::array read = {NodeTopic::tasks, NodeTopic::control, NodeTopic::blob_want, NodeTopic::blob_down,
                             NodeTopic::certificate};

}  // namespace

std::string access_list(const std::string& cluster, const std::vector<std::string>& nodes) {
  const wire::Topics topics(cluster);
  std::string text =
      "# Written by bramble-aggregator whenever a node is added or removed: changes are lost.\n"
      "# Each node, known by its certificate, has the topics under its own name; whoever is not named has none.\n";
  for (const std::string& node : nodes) {
    text += "\nuser " + node + "\n";
    for (const NodeTopic kind : written) text += "topic write " + topics.node(node, kind) + "\n";
    for (const NodeTopic kind : read) text += "topic read " + topics.node(node, kind) + "\n";
    text += "topic read " + topics.aggregator_status() + "\n";
    text += "topic read " + topics.every_blob_shared() + "\n";
  }
  return text;
}

}  // namespace bramble::aggregator
