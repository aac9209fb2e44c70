#include "agent/runner/blob_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

namespace bramble::runner {
namespace {

// As the warden wants it of a file that it links beside a task: for all to read and run, for nobody to write. The
// directory above is nobody's but the agent's.
constexpr mode_t kBlobMode = 0555;

Status write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return posix::system_failure("cannot write an input", errno);
    }
  }
  return {};
}

}  // namespace

Result<BlobCache> BlobCache::open(std::string directory) {
  if (Status removed = posix::remove_tree(directory); !removed) return tl::unexpected<Error>(removed.error());
  if (Status made = posix::make_directories(directory); !made) return tl::unexpected<Error>(made.error());
  return BlobCache(std::move(directory));
}

Status BlobCache::write(const agent::BlobWrite& write) {
  if (write.offset == 0) {
    Part part;
    const std::string file = part_path(write.sha256);
    part.fd.reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!part.fd) return posix::system_failure("cannot create " + file, errno);
    parts_.insert_or_assign(write.sha256, std::move(part));
    whole_.erase(write.sha256);  // it is about to be another file
  }
  const auto found = parts_.find(write.sha256);
  if (found == parts_.end() || found->second.size_bytes != write.offset) {
    return fail(ErrorCode::io, "an input's earlier part could not be stored");
  }
  Part& part = found->second;
  if (Status written = write_all(part.fd.get(), write.data); !written) {
    drop(write.sha256);
    return written;
  }
  part.digest.update(write.data);
  part.size_bytes += write.data.size();
  return {};
}

std::optional<Status> BlobCache::check(const std::string& sha256, MonoTime now) {
  if (const auto part = parts_.find(sha256); part != parts_.end()) return complete(part, now);
  if (Status same = check_mark(sha256); !same) return same;
  Whole& whole = whole_.at(sha256);
  if (now - whole.proved < kTrustMs) return Status{};
  whole.question = ++last_question_;
  proofs_.ask(whole.question, sha256, path(sha256));
  return std::nullopt;
}

Status BlobCache::complete(std::map<std::string, Part>::iterator part, MonoTime now) {
  const std::string sha256 = part->first;
  const std::string actual = part->second.digest.hex();
  struct stat info {};
  const int fd = part->second.fd.get();
  const bool readable = ::fchmod(fd, kBlobMode) == 0 && ::fstat(fd, &info) == 0;
  const int error = errno;
  parts_.erase(part);
  if (!readable) return posix::system_failure("cannot make " + part_path(sha256) + " readable", error);
  if (actual != sha256) return fail(ErrorCode::conflict, "blob " + sha256 + " arrived as " + actual);
  if (std::rename(part_path(sha256).c_str(), path(sha256).c_str()) != 0) {
    return posix::system_failure("cannot rename " + part_path(sha256), errno);
  }
  whole_.insert_or_assign(sha256, Whole{mark_of(info), now, 0});
  return {};
}

// A task cannot write to it, but a person or a failing card can.
Status BlobCache::check_mark(const std::string& sha256) const {
  const auto found = whole_.find(sha256);
  if (found == whole_.end()) return fail(ErrorCode::io, "an input's earlier part could not be stored");
  struct stat info {};
  const bool is_same = ::lstat(path(sha256).c_str(), &info) == 0 && mark_of(info) == found->second.mark;
  return is_same ? Status{} : fail(ErrorCode::conflict, path(sha256) + " is not any more as it was stored");
}

std::vector<BlobCache::Verdict> BlobCache::take_verdicts(MonoTime now) {
  std::vector<Verdict> verdicts;
  for (BlobProofs::Proof& proof : proofs_.take()) {
    const auto found = whole_.find(proof.sha256);
    if (found == whole_.end() || found->second.question != proof.number) continue;
    Status status = proof.status ? check_mark(proof.sha256) : std::move(proof.status);
    if (status) found->second.proved = now;
    verdicts.push_back({std::move(proof.sha256), std::move(status)});
  }
  return verdicts;
}

BlobCache::Mark BlobCache::mark_of(const struct stat& info) {
  return {info.st_ino, info.st_size, int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

void BlobCache::drop(const std::string& sha256) {
  parts_.erase(sha256);
  whole_.erase(sha256);
  ::unlink(part_path(sha256).c_str());
  ::unlink(path(sha256).c_str());
}

}  // namespace bramble::runner
