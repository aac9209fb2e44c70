// Requests that come from another user of this machine. Only root can make them.
#pragma once

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace bramble::aggregator::http {

inline constexpr uid_t kNobody = 65534;

inline std::string user_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

// Runs body in a thread that the kernel takes for another user.
template <typename Body>
void run_as(uid_t uid, const Body& body) {
  std::thread([&] {
    ASSERT_EQ(::syscall(SYS_setresuid, -1, uid, -1), 0);  // of this thread alone, other than setresuid()
    body();
  }).join();
}

}  // namespace bramble::aggregator::http
