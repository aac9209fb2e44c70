#include "aggregator/power/line_places.hpp"

namespace bramble::aggregator {

std::string given_already(const LineSpec& line, const LineSpec& owner) {
  return line.name + " is given to the " + std::string(to_string(owner.role)) + " of " + owner.node +
         " already: a line switches one thing";
}

Status LinePlaces::settle(const LineSpec& line, const std::string& place) {
  std::string& mine = places_[{line.node, line.role}];
  owners_.erase(std::exchange(mine, ""));
  if (place.empty()) return {};
  const auto [owner, settled] = owners_.try_emplace(place, line);
  if (!settled) return fail(ErrorCode::conflict, given_already(line, owner->second));
  mine = place;
  return {};
}

}  // namespace bramble::aggregator
