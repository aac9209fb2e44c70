// The node's half of `bramble map` with --combine or --partitions (aggregator/cli/README.md).
//
//   mapreduce map --partitions R [--kernel NAME] [--combine CMD] [-- CMD ARG...]
//     A kernel. A call is a piece of the input; it is mapped (by a kernel that stays, or by a command), sorted,
//     combined, and its result is R partitions (lines.hpp).
//   mapreduce reduce CMD
//     A command. Standard input, a file, holds the sorted partitions of many maps; CMD is run by sh -c and reads all
//     their lines in order. The status is that of CMD.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "agent/kernels/kernel.hpp"
#include "agent/kernels/mapreduce/child.hpp"
#include "agent/kernels/mapreduce/lines.hpp"
#include "common/base/keyed_line.hpp"

namespace bramble::mapreduce {
namespace {

constexpr int kWrongUsage = 2;
constexpr size_t kMaxPartitions = 1024;
constexpr size_t kSinkBytes = size_t{64} << 10;

struct MapOptions {
  size_t partitions = 0;
  std::string kernel;
  std::string combine;
  std::vector<std::string> command;
};

class Mapper {
 public:
  explicit Mapper(MapOptions options) : options_(std::move(options)), kernel_(options_.kernel) {}

  std::string operator()(std::string_view piece) {
    std::string text =
        options_.kernel.empty() ? run_filter("the map command", options_.command, piece) : kernel_.call(piece);
    auto lines = sorted(text);
    std::string combined;
    if (!options_.combine.empty()) {
      text = joined(lines);
      combined = run_filter("the combine command", {"sh", "-c", options_.combine}, text);
      lines = sorted(combined);
    }
    std::string result = with_lengths(partition(lines, options_.partitions));
    if (result.size() <= kernel::kMaxCallBytes) return result;
    throw std::runtime_error("what the map makes of a piece has " + std::to_string(result.size() >> 20) +
                             " MiB; at most 16 are allowed: make pieces smaller (--split)");
  }

 private:
  static std::vector<std::string_view> sorted(std::string_view text) {
    auto lines = split_lines(text);
    if (!std::is_sorted(lines.begin(), lines.end(), comes_before)) std::sort(lines.begin(), lines.end(), comes_before);
    return lines;
  }

  static std::string joined(const std::vector<std::string_view>& lines) {
    std::string text;
    for (const std::string_view line : lines) (text += line) += '\n';
    return text;
  }

  const MapOptions options_;
  ChildKernel kernel_;
};

std::optional<MapOptions> parse_map(int argc, char** argv) {
  MapOptions options;
  int at = 2;
  for (; at + 1 < argc && std::strcmp(argv[at], "--") != 0; at += 2) {
    const std::string_view name = argv[at], value = argv[at + 1];
    if (name == "--partitions") {
      std::from_chars(value.data(), value.data() + value.size(), options.partitions);
    } else if (name == "--kernel") {
      options.kernel = value;
    } else if (name == "--combine") {
      options.combine = value;
    } else {
      return {};
    }
  }
  if (at < argc && std::strcmp(argv[at], "--") == 0) options.command.assign(argv + at + 1, argv + argc);
  const bool good = options.partitions >= 1 && options.partitions <= kMaxPartitions &&
                    options.kernel.empty() != options.command.empty();
  return good ? std::optional(options) : std::nullopt;
}

std::string_view map_standard_input() {
  struct stat about {};
  if (::fstat(STDIN_FILENO, &about) != 0 || !S_ISREG(about.st_mode)) {
    throw std::runtime_error("standard input must be a file");
  }
  const auto bytes = static_cast<size_t>(about.st_size);
  if (bytes == 0) return {};
  void* const text = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
  if (text == MAP_FAILED) throw std::runtime_error("cannot map standard input");
  return {static_cast<const char*>(text), bytes};
}

int reduce(const std::string& command) {
  Merge merge(sorted_runs(map_standard_input()));
  Sink sink({"sh", "-c", command});
  std::string waiting;
  std::string_view line;
  while (merge.next(line)) {
    (waiting += line) += '\n';
    if (waiting.size() < kSinkBytes) continue;
    if (!sink.write(waiting)) return sink.finish();
    waiting.clear();
  }
  static_cast<void>(sink.write(waiting));  // what it does not want, it need not read
  return sink.finish();
}

int run(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "reduce" && argc == 3) return reduce(argv[2]);
  if (auto options = mode == "map" ? parse_map(argc, argv) : std::nullopt) {
    Mapper mapper(std::move(*options));
    return kernel::serve([&](std::string_view piece) { return mapper(piece); });
  }
  std::fputs(
      "usage: mapreduce map --partitions R [--kernel NAME] [--combine CMD] [-- CMD ARG...]\n"
      "       mapreduce reduce CMD\n"
      "bramble map runs it on the nodes.\n",
      stderr);
  return kWrongUsage;
}

}  // namespace
}  // namespace bramble::mapreduce

int main(int argc, char** argv) {
  try {
    return bramble::mapreduce::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mapreduce: %s\n", error.what());
    return 1;
  }
}
