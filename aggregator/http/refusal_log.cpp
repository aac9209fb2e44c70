#include "aggregator/http/refusal_log.hpp"

#include <nlohmann/json.hpp>
#include <vector>

namespace bramble::aggregator::http {
namespace {

constexpr const char* kMany = "many places";

}  // namespace

bool is_refusal(int http_status) { return http_status == 401 || http_status == 403 || http_status == 421; }

void RefusalLog::note(Refused refused, int http_status, MonoTime now) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    Kind kind{refused.who, refused.from, http_status};
    if (!open_.contains(kind) && open_.size() >= kMaxKinds) {
      refused.who.clear();
      refused.from = kMany;
      kind = {"", kMany, 0};
    }
    const auto [found, added] = open_.try_emplace(kind, Open{now + kSpanMs, {}, 0});
    is_first = added;
    if (!is_first && found->second.times++ == 0) found->second.later = refused;
  }
  if (is_first) tell_(std::move(refused));
}

void RefusalLog::tell_due(MonoTime now) {
  std::vector<Refused> due;
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = open_.begin(); entry != open_.end();) {
      Open& open = entry->second;
      if (now < open.until) {
        ++entry;
        continue;
      }
      open.later.times = open.times;
      const bool was_repeated = open.times > 0;
      if (was_repeated) due.push_back(std::move(open.later));
      // It may go on: what follows is counted again.
      open = {now + kSpanMs, {}, 0};
      entry = was_repeated ? std::next(entry) : open_.erase(entry);
    }
  }
  for (Refused& refused : due) tell_(std::move(refused));
}

std::string sentence_of(const HttpReply& reply) {
  const auto body = nlohmann::json::parse(reply.body, nullptr, false);
  return body.is_object() ? body.value("error", "") : "";
}

}  // namespace bramble::aggregator::http
