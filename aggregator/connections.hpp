// The aggregator's two connections to the broker: who it is there, and what it hears.
#pragma once

#include <string>

#include "aggregator/core/state.hpp"
#include "common/base/result.hpp"
#include "common/mqtt/transport.hpp"

namespace bramble::aggregator {

struct BrokerLogin {
  std::string url;
  std::string user;
  std::string password;
};

// What a small file holds, without the line ends after it; nothing for an empty path. An empty file is an error.
Result<std::string> read_secret(const std::string& path);

// Beats, events and whatever else is small.
mqtt::Options control_options(const BrokerLogin& login, const State& state);
// Chunks of blobs, so that no beat waits behind a file.
mqtt::Options chunk_options(const BrokerLogin& login, const State& state);

}  // namespace bramble::aggregator
