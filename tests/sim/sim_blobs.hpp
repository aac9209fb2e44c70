// Input files without bytes of their own: blob k is one character, again and again, so that a gap or a stranger's chunk
// in it is seen.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::sim {

// Different ones: so many that the nodes often want one that none of them has had, and then together.
inline constexpr uint64_t kSimBlobs = 64;

inline uint64_t sim_number(std::string_view sha256) {
  return std::stoull(std::string(sha256.substr(0, 2)), nullptr, 16);
}
inline char sim_letter(std::string_view sha256) { return static_cast<char>('0' + sim_number(sha256)); }
inline uint64_t sim_size(std::string_view sha256) {
  constexpr uint64_t kSizes = 8;
  constexpr uint64_t kStepBytes = 90'000;  // the largest has more chunks than are asked for at once
  return 1 + sim_number(sha256) % kSizes * kStepBytes;
}
inline wire::BlobRef sim_blob(uint64_t k) {
  std::string sha256;
  while (sha256.size() < 64) sha256 += {"0123456789abcdef"[k / 16], "0123456789abcdef"[k % 16]};
  return {sha256, sim_size(sha256)};
}

// What the head has been given.
class HeadBlobs {
 public:
  void put(const wire::BlobRef& blob, MonoTime at) { stored_[blob.sha256] = at; }
  void remove(const std::string& sha256, MonoTime known) {
    const auto found = stored_.find(sha256);
    if (found != stored_.end() && found->second <= known) stored_.erase(found);
  }
  std::vector<wire::BlobRef> all() const {
    std::vector<wire::BlobRef> blobs;
    for (const auto& [sha256, at] : stored_) blobs.push_back({sha256, sim_size(sha256)});
    return blobs;
  }
  // Empty at offset 0: there is no such blob.
  std::string chunk(const std::string& sha256, uint64_t offset) const {
    if (!stored_.contains(sha256) || offset >= sim_size(sha256)) return {};
    return std::string(std::min<uint64_t>(wire::kBlobChunkBytes, sim_size(sha256) - offset), sim_letter(sha256));
  }

 private:
  std::map<std::string, MonoTime> stored_;
};

// What lies on a node's card.
class NodeBlobs {
 public:
  void write(const std::string& sha256, uint64_t offset, const std::string& data) {
    Part& part = parts_[sha256];
    if (offset == 0) part = {};
    part.good = part.good && offset == part.bytes && data.find_first_not_of(sim_letter(sha256)) == std::string::npos;
    part.bytes += data.size();
  }
  bool check(const std::string& sha256) {
    Part& part = parts_[sha256];
    part.whole = part.good && part.bytes == sim_size(sha256);
    return part.whole;
  }
  void drop(const std::string& sha256) { parts_.erase(sha256); }
  void clear() { parts_.clear(); }

  // As a path of the agent's.
  bool is_there(std::string_view path) const {
    const auto found = parts_.find(std::string(path.substr(path.rfind('/') + 1)));
    return found != parts_.end() && found->second.whole;
  }

 private:
  struct Part {
    uint64_t bytes = 0;
    bool good = true;
    bool whole = false;
  };

  std::map<std::string, Part> parts_;
};

}  // namespace bramble::sim
