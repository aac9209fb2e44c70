#include "agent/runner/blob_proofs.hpp"

#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "common/posix/digest.hpp"

namespace bramble::runner {
namespace {

Status prove(const std::string& sha256, const std::string& path) {
  const auto actual = posix::sha256_hex_of_file(path);
  if (!actual) return fail(ErrorCode::conflict, actual.error().message);
  if (*actual != sha256) return fail(ErrorCode::conflict, path + " is damaged: its bytes are those of " + *actual);
  return {};
}

}  // namespace

// Outlives the BlobProofs where a read does.
struct BlobProofs::Shared {
  struct Question {
    uint64_t number = 0;
    std::string sha256;
    std::string path;
  };

  static void work(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (!shared->stopping && !shared->questions.empty()) {
      Question question = std::move(shared->questions.front());
      shared->questions.pop_front();
      lock.unlock();
      Status status = prove(question.sha256, question.path);
      lock.lock();
      if (shared->stopping) return;
      shared->proofs.push_back({question.number, std::move(question.sha256), std::move(status)});
      if (shared->wake) shared->wake();  // under the lock: the destructor must not overtake it
    }
    shared->working = false;
  }

  std::mutex mutex;
  std::function<void()> wake;
  std::deque<Question> questions;
  std::vector<Proof> proofs;
  bool working = false;
  bool stopping = false;
};

BlobProofs::BlobProofs() : shared_(std::make_shared<Shared>()) {}

BlobProofs::~BlobProofs() {
  if (!shared_) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
}

void BlobProofs::on_proof(std::function<void()> wake) {
  const std::lock_guard lock(shared_->mutex);
  shared_->wake = std::move(wake);
}

void BlobProofs::ask(uint64_t number, std::string sha256, std::string path) {
  const std::lock_guard lock(shared_->mutex);
  shared_->questions.push_back({number, std::move(sha256), std::move(path)});
  if (!std::exchange(shared_->working, true)) std::thread(Shared::work, shared_).detach();
}

std::vector<BlobProofs::Proof> BlobProofs::take() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->proofs, {});
}

}  // namespace bramble::runner
