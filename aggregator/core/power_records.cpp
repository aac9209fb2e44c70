#include "aggregator/core/power_records.hpp"

#include <array>
#include <utility>

namespace bramble::aggregator {
namespace {

template <typename Value, size_t kCount>
using Names = std::array<std::pair<Value, std::string_view>, kCount>;

constexpr Names<PowerState, 12> kStates{{{PowerState::unknown, "unknown"},
                                         {PowerState::stopped, "stopped"},
                                         {PowerState::off, "off"},
                                         {PowerState::starting, "starting"},
                                         {PowerState::on, "on"},
                                         {PowerState::draining, "draining"},
                                         {PowerState::halting, "halting"},
                                         {PowerState::cutting, "cutting"},
                                         {PowerState::cool_down, "cool-down"},
                                         {PowerState::suspect, "suspect"},
                                         {PowerState::fencing, "fencing"},
                                         {PowerState::fault, "fault"}}};
constexpr Names<PowerWish, 3> kWishes{{{PowerWish::none, "none"}, {PowerWish::on, "on"}, {PowerWish::off, "off"}}};
constexpr Names<PowerHow, 3> kHows{{{PowerHow::clean, "clean"}, {PowerHow::asap, "asap"}, {PowerHow::force, "force"}}};

template <typename Value, size_t kCount>
std::string_view name_of(const Names<Value, kCount>& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "unknown";
}

template <typename Value, size_t kCount>
std::optional<Value> find(const Names<Value, kCount>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return {};
}

}  // namespace

std::string_view to_string(PowerState state) { return name_of(kStates, state); }
std::string_view to_string(PowerWish wish) { return name_of(kWishes, wish); }
std::string_view to_string(PowerHow how) { return name_of(kHows, how); }
std::optional<PowerState> parse_power_state(std::string_view text) { return find(kStates, text); }
std::optional<PowerWish> parse_power_wish(std::string_view text) { return find(kWishes, text); }
std::optional<PowerHow> parse_power_how(std::string_view text) { return find(kHows, text); }

}  // namespace bramble::aggregator
