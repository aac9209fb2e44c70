// What a source reads with: small files into one buffer that is used again, and one complaint for each look.
//
// A file that is not there is no trouble: absent is absent, not zero. One that is there and cannot be read, or says
// nothing that makes sense, is: it is noted, and whoever looks after the sources tells people once.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/reading.hpp"
#include "agent/sensors/kept_files.hpp"
#include "agent/sensors/roots.hpp"

namespace bramble::sensors {

inline constexpr size_t kMaxProbedBytes = 1 << 20;  // of a file that is longer nothing is told

// For one look of one source. Not thread-safe.
class Probe {
 public:
  // kept: files that stay open for the next look; none: all are opened anew.
  Probe(const Roots& roots_in, MonoTime now_in, agent::Reading& reading_in, KeptFiles* kept = nullptr)
      : roots(roots_in), now(now_in), reading(reading_in), kept_(kept) {}

  // The whole file, valid until the next call; nothing where there is no such file, or after trouble.
  std::optional<std::string_view> text(const std::string& path) { return read(path, true); }
  // The same for files that some drivers refuse to tell in good order: no trouble, only nothing.
  std::optional<std::string_view> text_if_told(const std::string& path) { return read(path, false); }
  // The number that the file begins with.
  std::optional<double> number(const std::string& path);
  std::optional<double> number_if_told(const std::string& path);

  void set(const char* metric, double value) { reading.values[metric] = value; }
  void trouble(std::string why);
  // What a file holds instead of what was looked for.
  void nonsense(const std::string& path, std::string_view held);
  const std::string& complaint() const { return complaint_; }  // the first; empty: none

  const Roots& roots;
  const MonoTime now;
  agent::Reading& reading;

 private:
  std::optional<std::string_view> read(const std::string& path, bool complain);
  template <typename ReadAt>  // ssize_t(char* into, size_t most, size_t at), as read(2)
  std::optional<std::string_view> read_whole(const std::string& path, bool complain, const ReadAt& read_at);
  std::span<char> grown(size_t size);

  KeptFiles* const kept_;
  std::string complaint_;
  std::array<char, 16 << 10> buffer_;  // not cleared: most files fill a few bytes of it
  std::vector<char> larger_;           // for the few that are longer (many interfaces, many CPUs)
};

}  // namespace bramble::sensors
