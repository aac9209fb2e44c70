#include "aggregator/alert_command.hpp"

#include <unistd.h>

#include <csignal>

#include <nlohmann/json.hpp>

#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxWaiting = 100;
constexpr int64_t kTimeLimitMs = 30'000;

std::vector<std::string> environment_of(const AlertNotice& notice) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("BRAMBLE_ALERT")) all.emplace_back(*entry);
  }
  all.push_back("BRAMBLE_ALERT=" + notice.alert);
  all.push_back("BRAMBLE_ALERT_NODE=" + notice.node);
  all.push_back(std::string("BRAMBLE_ALERT_STATE=") + (notice.raised ? "raised" : "cleared"));
  all.push_back("BRAMBLE_ALERT_VALUE=" + nlohmann::json(notice.value).dump());
  all.push_back("BRAMBLE_ALERT_TEXT=" + notice.text);
  return all;
}

}  // namespace

AlertCommand::~AlertCommand() {
  if (running_) running_->kill_and_wait();
}

void AlertCommand::run(const AlertNotice& notice) {
  if (path_.empty()) return;
  waiting_.push_back(notice);
  if (waiting_.size() > kMaxWaiting) {
    posix::log_warning("alert_command is too slow: it is not run for \"" + waiting_.front().text + "\"");
    waiting_.pop_front();
  }
  tick();
}

void AlertCommand::tick() {
  if (running_) look_at_running();
  if (!running_ && !waiting_.empty()) begin_next();
}

void AlertCommand::look_at_running() {
  const auto status = running_->try_wait();
  if (!status && posix::mono_now() - started_ < kTimeLimitMs) return;
  if (!status) {
    ::kill(-running_->pid(), SIGKILL);  // with what it has started
    running_->kill_and_wait();
    posix::log_warning("alert_command ran for more than 30 s and was killed");
  } else if (!status->success()) {
    posix::log_warning("alert_command ended with status " + std::to_string(status->shell_code()));
  }
  running_.reset();
}

void AlertCommand::begin_next() {
  posix::SpawnOptions options;
  options.argv = {path_};
  options.env = environment_of(waiting_.front());
  options.die_with_parent = true;
  options.own_group = true;
  waiting_.pop_front();
  auto process = posix::Process::spawn(options);
  if (!process) return trouble_.say(posix::LogLevel::error, "alert_command cannot be run: " + process.error().message);
  trouble_.clear();
  running_ = std::move(*process);
  started_ = posix::mono_now();
}

}  // namespace bramble::aggregator
