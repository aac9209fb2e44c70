// How nodes on other machines come in: where the broker listens for them, what they are told of it, and the authority
// that knows them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aggregator/broker/broker_files.hpp"
#include "aggregator/ca/identity_hand.hpp"
#include "aggregator/config.hpp"

namespace bramble::aggregator {

// "ADDRESS:PORT", "*:PORT", "[ADDRESS]:PORT"; directory is left empty.
Result<NodeListener> parse_node_listen(const std::string& text);

// By our own listener, or at a broker of the operator's.
bool lets_nodes_in(const DaemonConfig& config);

std::optional<NodeListener> node_listener(const DaemonConfig& config);

// The configured one; else, where nodes are let in, this machine's name and its addresses; else empty.
std::string node_broker_url(const DaemonConfig& config);

// Where nodes are let in; nothing where they are not.
Result<std::optional<NodeAuthority>> open_authority(const DaemonConfig& config);

}  // namespace bramble::aggregator
