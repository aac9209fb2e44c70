#include "aggregator/store/output_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "aggregator/store/file_io.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator {

struct OutputFiles::File {
  std::mutex mutex;
  posix::UniqueFd fd;
  uint64_t size_bytes = 0;
  bool named = false;    // its directory entry is durable
  bool removed = false;  // by another thread, while this one still holds it
};

OutputFiles::OutputFiles(std::string root, Quota& quota, size_t max_open)
    : root_(std::move(root)), quota_(quota), max_open_(max_open) {}
OutputFiles::~OutputFiles() = default;

std::string OutputFiles::directory(const AttemptKey& key) const { return root_ + "/" + std::to_string(key.job); }

std::string OutputFiles::path(const AttemptKey& key, wire::Stream stream) const {
  return directory(key) + "/" + std::to_string(key.task) + "." + std::to_string(key.attempt) +
         (stream == wire::Stream::stdout_ ? ".out" : ".err");
}

// No file (and no error) where there is none and none is to be made.
Result<std::shared_ptr<OutputFiles::File>> OutputFiles::open(const AttemptKey& key, wire::Stream stream, bool create) {
  const std::string file_path = path(key, stream);
  const std::lock_guard lock(mutex_);
  if (const auto found = by_path_.find(file_path); found != by_path_.end()) {
    open_.splice(open_.begin(), open_, found->second);
    return open_.front().second;
  }
  if (create) {
    if (Status status = make_directory(directory(key)); !status) return tl::unexpected<Error>(status.error());
  }
  auto file = std::make_shared<File>();
  file->fd = posix::UniqueFd(::open(file_path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0644));
  if (!file->fd && errno == ENOENT && !create) return nullptr;
  if (!file->fd) return disk_failure("cannot open " + file_path, errno);
  file->size_bytes = file_size(file_path).value_or(0);
  open_.emplace_front(file_path, file);
  by_path_[file_path] = open_.begin();
  if (open_.size() > max_open_) {
    by_path_.erase(open_.back().first);
    open_.pop_back();
  }
  return file;
}

Status OutputFiles::append(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes) {
  Status status = write(key, stream, offset, bytes);
  if (status) quota_.disk_took();
  if (!status) quota_.heed(status.error());
  return status;
}

Status OutputFiles::write(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes) {
  const auto file = open(key, stream, true);
  if (!file) return tl::unexpected<Error>(file.error());
  File& target = **file;
  const std::lock_guard lock(target.mutex);
  if (target.removed) return fail(ErrorCode::not_found, "the output of " + to_string(key) + " has been removed");
  if (offset > target.size_bytes) {
    return fail(ErrorCode::conflict, "output of " + to_string(key) + " at byte " + std::to_string(offset) +
                                         " would leave a hole: " + std::to_string(target.size_bytes) +
                                         " bytes are there");
  }
  const uint64_t end = offset + bytes.size();
  const uint64_t growth = end > target.size_bytes ? end - target.size_bytes : 0;
  if (Status status = quota_.take(growth); !status) return status;
  Status status = write_at(target.fd.get(), path(key, stream), offset, bytes);
  if (!status) {
    // What was written before the disk was full would count for nobody: cut it off.
    if (::ftruncate(target.fd.get(), static_cast<off_t>(target.size_bytes)) == 0) quota_.give_back(growth);
    return status;
  }
  target.size_bytes += growth;
  return {};
}

Status OutputFiles::sync(const AttemptKey& key, wire::Stream stream) {
  const auto file = open(key, stream, false);
  if (!file) return tl::unexpected<Error>(file.error());
  if (*file == nullptr) return {};
  const std::lock_guard lock((*file)->mutex);
  if (Status status = sync_file((*file)->fd.get(), path(key, stream)); !status) return status;
  if ((*file)->named || (*file)->removed) return {};
  Status status = sync_directory(directory(key));
  if (status) (*file)->named = true;
  return status;
}

Result<std::string> OutputFiles::read(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                      size_t max_bytes) const {
  return read_at(path(key, stream), offset, max_bytes);
}

uint64_t OutputFiles::size(const AttemptKey& key, wire::Stream stream) const {
  return file_size(path(key, stream)).value_or(0);
}

void OutputFiles::remove(const AttemptKey& key) {
  const std::lock_guard lock(mutex_);
  remove_file(path(key, wire::Stream::stdout_));
  remove_file(path(key, wire::Stream::stderr_));
  ::rmdir(directory(key).c_str());  // only if that was the job's last
}

void OutputFiles::remove_file(const std::string& file_path) {
  std::shared_ptr<File> file;
  std::unique_lock<std::mutex> file_lock;
  if (const auto found = by_path_.find(file_path); found != by_path_.end()) {
    file = found->second->second;
    file_lock = std::unique_lock(file->mutex);
    file->removed = true;
    open_.erase(found->second);
    by_path_.erase(found);
  }
  const uint64_t size_bytes = file_size(file_path).value_or(0);
  if (::unlink(file_path.c_str()) == 0) quota_.give_back(size_bytes);
}

namespace {

// "12/7.1.out": the attempt that it belongs to. What is not of that form is nobody's, and left alone.
std::optional<AttemptKey> attempt_of(const std::filesystem::path& file) {
  AttemptKey key;
  char extra = 0;
  const std::string name = file.parent_path().filename().string() + "/" + file.stem().string();
  const bool named = std::sscanf(name.c_str(), "%" SCNu64 "/%" SCNu32 ".%" SCNu32 "%c", &key.job, &key.task,
                                 &key.attempt, &extra) == 3;
  const std::string extension = file.extension().string();
  return named && (extension == ".out" || extension == ".err") ? std::optional(key) : std::nullopt;
}

}  // namespace

std::vector<AttemptKey> OutputFiles::next(size_t max_attempts) {
  std::error_code error;  // what cannot be read is passed over
  if (!walking_) walk_ = std::filesystem::recursive_directory_iterator(root_, error);
  std::vector<AttemptKey> keys;
  for (; walk_ != std::filesystem::recursive_directory_iterator() && keys.size() < max_attempts;
       walk_.increment(error)) {
    const auto key = attempt_of(walk_->path());
    if (key && (keys.empty() || keys.back() != *key)) keys.push_back(*key);
  }
  walking_ = !keys.empty();  // the end is told by nothing, and only then a new walk may begin
  return keys;
}

}  // namespace bramble::aggregator
