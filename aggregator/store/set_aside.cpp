#include "aggregator/store/set_aside.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <vector>

#include "aggregator/store/migrations.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxSetAside = 3;  // the oldest one is removed for a further one

std::string time_text() {
  const auto seconds = static_cast<std::time_t>(posix::wall_now().ms / 1000);
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return {text, length};
}

// Names hold their time, so that their order is that of time.
std::vector<fs::path> set_aside_before(const fs::path& path) {
  std::vector<fs::path> found;
  std::error_code error;
  const std::string prefix = path.filename().string() + ".damaged-";
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with("-wal")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void make_place(const fs::path& path) {
  auto old = set_aside_before(path);
  std::error_code ignored;
  for (size_t i = 0; i + kMaxSetAside <= old.size(); ++i) {
    fs::remove(old[i], ignored);
    fs::remove(old[i].string() + "-wal", ignored);
  }
}

std::string free_name(const std::string& path) {
  const std::string name = path + ".damaged-" + time_text();
  std::string tried = name;
  for (int i = 2; fs::exists(tried); ++i) tried = name + "." + std::to_string(i);
  return tried;
}

bool is_from_newer(const std::string& path) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_only, 0);
  if (!connection) return false;
  const auto version = connection->integer("PRAGMA user_version");
  return version && *version > static_cast<int64_t>(telemetry_schema().size());
}

}  // namespace

Result<std::unique_ptr<TelemetryTable>> open_or_set_aside(const std::string& path, size_t max_others,
                                                          const TellPeople& tell) {
  auto table = TelemetryTable::open(path, max_others);
  if (table || table.error().code != ErrorCode::corrupt || is_from_newer(path)) return table;
  return set_aside_and_open(path, table.error(), max_others, tell);
}

Result<std::unique_ptr<TelemetryTable>> set_aside_and_open(const std::string& path, const Error& damage,
                                                           size_t max_others, const TellPeople& tell) {
  make_place(path);
  const std::string aside = free_name(path);
  std::error_code failed;
  fs::rename(path, aside, failed);
  if (failed) return fail(ErrorCode::io, damage.message + "; and it cannot be renamed: " + failed.message());
  fs::rename(path + "-wal", aside + "-wal", failed);  // where there is one: it is a part of the database
  fs::remove(path + "-shm", failed);
  tell(damage.message + ". It is set aside as " + aside + " and a new one is begun; `sqlite3 " + aside +
       " .recover` may save what it holds");
  return TelemetryTable::open(path, max_others);
}

}  // namespace bramble::aggregator
