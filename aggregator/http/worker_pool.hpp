// A few threads for what may block: reading the store, files, SQL. Bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bramble::aggregator::http {

// Thread-safe.
class WorkerPool {
 public:
  WorkerPool(size_t threads, size_t max_waiting);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when max_waiting tasks wait already, or after stop(): the task was not taken.
  bool post(std::function<void()> task);

  // Ends when the tasks that are running have; those that wait are dropped. Not from a thread of the pool.
  void stop();

 private:
  void work();

  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bramble::aggregator::http
