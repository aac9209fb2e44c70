// check.
#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

// "80:90", or "none".
Status take_limits(const std::string& text, double factor, std::optional<CheckLimits>& target) {
  if (text == "none") {
    target.reset();
    return {};
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return fail("'" + text + "' is not WARNING:CRITICAL, as in 75:82, nor none");
  const auto warning = parse_amount(std::string_view(text).substr(0, colon));
  if (!warning) return tl::unexpected(warning.error());
  const auto critical = parse_amount(std::string_view(text).substr(colon + 1));
  if (!critical) return tl::unexpected(critical.error());
  if (*critical < *warning) return fail("'" + text + "': what is critical must not be below the warning");
  target = CheckLimits{*warning * factor, *critical * factor};
  return {};
}

void add_limits(CLI::App& app, const char* flag, const char* help, double factor, std::optional<CheckLimits>& target) {
  add_value(app, flag, "W:C", help,
            [factor, &target](const std::string& value) { return take_limits(value, factor, target); });
}

}  // namespace

void declare_check(OptionTree& tree) {
  constexpr double kPerCent = 0.01;
  auto command = std::make_shared<CheckCommand>();
  CLI::App* app = add_command(
      tree.root, {"check", "one line and a status for Nagios, Icinga, Zabbix", "[OPTION...] [NODES]",
                  "  bramble check\n  bramble check 'pi[01-04]' --temperature 70:80 --power 40:60\n"
                  "A terminal that is too narrow for the line has it broken.\n"
                  "Exit status: 0 OK, 1 WARNING, 2 CRITICAL (no aggregator,\ntoo), 3 UNKNOWN (wrong usage, too)"});
  add_value(*app, "NODES", "", "pi[01-04], a list of these, or all", [command](const std::string& value) -> Status {
    const auto nodes = parse_node_set(value);
    if (!nodes) return tl::unexpected(nodes.error());
    command->nodes = value;
    return {};
  });
  add_limits(*app, "--temperature", "degrees Celsius of a node (75:82)", 1, command->temperature_celsius);
  add_limits(*app, "--disk", "per cent used of a node's disk (90:97)", kPerCent, command->disk_used_ratio);
  add_limits(*app, "--power", "watts of all these nodes together (none)", 1, command->power_w);
  tree.leaves.push_back(
      {app, Tail::none, [command](const std::vector<std::string>&) -> Result<Command> { return *command; }});
}

}  // namespace bramble::cli
