// What earlier runs of ours have left at the broker for people, and nobody would take away any more: the alerts of
// rules that are gone, Home Assistant's devices of nodes that are gone.
//
// The broker itself is asked what there is, by subscriptions: it knows after a crash and with a database that was
// restored, too. What is still wanted is told anew by who owns it, so that clearing too much would lose nothing.
#include "aggregator/core/home_assistant.hpp"
#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

void clear(Effects& effects, std::string_view topic) { effects.publish.push_back({std::string(topic), "", 1, true}); }

}  // namespace

bool on_retained(State& state, Effects& effects, std::string_view topic, std::string_view payload) {
  const auto alert = state.topics.parse_alert(topic);
  if (!alert && !is_device_topic(topic)) return false;
  if (payload.empty() || !state.gone_back.empty()) return true;
  const bool left_over =
      alert ? !owns_alert(state, *alert) : owner_of_device(state, topic, payload) == DeviceOwner::nobody;
  if (left_over) clear(effects, topic);
  return true;
}

}  // namespace bramble::aggregator
