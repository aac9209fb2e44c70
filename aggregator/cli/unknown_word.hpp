// What is said of an option or a command that there is not, with what was perhaps meant. Pure.
#pragma once

#include <string>
#include <vector>

namespace bramble::cli {

// `options`: with their dashes, which are not compared: --json is not nearly --on.
std::string unknown_option(const std::string& word, const std::vector<std::string>& options);

// Knows what other programs call it, too: of "show" it is "info" that was meant.
std::string unknown_command(const std::string& word, const std::vector<std::string>& commands);

}  // namespace bramble::cli
