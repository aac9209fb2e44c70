// "did you mean ...?": the known word that is nearest to an unknown one. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bramble {

// The candidate with the fewest typing slips (a letter more, less, other, or two swapped) from word, letter case aside;
// nothing if none is near enough to be what was meant. Of equally near ones the first.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// unknown("option", "--foo", ...) is "unknown option '--foo'; did you mean '--for'?", or without the question.
std::string unknown(std::string_view what, std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bramble
