// What a caller may do; each role may do all that the ones before it may.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace bramble::aggregator {

enum class Role {
  none,       // nothing
  viewer,     // reads everything
  submitter,  // submits jobs, and changes its own
  operator_,  // changes everybody's jobs, nodes, power, tokens
};

inline constexpr std::array<std::string_view, 4> kRoleNames = {"none", "viewer", "submitter", "operator"};

constexpr std::string_view to_string(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

// One that can be given: never "none".
constexpr std::optional<Role> parse_role(std::string_view text) {
  for (size_t i = 1; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

}  // namespace bramble::aggregator
