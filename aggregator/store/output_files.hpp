// Output files of attempts: <root>/<job>/<task>.<attempt>.out and .err. Thread-safe; calls for one file wait for each
// other.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/store/quota.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {

class OutputFiles {
 public:
  // Keeps at most max_open files open for appending; the one that was appended to longest ago is closed first.
  OutputFiles(std::string root, Quota& quota, size_t max_open);
  ~OutputFiles();

  // Bytes that are there already are written again: a repeated chunk changes nothing.
  Status append(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes);
  Status sync(const AttemptKey& key, wire::Stream stream);  // nothing to do for one that does not exist
  Result<std::string> read(const AttemptKey& key, wire::Stream stream, uint64_t offset, size_t max_bytes) const;
  uint64_t size(const AttemptKey& key, wire::Stream stream) const;
  void remove(const AttemptKey& key);

  // A walk over all attempts that have files, in the order of the directory. Nothing: that was all, and the next call
  // begins anew. For one thread.
  std::vector<AttemptKey> next(size_t max_attempts);

 private:
  struct File;
  using Entry = std::pair<std::string, std::shared_ptr<File>>;

  Status write(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes);
  std::string path(const AttemptKey& key, wire::Stream stream) const;
  std::string directory(const AttemptKey& key) const;
  Result<std::shared_ptr<File>> open(const AttemptKey& key, wire::Stream stream, bool create);
  void remove_file(const std::string& path);

  const std::string root_;
  Quota& quota_;
  const size_t max_open_;
  std::mutex mutex_;       // for the two below, and for making and removing files
  std::list<Entry> open_;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
  std::filesystem::recursive_directory_iterator walk_;
  bool walking_ = false;
};

}  // namespace bramble::aggregator
