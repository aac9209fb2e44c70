#include "aggregator/store/blob_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "aggregator/store/file_io.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator {
namespace {

Result<uint64_t> bytes_below(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(directory, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;  // removed meanwhile
    if (entry->is_regular_file(ignored)) bytes += file_size(entry->path().string()).value_or(0);
  }
  if (error) return disk_failure("cannot read " + directory, error.value());
  return bytes;
}

}  // namespace

class DirectoryBlobFiles::Writer final : public BlobWriter {
 public:
  Writer(DirectoryBlobFiles& owner, std::string path, posix::UniqueFd fd)
      : owner_(owner), path_(std::move(path)), fd_(std::move(fd)) {}

  ~Writer() override {
    if (kept_) return;
    ::unlink(path_.c_str());
    owner_.quota_.give_back(size_bytes_);
  }

  Status write(std::string_view bytes) override {
    if (Status status = owner_.quota_.take(bytes.size()); !status) return status;
    Status status = write_at(fd_.get(), path_, size_bytes_, bytes);
    if (!status) {
      owner_.quota_.give_back(bytes.size());
      owner_.quota_.heed(status.error());
      broken_ = true;
      return status;
    }
    digest_.update(bytes);
    size_bytes_ += bytes.size();
    return {};
  }

  Result<wire::BlobRef> finish() override {
    auto blob = complete();
    if (blob) {
      owner_.quota_.disk_took();
    } else {
      owner_.quota_.heed(blob.error());
    }
    return blob;
  }

 private:
  Result<wire::BlobRef> complete() {
    if (broken_ || kept_) return fail(ErrorCode::conflict, "the blob was not written completely: send it again");
    if (Status status = sync_file(fd_.get(), path_); !status) return fail(status.error());
    const wire::BlobRef blob{digest_.hex(), size_bytes_};
    if (Status status = owner_.keep_blob(path_, blob.sha256); !status) return fail(status.error());
    kept_ = true;
    if (Status status = sync_directory(owner_.blob_directory(blob.sha256)); !status) return fail(status.error());
    return blob;
  }

  DirectoryBlobFiles& owner_;
  const std::string path_;
  posix::UniqueFd fd_;
  posix::Sha256 digest_;
  uint64_t size_bytes_ = 0;
  bool broken_ = false;
  bool kept_ = false;
};

DirectoryBlobFiles::DirectoryBlobFiles(const std::string& root, const BlobFilesOptions& options)
    : root_(root), quota_(options.quota_bytes), outputs_(root + "/outputs", quota_, options.max_open_outputs) {}

Result<std::unique_ptr<DirectoryBlobFiles>> DirectoryBlobFiles::open(const std::string& root,
                                                                     BlobFilesOptions options) {
  std::unique_ptr<DirectoryBlobFiles> files(new DirectoryBlobFiles(root, options));
  if (Status status = files->prepare(); !status) return fail(status.error());
  return files;
}

Status DirectoryBlobFiles::prepare() {
  if (Status status = posix::remove_tree(root_ + "/incoming"); !status) return status;
  for (const char* folder : {"/incoming", "/blobs", "/outputs"}) {
    if (Status status = posix::make_directories(root_ + folder); !status) return status;
  }
  for (const char* folder : {"/blobs", "/outputs"}) {
    const auto bytes = bytes_below(root_ + folder);
    if (!bytes) return fail(bytes.error());
    quota_.count(*bytes);
  }
  return {};
}

// --- blobs -----------------------------------------------------------------------------------------------------------

Result<std::vector<wire::BlobRef>> DirectoryBlobFiles::list_blobs() const {
  std::vector<wire::BlobRef> blobs;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(root_ + "/blobs", error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_sha256(name)) blobs.push_back({name, file_size(entry->path().string()).value_or(0)});
  }
  if (error) return disk_failure("cannot read " + root_ + "/blobs", error.value());
  return blobs;
}

Result<std::unique_ptr<BlobWriter>> DirectoryBlobFiles::begin_blob() {
  std::string path = root_ + "/incoming/" + std::to_string(next_incoming_++);
  posix::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) {
    const auto refused = disk_failure("cannot make " + path, errno);
    quota_.heed(refused.value());
    return refused;
  }
  return std::make_unique<Writer>(*this, std::move(path), std::move(fd));
}

Status DirectoryBlobFiles::keep_blob(const std::string& incoming, const std::string& sha256) {
  const std::lock_guard lock(blobs_mutex_);
  if (Status status = make_directory(blob_directory(sha256)); !status) return status;
  const uint64_t replaced_bytes = file_size(blob_path(sha256)).value_or(0);
  if (::rename(incoming.c_str(), blob_path(sha256).c_str()) != 0) {
    return disk_failure("cannot make " + blob_path(sha256), errno);
  }
  quota_.give_back(replaced_bytes);
  stored_[sha256] = posix::mono_now();
  return {};
}

std::optional<uint64_t> DirectoryBlobFiles::blob_size(const std::string& sha256) {
  if (!is_sha256(sha256)) return std::nullopt;
  return file_size(blob_path(sha256));
}

Result<std::string> DirectoryBlobFiles::read_blob(const std::string& sha256, uint64_t offset, size_t max_bytes) {
  if (!blob_size(sha256)) return fail(ErrorCode::not_found, "there is no blob " + sha256);
  return read_at(blob_path(sha256), offset, max_bytes);
}

void DirectoryBlobFiles::remove_blob(const std::string& sha256, MonoTime known) {
  const std::lock_guard lock(blobs_mutex_);
  const auto stored = stored_.find(sha256);
  if (stored != stored_.end()) {
    if (stored->second > known) return;
    stored_.erase(stored);
  }
  const auto size_bytes = blob_size(sha256);
  if (size_bytes && ::unlink(blob_path(sha256).c_str()) == 0) quota_.give_back(*size_bytes);
}

// --- outputs ---------------------------------------------------------------------------------------------------------

Status DirectoryBlobFiles::append_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                         std::string_view bytes) {
  return outputs_.append(key, stream, offset, bytes);
}

Status DirectoryBlobFiles::sync_output(const AttemptKey& key, wire::Stream stream) {
  return outputs_.sync(key, stream);
}

Result<std::string> DirectoryBlobFiles::read_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                                    size_t max_bytes) {
  return outputs_.read(key, stream, offset, max_bytes);
}

uint64_t DirectoryBlobFiles::output_size(const AttemptKey& key, wire::Stream stream) {
  return outputs_.size(key, stream);
}

void DirectoryBlobFiles::remove_output(const AttemptKey& key) { outputs_.remove(key); }

std::vector<AttemptKey> DirectoryBlobFiles::next_outputs(size_t max_attempts) { return outputs_.next(max_attempts); }

}  // namespace bramble::aggregator
