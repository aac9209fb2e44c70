#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "agent/runner/blob_cache.hpp"
#include "agent/runner/output_files.hpp"
#include "agent/runner/saved_state.hpp"
#include "agent/runner/warden_client.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/files.hpp"
#include "common/posix/unix_socket.hpp"
#include "support/temp_dir.hpp"

namespace bramble::runner {
namespace {

using test::TempDir;

const StoreId kStore = "11111111-1111-4111-8111-111111111111";

// Happens once, on another thread. Not a std::promise: there is none for ARMv6, whose libstdc++ was built for
// processors without atomic instructions.
struct Event {
  std::mutex mutex;
  std::condition_variable changed;
  bool happened = false;

  void tell() {
    const std::lock_guard lock(mutex);
    happened = true;
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return happened; });
  }
};

struct BlobCacheTest : ::testing::Test {
  TempDir dir;
  BlobCache cache = *BlobCache::open(dir / "blobs");
  const std::string sha = posix::sha256_hex("hello world");

  std::string path(const std::string& suffix = {}) const { return dir / "blobs/" + sha + suffix; }

  Status check(MonoTime at = {}) {
    const auto checked = cache.check(sha, at);
    return checked ? *checked : fail(ErrorCode::unavailable, "it is being read again");
  }

  // Asks at a time when the bytes are not trusted any more, and waits for what is told of them.
  Status check_bytes() {
    Event told;
    cache.on_verdict([&told] { told.tell(); });
    now = now + BlobCache::kTrustMs;
    if (const auto checked = cache.check(sha, now)) return *checked;
    told.wait();
    const auto verdicts = cache.take_verdicts(now);
    EXPECT_EQ(verdicts.size(), 1U);
    return verdicts.empty() ? Status() : verdicts[0].status;
  }

  // As a failing card does: neither size nor time of change tell.
  void flip_a_bit() {
    const auto before = std::filesystem::last_write_time(path());
    ASSERT_EQ(::chmod(path().c_str(), 0755), 0);
    std::fstream file(path(), std::ios::in | std::ios::out);
    file.seekp(6);
    file.put('v');
    file.close();
    ASSERT_EQ(::chmod(path().c_str(), 0555), 0);
    std::filesystem::last_write_time(path(), before);
  }

  MonoTime now;
};

TEST_F(BlobCacheTest, GivesAFileItsNameOnlyWhenItsBytesAreRight) {
  ASSERT_TRUE(cache.write({sha, 0, "hello "}));
  ASSERT_TRUE(cache.write({sha, 6, "world"}));
  EXPECT_FALSE(std::filesystem::exists(path()));
  ASSERT_TRUE(check());
  EXPECT_EQ(posix::read_file(path(), 100), "hello world");
  EXPECT_FALSE(std::filesystem::exists(path(".part")));
}

TEST_F(BlobCacheTest, TellsDamageFromFailure) {
  ASSERT_TRUE(cache.write({sha, 0, "hello w0rld"}));
  const Status checked = check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::conflict);
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));  // again from the beginning
  EXPECT_TRUE(check());
}

TEST_F(BlobCacheTest, LooksAtAWholeFileAgainAndSaysWhatHasChangedIt) {
  const auto store = [&] { return cache.write({sha, 0, "hello world"}) && check(); };
  const auto is_damaged = [&] {
    const Status checked = check();
    return !checked && checked.error().code == ErrorCode::conflict;
  };
  ASSERT_TRUE(store());
  EXPECT_TRUE(check());
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  std::ofstream(path()) << "hello w0rld";
  std::filesystem::last_write_time(path(), std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(is_damaged()) << "written to, with the same size";
  ASSERT_TRUE(store());
  std::filesystem::resize_file(path(), 5);
  EXPECT_TRUE(is_damaged());
  ASSERT_TRUE(store());
  std::filesystem::remove(path());
  EXPECT_TRUE(is_damaged());
  ASSERT_TRUE(store()) << "and what is fetched again is good";
  EXPECT_TRUE(check());
}

TEST_F(BlobCacheTest, ReadsBytesAgainThatItHasTrustedForLong) {
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check());
  EXPECT_TRUE(check({BlobCache::kTrustMs - 1}));
  EXPECT_TRUE(check_bytes());
  EXPECT_TRUE(check(now + (BlobCache::kTrustMs - 1))) << "trusted again from then on";
  flip_a_bit();
  EXPECT_TRUE(check(now)) << "it cannot be seen";
  const Status damaged = check_bytes();
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::conflict) << damaged.error().message;
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check(now));
  EXPECT_EQ(posix::read_file(path(), 100), "hello world");
  EXPECT_TRUE(check_bytes());
}

TEST_F(BlobCacheTest, TellsNothingOfAFileThatWasDroppedOrWrittenMeanwhile) {
  Event first;
  cache.on_verdict([&first] { first.tell(); });
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check());
  EXPECT_FALSE(cache.check(sha, {BlobCache::kTrustMs}));
  first.wait();
  cache.drop(sha);
  EXPECT_TRUE(cache.take_verdicts({BlobCache::kTrustMs}).empty());

  Event second;
  cache.on_verdict([&second] { second.tell(); });
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check());
  EXPECT_FALSE(cache.check(sha, {BlobCache::kTrustMs}));
  second.wait();
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check({BlobCache::kTrustMs}));
  EXPECT_TRUE(cache.take_verdicts({BlobCache::kTrustMs}).empty());
}

TEST_F(BlobCacheTest, IsReadableToAllAndWritableToNobody) {
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check());
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0555U) << "else the warden copies it for each task";
}

TEST_F(BlobCacheTest, NeverCompletesAFileWithAHole) {
  ASSERT_TRUE(cache.write({sha, 0, "hello "}));
  EXPECT_FALSE(cache.write({sha, 7, "orld"}));
  std::filesystem::remove_all(dir / "blobs");
  EXPECT_FALSE(cache.write({sha, 0, "hello world"}));
}

TEST_F(BlobCacheTest, DropsWholeAndHalfFiles) {
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  cache.drop(sha);
  EXPECT_FALSE(std::filesystem::exists(path(".part")));
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(check());
  cache.drop(sha);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(BlobCacheTest, BeginsEmpty) {
  ASSERT_TRUE(cache.write({sha, 0, "hello world"}));
  ASSERT_TRUE(BlobCache::open(dir / "blobs"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "blobs"));
}

TEST(OutputFiles, ReadRangesUpToTheEnd) {
  TempDir dir;
  const wire::WardenTask task{kStore, {1, 2, 3}};
  const std::string attempt = dir / wire::directory_name(task);
  ASSERT_TRUE(posix::make_directories(attempt));
  ASSERT_TRUE(posix::write_file_atomically(attempt + "/stderr", "0123456789"));
  OutputFiles files;
  agent::ReadOutput read{task, wire::Stream::stderr_, 4, 3, agent::ReadOutput::For::want, 0};
  EXPECT_FALSE(files.read(read));  // the warden has not said where
  files.set_directory(dir.path());
  EXPECT_EQ(files.read(read), "456");
  read.offset = 8;
  EXPECT_EQ(files.read(read), "89");
  read.offset = 50;
  EXPECT_EQ(files.read(read), "");
  read.stream = wire::Stream::stdout_;
  EXPECT_FALSE(files.read(read));
}

TEST(OutputFiles, AreNotLedAwayByALink) {
  TempDir dir;
  const wire::WardenTask task{kStore, {1, 2, 3}};
  const std::string attempt = dir / wire::directory_name(task);
  ASSERT_TRUE(posix::make_directories(attempt));
  std::filesystem::create_symlink("/etc/passwd", attempt + "/stdout");
  OutputFiles files;
  files.set_directory(dir.path());
  EXPECT_FALSE(files.read({task, wire::Stream::stdout_, 0, 10, agent::ReadOutput::For::want, 0}));
}

TEST(SavedState, IsKept) {
  TempDir dir;
  const agent::Saved saved{"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
                           "machine",
                           300,
                           kStore,
                           4,
                           {{{12, 5, 1}, {3.25, 1.5}}},
                           wire::PowerModel{2.7, 6.4}};
  ASSERT_TRUE(store_saved(dir / "agent.state", saved));
  EXPECT_EQ(load_saved(dir / "agent.state", "machine"), saved);
}

TEST(SavedState, LeavesOutJoulesThatMakeNoSense) {
  const std::string good = format_saved({"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "machine", 300, kStore, 4, {}, {}});
  const auto saved = parse_saved(good + "charged/12/5/1 3.25/1.5\ncharged/12/6/1 x\ncharged/12/7/1 nan/0\n" +
                                 "charged/12/8/1 1/2\ncharged/0/0/0 1/0\ncharged/12/9/1 \nidle_w -1\nbusy_w 3\n");
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->charged, (std::map<AttemptKey, agent::Joules>{{{12, 5, 1}, {3.25, 1.5}}}));
  EXPECT_FALSE(saved->power);
}

TEST(SavedState, BeginsWithAnIdentityOfItsOwn) {
  TempDir dir;
  const auto first = load_saved(dir / "agent.state", "machine");
  const auto second = load_saved(dir / "agent.state", "machine");
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(is_uuid(first->agent_id));
  EXPECT_NE(first->agent_id, second->agent_id);
  EXPECT_EQ(first->counter, 0U);
}

TEST(SavedState, OfAClonedCardGetsANewIdentityAndStaysJoined) {
  TempDir dir;
  const agent::Saved saved{"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "machine", 300, kStore, 4, {}, {}};
  ASSERT_TRUE(store_saved(dir / "agent.state", saved));
  const auto clone = load_saved(dir / "agent.state", "another machine");
  ASSERT_TRUE(clone);
  EXPECT_NE(clone->agent_id, saved.agent_id);
  EXPECT_EQ(clone->store, kStore);
}

TEST(SavedState, RejectsDamage) {
  for (const char* text : {"", "agent_id x\ncounter 1\n", "agent_id aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa\n",
                           "agent_id aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa\ncounter 1x\n",
                           "agent_id aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa\ncounter 1\nstore s\nterm 1\n"}) {
    EXPECT_FALSE(parse_saved(text)) << text;
  }
}

// A socket in the warden's place, in the same loop.
struct WardenClientTest : ::testing::Test {
  TempDir dir;
  posix::EventLoop loop;
  std::vector<std::string> heard;
  size_t stop_after = 0;
  WardenClient client{
      loop,
      dir / "sock",
      {[this] { note("connected"); }, [this](const std::string&) { note("lost"); },
       [this](std::vector<wire::WardenReport> reports) { note("reports " + std::to_string(reports.size())); }}};

  void note(std::string what) {
    heard.push_back(std::move(what));
    if (heard.size() == stop_after) loop.stop();
  }
  void run_until_heard(size_t count) {
    stop_after = count;
    if (heard.size() < count) loop.run();
  }
  static void write(int fd, const std::string& bytes) {
    ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  static std::string report() { return wire::make_frame(wire::encode(wire::WardenReport(wire::WardenRefused{}))); }
};

TEST_F(WardenClientTest, TriesUntilTheWardenIsThereAndAgainWhenItIsLost) {
  client.start();
  EXPECT_EQ(heard, std::vector<std::string>{"lost"});
  auto listener = posix::listen_unix(dir / "sock");
  ASSERT_TRUE(listener);
  run_until_heard(2);
  EXPECT_EQ(heard.back(), "connected");
  posix::accept_unix(listener->get())->reset();  // closed at once
  run_until_heard(4);
  EXPECT_EQ(heard, (std::vector<std::string>{"lost", "connected", "lost", "connected"}));
}

TEST_F(WardenClientTest, HandsOverAllReportsOfOneReadingTogether) {
  auto listener = posix::listen_unix(dir / "sock");
  ASSERT_TRUE(listener);
  client.start();
  auto warden = posix::accept_unix(listener->get());
  ASSERT_TRUE(warden);
  write(warden->get(), report() + report() + report().substr(0, 5));
  run_until_heard(2);
  EXPECT_EQ(heard.back(), "reports 2");
  write(warden->get(), report().substr(5));
  run_until_heard(3);
  EXPECT_EQ(heard.back(), "reports 1");
}

TEST_F(WardenClientTest, WritesWhatWasSentInOneGo) {
  auto listener = posix::listen_unix(dir / "sock");
  ASSERT_TRUE(listener);
  client.send(wire::WardenHello{});  // not connected: dropped
  client.start();
  auto warden = posix::accept_unix(listener->get());
  client.send(wire::WardenHello{});
  client.send(wire::WardenHello{});
  client.flush();
  std::string buffer(1000, '\0');
  const ssize_t got = ::recv(warden->get(), buffer.data(), buffer.size(), 0);
  const std::string frame = wire::make_frame(wire::encode(wire::WardenRequest(wire::WardenHello{})));
  ASSERT_GT(got, 0);
  EXPECT_EQ(buffer.substr(0, static_cast<size_t>(got)), frame + frame);
}

TEST_F(WardenClientTest, LeavesAPeerThatSendsGarbage) {
  auto listener = posix::listen_unix(dir / "sock");
  ASSERT_TRUE(listener);
  client.start();
  auto warden = posix::accept_unix(listener->get());
  write(warden->get(), wire::make_frame("garbage"));
  run_until_heard(2);
  EXPECT_EQ(heard.back(), "lost");
  run_until_heard(3);
  auto again = posix::accept_unix(listener->get());
  write(again->get(), "\xff\xff\xff\xff");  // a frame of 4 GiB
  run_until_heard(4);
  EXPECT_EQ(heard.back(), "lost");
}

}  // namespace
}  // namespace bramble::runner
