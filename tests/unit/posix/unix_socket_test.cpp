#include "common/posix/unix_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

using testing::HasSubstr;

class UnixSocket : public testing::Test {
 protected:
  test::TempDir dir_;
  std::string path_ = dir_ / "socket";
};

TEST_F(UnixSocket, ConnectsAndTellsWhoIsThere) {
  const auto listener = listen_unix(path_, 0600);
  ASSERT_TRUE(listener) << listener.error().message;
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(accept_unix(listener->get()).error().code, ErrorCode::unavailable);
  const auto client = connect_unix(path_);
  ASSERT_TRUE(client);
  const auto server = accept_unix(listener->get());
  ASSERT_TRUE(server);
  const auto peer = peer_credentials(server->get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
}

TEST_F(UnixSocket, AStaleSocketIsReplaced) {
  listen_unix(path_)->reset();
  EXPECT_EQ(connect_unix(path_).error().code, ErrorCode::unavailable);
  EXPECT_TRUE(listen_unix(path_));
}

TEST_F(UnixSocket, ASocketInUseIsAConflict) {
  const auto listener = listen_unix(path_);
  const auto second = listen_unix(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
  EXPECT_TRUE(connect_unix(path_));
}

TEST_F(UnixSocket, AFileInTheWayIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(listen_unix(path_).error().message, HasSubstr("is not a socket"));
  EXPECT_TRUE(std::ifstream(path_).good());
}

TEST_F(UnixSocket, APathThatIsTooLongIsSaidSo) {
  const std::string path = dir_ / std::string(200, 'x');
  EXPECT_THAT(listen_unix(path).error().message, HasSubstr("the system allows 107"));
  EXPECT_THAT(connect_unix(path).error().message, HasSubstr("shorter name"));
}

TEST_F(UnixSocket, NobodyThereIsNotFound) { EXPECT_EQ(connect_unix(path_).error().code, ErrorCode::not_found); }

}  // namespace
}  // namespace bramble::posix
