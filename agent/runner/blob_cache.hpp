// The inputs of tasks on disk: DIR/<sha256>, and <sha256>.part while one is on its way. One thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/effects.hpp"
#include "agent/core/reactor.hpp"
#include "agent/runner/blob_proofs.hpp"
#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::runner {

class BlobCache {
 public:
  // Cards lose bits without a word in months, not minutes. Reading a GiB again takes some 7 s of a core of a Pi 4: so
  // seldom that costs 1 % at most.
  static constexpr int64_t kTrustMs = 10 * 60 * 1000;

  // Makes the directory and removes what an earlier run left: running tasks have their input open.
  static Result<BlobCache> open(std::string directory);

  // An error is the disk's. Bytes must come in order; offset 0 begins anew.
  Status write(const agent::BlobWrite& write);

  // Gives the file its name if the bytes are those that it names. One that has its name already must still be the file
  // that was written (same size, time of change and inode); where its bytes were last known to be right longer than
  // kTrustMs ago they are read again: then nothing is told now, and its verdict comes. conflict: it is not that file,
  // or the bytes are not those; any other error: the disk.
  std::optional<Status> check(const std::string& sha256, MonoTime now);

  struct Verdict {
    std::string sha256;
    Status status;
  };
  void on_verdict(std::function<void()> wake) { proofs_.on_proof(std::move(wake)); }  // called on another thread
  std::vector<Verdict> take_verdicts(MonoTime now);  // of files that were neither dropped nor written since

  void drop(const std::string& sha256);

 private:
  struct Part {
    posix::UniqueFd fd;
    posix::Sha256 digest;
    uint64_t size_bytes = 0;
  };

  explicit BlobCache(std::string directory) : directory_(std::move(directory)) {}
  std::string path(const std::string& sha256) const { return directory_ + "/" + sha256; }
  std::string part_path(const std::string& sha256) const { return path(sha256) + ".part"; }

  // What tells that a file is still the one that was verified.
  struct Mark {
    uint64_t inode = 0;
    int64_t size_bytes = 0;
    int64_t changed_ns = 0;

    bool operator==(const Mark&) const = default;
  };
  struct Whole {
    Mark mark;
    MonoTime proved;        // its bytes were right
    uint64_t question = 0;  // that its bytes be read again
  };
  static Mark mark_of(const struct stat& info);
  Status complete(std::map<std::string, Part>::iterator part, MonoTime now);
  Status check_mark(const std::string& sha256) const;

  std::string directory_;
  std::map<std::string, Part> parts_;
  std::map<std::string, Whole> whole_;  // have their names
  uint64_t last_question_ = 0;
  BlobProofs proofs_;
};

}  // namespace bramble::runner
