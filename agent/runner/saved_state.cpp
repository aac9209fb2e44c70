#include "agent/runner/saved_state.hpp"

#include <charconv>
#include <cmath>
#include <map>

#include "common/posix/files.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::runner {
namespace {

constexpr size_t kMaxBytes = 16 << 10;

std::map<std::string, std::string, std::less<>> lines_by_name(std::string_view text) {
  std::map<std::string, std::string, std::less<>> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t blank = line.find(' ');
    if (blank != std::string_view::npos) lines.emplace(line.substr(0, blank), line.substr(blank + 1));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

bool parse_whole(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_positive(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(number) && number >= 0;
}

bool parse_watts(std::string_view text, double& watts) {
  return parse_positive(text, watts) && watts <= wire::kMaxModelW;
}

// What cannot be read is left out: it is only joules.
std::map<AttemptKey, agent::Joules> parse_charges(const std::map<std::string, std::string, std::less<>>& lines) {
  constexpr std::string_view kPrefix = "charged/";
  std::map<AttemptKey, agent::Joules> charged;
  for (auto line = lines.lower_bound(kPrefix); line != lines.end() && line->first.starts_with(kPrefix); ++line) {
    const auto id = parse_attempt_key(std::string_view(line->first).substr(kPrefix.size()));
    const std::string_view text = line->second;
    const size_t slash = std::min(text.find('/'), text.size() - 1);
    agent::Joules joules;
    const bool good = id && parse_positive(text.substr(0, slash), joules.total) &&
                      parse_positive(text.substr(slash + 1), joules.measured) && joules.measured <= joules.total;
    if (good) charged[*id] = joules;
  }
  return charged;
}

agent::Saved new_identity(const std::string& machine_id) {
  agent::Saved saved;
  saved.agent_id = posix::random_uuid();
  saved.machine_id = machine_id;
  return saved;
}

}  // namespace

std::string format_saved(const agent::Saved& saved) {
  std::string text = "agent_id " + saved.agent_id + "\nmachine_id " + saved.machine_id + "\ncounter " +
                     std::to_string(saved.counter) + "\n";
  if (!saved.store.empty()) text += "store " + saved.store + "\nterm " + std::to_string(saved.term) + "\n";
  if (!saved.joined.empty()) text += "joined " + saved.joined + "\n";
  if (saved.power) {
    text += "idle_w " + std::to_string(saved.power->idle_w) + "\nbusy_w " + std::to_string(saved.power->busy_w) + "\n";
  }
  // One line each, the attempt as a part of the line's name.
  for (const auto& [id, joules] : saved.charged) {
    text +=
        "charged/" + to_string(id) + " " + std::to_string(joules.total) + "/" + std::to_string(joules.measured) + "\n";
  }
  return text;
}

Result<agent::Saved> parse_saved(std::string_view text) {
  auto lines = lines_by_name(text);
  agent::Saved saved;
  saved.agent_id = lines["agent_id"];
  saved.machine_id = lines["machine_id"];
  saved.store = lines["store"];
  saved.joined = lines["joined"];
  const bool sound = is_uuid(saved.agent_id) && parse_whole(lines["counter"], saved.counter) &&
                     (saved.store.empty() || (is_uuid(saved.store) && parse_whole(lines["term"], saved.term)));
  wire::PowerModel power;  // damaged or none: the aggregator says it again
  if (parse_watts(lines["idle_w"], power.idle_w) && parse_watts(lines["busy_w"], power.busy_w)) saved.power = power;
  saved.charged = parse_charges(lines);
  if (!sound) return fail(ErrorCode::corrupt, "it is damaged: remove it, and this agent makes itself a new identity");
  return saved;
}

Result<agent::Saved> load_saved(const std::string& path, const std::string& machine_id) {
  const Result<std::string> text = posix::read_file(path, kMaxBytes);
  if (!text && text.error().code == ErrorCode::not_found) return new_identity(machine_id);
  if (!text) return tl::unexpected<Error>(text.error());
  Result<agent::Saved> saved = parse_saved(*text);
  if (!saved) return in_context(path, saved.error());
  if (saved->machine_id != machine_id) {
    saved->agent_id = posix::random_uuid();
    saved->machine_id = machine_id;
  }
  return saved;
}

Status store_saved(const std::string& path, const agent::Saved& saved) {
  return posix::write_file_atomically(path, format_saved(saved), {0644, true});
}

}  // namespace bramble::runner
