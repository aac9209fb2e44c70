// The thread that works on files for the reactor: output that comes in, blobs that go out. One queue, in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/store.hpp"
#include "common/mqtt/transport.hpp"
#include "common/posix/log.hpp"
#include "common/wire/topics.hpp"

namespace bramble::aggregator {

// What comes back to the reactor. Called on the hand's thread.
struct FileReports {
  std::function<void(const AttemptKey&)> sealed;
  std::function<void(const AttemptKey&, wire::Stream, uint64_t have_bytes)> failed;
  std::function<void(std::vector<ForgottenRows>)> forgotten;
  std::function<void(std::vector<JobId>)> expired;
};

class FileHand {
 public:
  // `chunks` is the connection on which blobs travel. All must outlive this object.
  FileHand(BlobFiles& files, JobQuery& jobs, mqtt::Transport& chunks, const wire::Topics& topics, FileReports reports);
  ~FileHand();  // does what is queued, then ends
  FileHand(const FileHand&) = delete;
  FileHand& operator=(const FileHand&) = delete;

  // Removes output files that nothing names: left by a crash between a commit and the removal. A few at a time, between
  // other work, so that it holds up nobody; once is enough.
  void sweep_outputs();

  // Thread-safe. Bounded by what the reactor asks for: its pulls and the nodes' credit.
  void add(std::vector<FileOp> ops);

 private:
  void run();
  void work(const AppendOutput& op);
  void work(const SealOutput& op);
  void work(const RemoveOutput& op);
  void work(const SendBlob& op);
  void work(const RemoveBlob& op);
  void work(const ReadForgotten& op);
  void work(const FindExpired& op);
  void sweep_some();
  bool send_chunk(const SendBlob& op, uint64_t offset, std::string bytes);
  bool may_connect();

  BlobFiles& files_;
  JobQuery& jobs_;
  mqtt::Transport& chunks_;
  const wire::Topics& topics_;
  FileReports reports_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FileOp> queue_;
  bool stopping_ = false;
  bool sweeping_ = false;
  bool gave_up_ = false;  // on the connection of the chunks; the thread's own
  posix::LogOnce trouble_;
  std::thread thread_;
};

}  // namespace bramble::aggregator
