#include "agent/warden/users.hpp"

#include <grp.h>
#include <pwd.h>

#include <cstdio>
#include <memory>

namespace bramble::warden {
namespace {

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

File open_file(const char* path) { return File(std::fopen(path, "re")); }

bool is_member(const group& entry, const std::string& user) {
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (user == *member) return true;
  }
  return false;
}

}  // namespace

Result<RunAs> find_user(const std::string& name) {
  RunAs found;
  if (const File file = open_file("/etc/passwd")) {
    while (const passwd* entry = ::fgetpwent(file.get())) {
      if (name != entry->pw_name) continue;
      found = {name, entry->pw_uid, entry->pw_gid, {entry->pw_gid}};
      break;
    }
  }
  if (found.name.empty()) return fail(ErrorCode::not_found, "there is no user " + name + " in /etc/passwd");
  if (const File file = open_file("/etc/group")) {
    while (const group* entry = ::fgetgrent(file.get())) {
      if (entry->gr_gid != found.gid && is_member(*entry, name)) found.groups.push_back(entry->gr_gid);
    }
  }
  return found;
}

Result<RunAs> find_user_of_group(gid_t gid) {
  std::vector<std::string> names;
  if (const File file = open_file("/etc/passwd")) {
    while (const passwd* entry = ::fgetpwent(file.get())) {
      if (entry->pw_gid == gid) names.emplace_back(entry->pw_name);
    }
  }
  if (names.size() == 1) return find_user(names.front());
  return fail(ErrorCode::not_found, "it is the own group of " + std::to_string(names.size()) + " users and not of one");
}

Result<gid_t> find_group(const std::string& name) {
  if (const File file = open_file("/etc/group")) {
    while (const group* entry = ::fgetgrent(file.get())) {
      if (name == entry->gr_name) return entry->gr_gid;
    }
  }
  return fail(ErrorCode::not_found, "there is no group " + name + " in /etc/group");
}

}  // namespace bramble::warden
