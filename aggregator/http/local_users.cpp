#include "aggregator/http/local_users.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>

namespace bramble::aggregator::http {
namespace {

constexpr size_t kMaxUsersKept = 1024;
constexpr int kMaxGroups = 1024;  // of one user; further ones are not looked at
constexpr int64_t kKeptMs = 30'000;
constexpr size_t kEntryBytes = 64 << 10;  // a group with many members is long
constexpr size_t kMaxListed = 1000;
constexpr size_t kMaxEntryBytes = 256;

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool lists_user(const std::vector<std::string>& list, const LocalUser& user) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    if (entry.starts_with('@')) return holds(user.groups, std::string_view(entry).substr(1));
    return entry == "*" || entry == user.name;
  });
}

std::string name_of_group(gid_t gid) {
  std::vector<char> buffer(kEntryBytes);
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "" : found->gr_name;
}

std::vector<std::string> groups_of(const char* user, gid_t first) {
  std::vector<gid_t> gids(kMaxGroups);
  int count = kMaxGroups;
  const bool whole = ::getgrouplist(user, first, gids.data(), &count) >= 0;
  gids.resize(static_cast<size_t>(whole ? count : kMaxGroups));
  std::vector<std::string> names;
  for (const gid_t gid : gids) {
    if (std::string name = name_of_group(gid); !name.empty()) names.push_back(std::move(name));
  }
  return names;
}

LocalUser look_up(uid_t uid) {
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr || found->pw_name[0] == '\0') return {std::to_string(uid), {}};
  return {found->pw_name, groups_of(found->pw_name, found->pw_gid)};
}

const std::vector<std::string>& list_of(const AccessLists& lists, Role role) {
  if (role == Role::operator_) return lists.operators;
  return role == Role::submitter ? lists.submitters : lists.viewers;
}

}  // namespace

Status check_access_lists(const AccessLists& lists) {
  for (const Role role : {Role::viewer, Role::submitter, Role::operator_}) {
    const std::string key = "[access] " + std::string(to_string(role)) + "s";
    const auto& list = list_of(lists, role);
    if (list.size() > kMaxListed)
      return fail(key + " has more than " + std::to_string(kMaxListed) + " names: use a @group");
    for (const std::string& entry : list) {
      if (entry.empty() || entry == "@" || entry.size() > kMaxEntryBytes ||
          entry.find_first_of(" \t\n,") != std::string::npos) {
        return fail(key + ": '" + entry + "' is neither a user's name, nor @GROUP, nor \"*\" for everybody");
      }
    }
  }
  return {};
}

Role role_of(const AccessLists& lists, const LocalUser& user) {
  for (const Role role : {Role::operator_, Role::submitter, Role::viewer}) {
    if (lists_user(list_of(lists, role), user)) return role;
  }
  return Role::none;
}

std::string how_to_get(const AccessLists& lists, const LocalUser& user, Role role) {
  const auto& list = list_of(lists, role);
  const auto group = std::find_if(list.begin(), list.end(), [](const auto& entry) { return entry.starts_with('@'); });
  const std::string key =
      "adds " + user.name + " to " + std::string(to_string(role)) + "s in [access] of aggregator.toml";
  if (group != list.end())
    return "an administrator runs 'adduser " + user.name + " " + group->substr(1) + "', or " + key;
  return (role == Role::operator_ ? "use sudo, or an administrator " : "an administrator ") + key;
}

LocalUser LocalUsers::find(uid_t uid, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(uid);
  if (found != known_.end() && now < found->second.until) return found->second.user;
  if (known_.size() >= kMaxUsersKept) known_.clear();
  return (known_[uid] = {look_up(uid), now + kKeptMs}).user;
}

}  // namespace bramble::aggregator::http
