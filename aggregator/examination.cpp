#include "aggregator/examination.hpp"

#include "aggregator/ca/certificate_doctor.hpp"
#include "aggregator/joining.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

using wire::Finding;
using wire::FindingState;

Finding clock_finding() {
  if (posix::is_clock_synchronised()) return {"time", FindingState::good, "synchronised"};
  return {"time", FindingState::warning,
          "this machine's clock is not synchronised, and no old telemetry is removed before it is: switch "
          "systemd-timesyncd or chrony on, and look whether it reaches a server"};
}

FindingState state_of(const LineFinding& line) {
  if (!line.problem.empty()) return FindingState::problem;
  if (line.advice.empty()) return FindingState::good;
  return line.when_released == WhenReleased::unknown ? FindingState::unknown : FindingState::warning;
}

}  // namespace

Finding line_finding(const LineFinding& line) {
  std::string text = std::string(to_string(line.role)) + " " + line.name;
  if (!line.problem.empty()) return {"line", state_of(line), text + ": " + line.problem};
  if (!line.driver.empty())
    text += " (" + line.path + " line " + std::to_string(line.offset) + ", " + line.driver + ")";
  if (!line.advice.empty()) return {"line", state_of(line), text + ": " + line.advice};
  return {"line", state_of(line), text + ": found"};
}

std::vector<NodeFinding> examine_head(const DaemonConfig& config) {
  std::vector<NodeFinding> findings{{"", clock_finding()}};
  const std::string authority = lets_nodes_in(config) ? config.state_dir + "/ca" : "";
  for (NodeFinding& finding :
       examine_certificates(authority, {config.tls_cert_file, config.tls_key_file}, posix::now().wall)) {
    findings.push_back(std::move(finding));
  }
  const std::vector<LineConfig>& lines = config.lines;
  if (lines.empty()) return findings;
  const auto gpio = make_gpio_api();
  for (const LineFinding& line : examine_lines(lines, *gpio)) findings.push_back({line.node, line_finding(line)});
  return findings;
}

}  // namespace bramble::aggregator
