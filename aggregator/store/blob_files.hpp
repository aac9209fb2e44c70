// Blobs and outputs as files below one directory, with a limit for all of them together:
//   blobs/<first 2 digits>/<sha256>   whole and durable, or absent
//   outputs/<job>/<task>.<attempt>.out, .err
//   incoming/                         blobs being taken in; emptied at the start
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/output_files.hpp"
#include "aggregator/store/quota.hpp"

namespace bramble::aggregator {

struct BlobFilesOptions {
  uint64_t quota_bytes = uint64_t{16} << 30;  // above it: error limit
  size_t max_open_outputs = 128;
};

// Thread-safe. A full disk is error unavailable: the same may be tried again.
class DirectoryBlobFiles final : public BlobFiles {
 public:
  // Makes the directories, removes what a stopped process left half-done, and counts what is there.
  static Result<std::unique_ptr<DirectoryBlobFiles>> open(const std::string& root, BlobFilesOptions options = {});

  // Writers must be gone before this object is. A blob that exists already is replaced: should its file be damaged,
  // sending it again heals it.
  Result<std::unique_ptr<BlobWriter>> begin_blob() override;
  std::optional<uint64_t> blob_size(const std::string& sha256) override;
  Result<std::string> read_blob(const std::string& sha256, uint64_t offset, size_t max_bytes) override;
  void remove_blob(const std::string& sha256, MonoTime known) override;
  Result<std::vector<wire::BlobRef>> list_blobs() const;

  Status append_output(const AttemptKey& key, wire::Stream stream, uint64_t offset, std::string_view bytes) override;
  Status sync_output(const AttemptKey& key, wire::Stream stream) override;
  Result<std::string> read_output(const AttemptKey& key, wire::Stream stream, uint64_t offset,
                                  size_t max_bytes) override;
  uint64_t output_size(const AttemptKey& key, wire::Stream stream) override;
  void remove_output(const AttemptKey& key) override;
  std::vector<AttemptKey> next_outputs(size_t max_attempts) override;

  StorageUse storage() override { return {quota_.used_bytes(), quota_.limit_bytes(), quota_.full()}; }
  uint64_t used_bytes() const { return quota_.used_bytes(); }

 private:
  class Writer;

  DirectoryBlobFiles(const std::string& root, const BlobFilesOptions& options);
  Status prepare();
  std::string blob_directory(const std::string& sha256) const { return root_ + "/blobs/" + sha256.substr(0, 2); }
  std::string blob_path(const std::string& sha256) const { return blob_directory(sha256) + "/" + sha256; }
  Status keep_blob(const std::string& incoming, const std::string& sha256);

  const std::string root_;
  Quota quota_;
  OutputFiles outputs_;
  std::mutex blobs_mutex_;                            // putting a blob in its place and removing one
  std::unordered_map<std::string, MonoTime> stored_;  // by this process; guarded by blobs_mutex_
  std::atomic<uint64_t> next_incoming_ = 0;
};

}  // namespace bramble::aggregator
