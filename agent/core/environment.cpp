// A task's environment: a little of the system's, the job's own, and who it is.
#include <algorithm>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

void set(Environment& env, std::string name, std::string value) {
  const auto same = std::find_if(env.begin(), env.end(), [&](const auto& entry) { return entry.first == name; });
  if (same == env.end()) {
    env.emplace_back(std::move(name), std::move(value));
  } else {
    same->second = std::move(value);
  }
}

}  // namespace

Environment task_environment(const Config& config, const AttemptKey& id, const wire::TaskSpec& spec) {
  Environment env;
  env.reserve(spec.env.size() + 6);
  env.emplace_back("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  if (!config.lang.empty()) env.emplace_back("LANG", config.lang);
  for (const auto& [name, value] : spec.env) set(env, name, value);
  set(env, "BRAMBLE_JOB_ID", std::to_string(id.job));
  set(env, "BRAMBLE_TASK_ID", std::to_string(id.task));
  set(env, "BRAMBLE_ATTEMPT", std::to_string(id.attempt));
  set(env, "BRAMBLE_NODE", config.node);
  return env;
}

}  // namespace bramble::agent
