#include "power_cut.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <set>

#include "agent/warden/process_table.hpp"
#include "common/posix/files.hpp"

namespace bramble::test::chaos {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWrittenBackS = 30;  // the kernel's dirty_expire_centisecs
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr int kAllWrittenChance = 33;
constexpr int kDirectoryGoneChance = 10;

std::vector<warden::ProcessEntry> living(const std::vector<pid_t>& roots) {
  const auto table = warden::ProcessTable::read();
  std::vector<warden::ProcessEntry> all;
  for (const warden::ProcessEntry& entry : table.entries()) {
    if (std::find(roots.begin(), roots.end(), entry.pid) != roots.end()) all.push_back(entry);
  }
  for (const pid_t root : roots) {
    for (const auto& entry : table.descendants(root)) all.push_back(entry);
  }
  std::erase_if(all, [](const auto& entry) { return entry.zombie; });
  return all;
}

bool is_young(const fs::path& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && ::time(nullptr) - about.st_ctim.tv_sec <= kWrittenBackS;
}

void overwrite(const fs::path& path, const std::string& text) { (void)posix::write_file_atomically(path, text); }

void damage(const fs::path& path, const std::vector<fs::path>& others, Random& random) {
  const std::string text = posix::read_file(path, kMaxFileBytes).value_or("");
  const int64_t what = random.between(0, 9);
  if (what < 4) return;  // it had been written
  if (what < 6) return overwrite(path, "");
  if (what < 8)
    return overwrite(path, text.substr(0, static_cast<size_t>(random.between(0, 1000)) * text.size() / 1000));
  if (what < 9) return (void)fs::remove(path);
  const auto& other = others[static_cast<size_t>(random.between(0, static_cast<int64_t>(others.size()) - 1))];
  const bool used_again = path.extension() == ".json" && other.filename() == path.filename();
  if (used_again) overwrite(path, posix::read_file(other, kMaxFileBytes).value_or(""));
}

}  // namespace

void kill_at_once(const std::vector<pid_t>& roots) {
  std::set<pid_t> frozen;
  for (size_t before = SIZE_MAX; before != frozen.size();) {
    before = frozen.size();
    for (const auto& entry : living(roots)) {
      if (frozen.insert(entry.pid).second) ::kill(entry.pid, SIGSTOP);
    }
  }
  for (const pid_t pid : frozen) ::kill(pid, SIGKILL);
  const auto alive = [&] {
    const auto table = warden::ProcessTable::read();
    return std::any_of(table.entries().begin(), table.entries().end(),
                       [&](const auto& entry) { return frozen.contains(entry.pid) && !entry.zombie; });
  };
  while (alive()) ::sched_yield();
}

void forget_unsynced(const std::string& directory, const std::vector<std::string>& synced, Random& random) {
  if (random.chance(kAllWrittenChance)) return;
  std::vector<fs::path> directories;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const fs::path& path = entry.path();
    if (entry.is_symlink() || !is_young(path) || std::count(synced.begin(), synced.end(), path.string()) > 0) continue;
    if (entry.is_regular_file()) files.push_back(path);
    if (entry.is_directory() && path.parent_path() != directory) directories.push_back(path);
  }
  std::sort(files.begin(), files.end());  // the same choice for the same seed
  for (const fs::path& path : files) damage(path, files, random);
  for (const fs::path& path : directories) {
    if (random.chance(kDirectoryGoneChance)) (void)posix::remove_tree(path);
  }
}

}  // namespace bramble::test::chaos
