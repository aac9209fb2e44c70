#include "aggregator/cli/passage.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

namespace bramble::cli {
namespace {

constexpr int kMaxGroups = 1024;

struct Person {
  uid_t uid = 0;
  std::vector<gid_t> groups;

  bool may_enter(const struct stat& folder) const {
    if (uid == 0) return true;
    if (folder.st_uid == uid) return (folder.st_mode & S_IXUSR) != 0;
    const bool in_group = std::find(groups.begin(), groups.end(), folder.st_gid) != groups.end();
    return (folder.st_mode & (in_group ? S_IXGRP : S_IXOTH)) != 0;
  }
};

}  // namespace

Status check_passage(const std::string& folder, const std::string& user) {
  if (user.empty()) return {};
  const passwd* const entry = ::getpwnam(user.c_str());
  if (!entry) return {};
  Person person{entry->pw_uid, std::vector<gid_t>(kMaxGroups)};
  int groups = kMaxGroups;
  ::getgrouplist(user.c_str(), entry->pw_gid, person.groups.data(), &groups);
  person.groups.resize(static_cast<size_t>(std::clamp(groups, 0, kMaxGroups)));
  for (size_t slash = 0; slash != std::string::npos; slash = folder.find('/', slash + 1)) {
    const std::string above = slash == 0 ? "/" : folder.substr(0, slash);
    struct stat about {};
    if (::stat(above.c_str(), &about) != 0 || person.may_enter(about)) continue;
    return fail(ErrorCode::denied,
                fmt::format("the user {} cannot enter {} (its mode is {:04o}), on the way to the cluster's folder {}: "
                            "choose another folder by --dir",
                            user, above, about.st_mode & 07777, folder));
  }
  return {};
}

}  // namespace bramble::cli
