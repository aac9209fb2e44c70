#include "agent/core/status_line.hpp"

namespace bramble::agent {
namespace {

std::string connection(const State& state) {
  if (state.stopping) return "stopping";
  if (state.link.phase != Link::Phase::up) return "the broker is not reached, trying";
  if (state.session.id == 0) return "connected to the broker, not yet welcomed by an aggregator";
  return "welcomed by the aggregator";
}

std::string work(const State& state) {
  if (!state.warden.connected) return "no warden: is bramble-warden.service up?";
  return std::to_string(state.tasks.used.cpus) + " of " + std::to_string(state.config.slots) + " slots busy";
}

}  // namespace

std::string status_line(const State& state) {
  std::string line = connection(state) + ", " + work(state);
  const size_t unsent = state.tasks.spool_attempts;
  if (unsent > 0) line += ", " + std::to_string(unsent) + (unsent == 1 ? " result unsent" : " results unsent");
  return line;
}

}  // namespace bramble::agent
