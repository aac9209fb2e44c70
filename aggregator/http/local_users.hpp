// Who the users of this machine are, and what the configuration lets them do.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/core/roles.hpp"
#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator::http {

// [access] of the configuration: names of users, "@group", or "*" for everybody. Administering is root's unless said
// otherwise, as elsewhere on the system; the packages make the group.
struct AccessLists {
  std::vector<std::string> operators;
  std::vector<std::string> submitters = {"@bramble"};
  std::vector<std::string> viewers = {"*"};
};

Status check_access_lists(const AccessLists& lists);

struct LocalUser {
  std::string name;  // the uid's number where it has none
  std::vector<std::string> groups;
};

// Pure.
Role role_of(const AccessLists& lists, const LocalUser& user);
// What would give the user the role: a group, or a key of the configuration. Pure.
std::string how_to_get(const AccessLists& lists, const LocalUser& user, Role role);

// Keeps for half a minute what it has looked up: a directory service may be slow, and a user who was added to a group
// should not have to log in again. Thread-safe.
class LocalUsers {
 public:
  LocalUser find(uid_t uid, MonoTime now);

 private:
  struct Known {
    LocalUser user;
    MonoTime until;
  };

  std::mutex mutex_;
  std::unordered_map<uid_t, Known> known_;
};

}  // namespace bramble::aggregator::http
