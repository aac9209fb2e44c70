#include <algorithm>
#include <thread>

#include "integration/http/server_fixture.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr size_t kPiece = 280 << 10;  // enough that a worker writes, little enough that sending it never blocks

class BodiesTest : public ServerTest {
 protected:
  // Begins an upload of `total` bytes and sends the first of them.
  void begin_upload(const test::RawSocket& socket, size_t total, size_t sent) {
    socket.send("POST /api/v1/blobs HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n" +
                std::string(sent, 'u'));
  }

  void expect_healthy() {
    port_.expect<HealthRequest>(ApiReply{200, "{}", {}});
    EXPECT_EQ(get("/api/v1/health").status, 200);
  }
};

TEST_F(BodiesTest, AnUploadIsWrittenInPieces) {
  const Response response = post("/api/v1/blobs", std::string(48 * kMiB, 'x') + "the end");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"blob\":\"" + FakeFiles::name_of(48 * kMiB + 7) + "\",\"size_bytes\":50331655}");
  const auto counts = files_.counts();
  EXPECT_EQ(counts.written_bytes, 48 * kMiB + 7);
  EXPECT_LE(counts.largest_piece, kMiB);
  EXPECT_TRUE(counts.last_bytes.ends_with("xthe end"));
  EXPECT_EQ(counts.dropped, 0U);
}

TEST_F(BodiesTest, AnUploadInChunksIsTakenToo) {
  start();
  const auto socket = raw();
  socket.send("POST /api/v1/blobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 64; ++i) socket.send("10000\r\n" + std::string(0x10000, 'c') + "\r\n");
  socket.send("0\r\n\r\n");
  EXPECT_TRUE(socket.read_until("}").starts_with("HTTP/1.1 201"));
  EXPECT_EQ(files_.counts().written_bytes, 4 * kMiB);
}

TEST_F(BodiesTest, AnEmptyBlobIsABlob) {
  const Response response = post("/api/v1/blobs", "");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"blob\":\"" + FakeFiles::name_of(0) + "\",\"size_bytes\":0}");
}

TEST_F(BodiesTest, ASlowDiskHoldsTheSenderBack) {
  start();
  files_.gate.shut();
  const auto socket = raw();
  const std::string bytes(32 * kMiB, 'u');
  begin_upload(socket, bytes.size(), 0);
  EXPECT_LT(socket.send_until_stuck(bytes), 4 * kMiB);  // what the server and the kernel's buffers hold
  EXPECT_EQ(files_.counts().written_bytes, 0U);
  files_.gate.open();
}

TEST_F(BodiesTest, ASlowDiskStallsNoHealthCheck) {
  start();
  files_.gate.shut();
  jobs_.gate.shut();
  std::vector<test::RawSocket> sockets;
  for (int i = 0; i < 8; ++i) {
    sockets.push_back(raw());
    begin_upload(sockets.back(), kPiece, kPiece);
    sockets.push_back(raw());
    poll_in_background(sockets.back(), "/api/v1/jobs");
  }
  ASSERT_TRUE(files_.gate.wait_for_waiting(4));
  ASSERT_TRUE(jobs_.gate.wait_for_waiting(4));
  expect_healthy();
  files_.gate.open();
  jobs_.gate.open();
  for (const auto& socket : sockets) EXPECT_TRUE(socket.read_until("\r\n").starts_with("HTTP/1.1 20"));
}

TEST_F(BodiesTest, AnInterruptedUploadLeavesNothing) {
  start();
  auto socket = raw();
  begin_upload(socket, 10 * kMiB, 3 * kMiB);
  socket.close();
  while (files_.counts().written_bytes < 2 * kMiB) std::this_thread::yield();
  ASSERT_TRUE(files_.wait_until_writers(0));
  EXPECT_EQ(files_.counts().dropped, 1U);
}

TEST_F(BodiesTest, AnUploadEndsWithTheServer) {
  start();
  files_.gate.shut();
  auto socket = raw();
  begin_upload(socket, 10 * kMiB, kPiece);
  ASSERT_TRUE(files_.gate.wait_for_waiting(1));
  std::thread opener([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the server's end waits for the write
    files_.gate.open();
  });
  stop();
  opener.join();
  EXPECT_EQ(files_.counts().writers, 0U);
  EXPECT_EQ(files_.counts().dropped, 1U);
}

TEST_F(BodiesTest, AFullDiskIsToldToTheUploader) {
  files_.fill_disk();
  const Response response = post("/api/v1/blobs", std::string(8 * kMiB, 'x'));
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(response.error().find("no space left"), std::string::npos);
  EXPECT_EQ(files_.counts().dropped, 1U);
}

TEST_F(BodiesTest, UploadsAreCounted) {
  options.limits.max_uploads = 1;
  start();
  auto first = raw();
  begin_upload(first, 2 * kMiB, kMiB);
  while (files_.counts().writers == 0) std::this_thread::yield();
  const Response refused = post("/api/v1/blobs", std::string(kMiB, 'x'));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  first.send(std::string(kMiB, 'u'));
  EXPECT_TRUE(first.read_until("}").starts_with("HTTP/1.1 201"));
}

TEST_F(BodiesTest, ALongJsonBodyIs413) {
  options.limits.max_body_bytes = kMiB;
  const Response response = post("/api/v1/jobs", std::string(kMiB + 1, ' '));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.error(), "the body has 1048577 bytes; at most 1048576 are allowed");
  EXPECT_EQ(post("/api/v1/jobs", std::string(kMiB, ' ')).status, 400);  // taken, and no JSON
}

TEST_F(BodiesTest, ALongJsonBodyInChunksIs413) {
  options.limits.max_body_bytes = kMiB;
  start();
  const auto socket = raw();
  socket.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 17; ++i) socket.send("10000\r\n" + std::string(0x10000, ' ') + "\r\n");
  socket.send("0\r\n\r\n");
  EXPECT_TRUE(socket.read_until("\r\n").starts_with("HTTP/1.1 413"));
}

TEST_F(BodiesTest, ABodyBeyondAllMeasureEndsTheConnection) {
  start();
  const auto socket = raw();
  socket.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 413"));
}

TEST_F(BodiesTest, AllJsonBodiesTogetherHaveALimit) {
  options.limits.max_bodies_bytes = kMiB;
  start();
  auto first = raw();
  first.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n" + std::string(700'000, ' '));
  while (post("/api/v1/jobs", std::string(600'000, ' ')).status != 503) std::this_thread::yield();
  first.close();
  while (post("/api/v1/jobs", std::string(600'000, ' ')).status != 400) std::this_thread::yield();
}

TEST_F(BodiesTest, GarbageIsNoHttp) {
  start();
  for (const std::string garbage :
       {"\x16\x03\x01\x02\x01\x01\xfc\r\n\r\n", "GET\r\n\r\n", "\r\n\r\n\r\n \r\n", "{}\n\n",
        "GET /api/v1/health HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    auto socket = raw();
    socket.send(garbage);
    socket.shut_down_sending();
    const std::string reply = socket.read_all();
    EXPECT_TRUE(reply.empty() || reply.starts_with("HTTP/1.1 4")) << reply;
  }
  expect_healthy();
}

TEST_F(BodiesTest, LongHeadersAreRefused) {
  start();
  const auto socket = raw();
  socket.send_until_stuck("GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: " + std::string(kMiB, 'h') + "\r\n\r\n");
  const std::string reply = socket.read_all();
  EXPECT_TRUE(reply.empty() || reply.starts_with("HTTP/1.1 4")) << reply;
  expect_healthy();
}

TEST_F(BodiesTest, SqlThatWaitsIsBounded) {
  options.limits.max_waiting_queries = 1;
  start();
  sql_.gate.shut();
  sql_.answer = SqlTable{};
  std::vector<test::RawSocket> sockets;
  for (int i = 0; i < 4; ++i) {  // two run, one waits, one is too many
    sockets.push_back(raw());
    sockets.back().send("POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{\"sql\":\"SELECT\"}");
  }
  const auto has_reply = [](const test::RawSocket& socket) { return socket.has_reply(); };
  auto refused = sockets.end();
  while (refused == sockets.end()) refused = std::find_if(sockets.begin(), sockets.end(), has_reply);
  EXPECT_TRUE(refused->read_until("\r\n").starts_with("HTTP/1.1 503"));
  sockets.erase(refused);
  ASSERT_TRUE(sql_.gate.wait_for_waiting(2));
  EXPECT_TRUE(std::none_of(sockets.begin(), sockets.end(), has_reply));
  expect_healthy();
  sql_.gate.open();
  for (const auto& socket : sockets) EXPECT_TRUE(socket.read_until("\r\n").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace bramble::aggregator::http
