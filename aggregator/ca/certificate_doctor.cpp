#include "aggregator/ca/certificate_doctor.hpp"

#include <map>

#include "common/base/duration.hpp"
#include "common/identity/certificate.hpp"
#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

using wire::Finding;
using wire::FindingState;

constexpr const char* kCheck = "certificate";
constexpr int64_t kHeadNoticeMs = 14 * kDayMs;

std::string ago_or_in(WallTime then, WallTime now) {
  if (then <= now) return "ended " + format_duration(now.ms - then.ms) + " ago";
  return "ends in " + format_duration(then.ms - now.ms);
}

Finding judge(const IssuedCertificate& last, WallTime now) {
  const std::string text = "its certificate " + ago_or_in(last.not_after, now);
  if (last.not_after <= now) {
    return {kCheck, FindingState::problem,
            text + ", and the broker refuses it: bramble node add " + last.node + " --replace, and join it with that"};
  }
  return {kCheck, FindingState::warning,
          text + ", and it has not asked for another: it does so by itself while it is connected"};
}

std::vector<NodeFinding> examine_own(const OwnCertificate& own, WallTime now) {
  const std::string& file = own.certificate_file;
  if (file.empty()) return {};
  const auto text = posix::read_file(file, identity::kMaxPemBytes);
  if (!text) return {{"", {kCheck, FindingState::problem, text.error().message}}};
  const auto facts = identity::read_certificate(*text);
  if (!facts) return {{"", {kCheck, FindingState::problem, file + " holds no certificate in PEM"}}};
  const auto key = posix::read_file(own.key_file, identity::kMaxPemBytes);
  if (!key) return {{"", {kCheck, FindingState::problem, key.error().message}}};
  if (!identity::check_key(*text, *key)) {
    return {{"", {kCheck, FindingState::problem, "the key in " + own.key_file + " does not belong to " + file}}};
  }
  return judge_head_certificate(file, facts->not_after, now);
}

}  // namespace

std::vector<NodeFinding> judge_issued(const IssuedList& list, WallTime now) {
  std::map<std::string, const IssuedCertificate*> last;
  for (const IssuedCertificate& entry : list.certificates) {
    if (entry.revoked.ms != 0) continue;
    const IssuedCertificate*& found = last[entry.node];
    if (found == nullptr || entry.not_after > found->not_after) found = &entry;
  }
  std::vector<NodeFinding> findings;
  for (const auto& [node, entry] : last) {
    const int64_t life_ms = entry->not_after.ms - entry->issued.ms;
    if (entry->not_after.ms - now.ms < life_ms / 6) findings.push_back({node, judge(*entry, now)});
  }
  return findings;
}

std::vector<NodeFinding> judge_head_certificate(const std::string& file, WallTime not_after, WallTime now) {
  if (not_after.ms - now.ms >= kHeadNoticeMs) return {};
  const FindingState state = not_after <= now ? FindingState::problem : FindingState::warning;
  return {
      {"",
       {kCheck, state, file + " " + ago_or_in(not_after, now) + ": renew it; the new one is taken without a restart"}}};
}

std::vector<NodeFinding> examine_certificates(const std::string& authority_dir, const OwnCertificate& own,
                                              WallTime now) {
  std::vector<NodeFinding> findings = examine_own(own, now);
  if (authority_dir.empty()) return findings;
  const auto list = read_issued_list(authority_dir + "/issued.json");
  if (!list) {
    findings.push_back({"", {kCheck, FindingState::problem, list.error().message}});
    return findings;
  }
  for (NodeFinding& finding : judge_issued(*list, now)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace bramble::aggregator
