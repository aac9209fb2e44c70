#include "history.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace bramble::test::chaos {

int64_t boot_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string to_string(const AttemptName& name) {
  return std::to_string(name.job) + "/" + std::to_string(name.task) + "/" + std::to_string(name.attempt);
}

const char* to_string(Policy policy) {
  constexpr std::array names{"rerun", "fence", "fail"};
  return names[static_cast<size_t>(policy)];
}

const char* to_string(FaultKind kind) {
  constexpr std::array<const char*, kFaultKinds> names{
      "agent killed",   "agent stopped", "warden killed",     "warden stopped",  "power lost",     "link cut",
      "link stalled",   "head killed",   "head stopped",      "head's link cut", "broker killed",  "broker stopped",
      "broker emptied", "disk full",     "disk slow (50 ms)", "disk stalled",    "machine stalled"};
  return names[static_cast<size_t>(kind)];
}

bool is_of_a_node(FaultKind kind) { return kind <= FaultKind::link_stalled; }

bool take_line(const std::string& line, std::vector<Run>& runs) {
  std::istringstream words(line);
  std::string what;
  Run run;
  int64_t now_ns = 0;
  if (!(words >> what >> run.store >> run.name.job >> run.name.task >> run.name.attempt >> run.node >> run.pid >>
        run.nonce >> now_ns)) {
    return false;
  }
  if (what == "start") {
    run.start_ns = run.last_ns = now_ns;
    runs.push_back(std::move(run));
    return true;
  }
  const auto known = std::find_if(runs.rbegin(), runs.rend(), [&](const Run& one) { return one.nonce == run.nonce; });
  if (known == runs.rend()) return false;
  known->last_ns = now_ns;
  int code = 0;
  if (what == "end" && words >> code) known->exit_code = code;
  return what == "end" || what == "alive";
}

std::vector<Run> read_runs(const std::string& directory) {
  std::vector<Run> all;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::vector<Run> runs;
    std::ifstream lines(file.path());
    for (std::string line; std::getline(lines, line);) take_line(line, runs);
    std::move(runs.begin(), runs.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace bramble::test::chaos
