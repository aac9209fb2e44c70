// The warden's talk with the agent.
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdio>

#include "agent/warden/warden.hpp"
#include "common/posix/files.hpp"
#include "common/posix/unix_socket.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kMaxWaitingForAgentBytes = 16 << 20;
constexpr size_t kStatePageEntries = 256;

}  // namespace

Status Warden::listen() {
  auto listener = posix::listen_unix(layout_.socket(), 0660);
  if (!listener) return tl::unexpected(listener.error());
  listener_ = std::move(*listener);
  if (options_.group && ::chown(layout_.socket().c_str(), static_cast<uid_t>(-1), *options_.group) != 0) {
    return fail(ErrorCode::denied, "cannot give " + layout_.socket() + " to the group");
  }
  loop_.add_fd(listener_.get(), EPOLLIN, [this](uint32_t) { on_connect(); });
  posix::log_info("listening", {{"socket", layout_.socket()}, {"slots", std::to_string(options_.slots)}});
  return {};
}

void Warden::on_connect() {
  auto socket = posix::accept_unix(listener_.get());
  if (!socket || !may_connect(socket->get())) return;
  if (agent_) drop_agent("a new connection replaces it");
  agent_ = std::make_unique<Channel>(std::move(*socket), kMaxWaitingForAgentBytes);
  agent_watches_output_ = false;
  bad_requests_.clear();
  loop_.add_fd(agent_->fd(), EPOLLIN, [this](uint32_t events) { on_agent(events); });
}

// The socket's permissions name a group; what counts is who the peer is. A stranger must not take the agent's place.
bool Warden::may_connect(int socket) {
  const auto peer = posix::peer_credentials(socket);
  if (!peer) return false;
  if (peer->uid == 0 || peer->uid == ::geteuid() || (options_.agent && peer->uid == options_.agent->uid)) return true;
  strangers_.say(posix::LogLevel::warning, "turned away a connection of user " + std::to_string(peer->uid) +
                                               ": only the agent's user may connect (--agent)");
  return false;
}

void Warden::on_agent(uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush_soon();
  if ((events & ~EPOLLOUT) == 0) return;
  const auto frames = agent_->receive();
  if (!frames) return drop_agent(frames.error().message);
  for (const std::string& frame : *frames) {
    handle(frame);
    if (!agent_) return;
  }
}

void Warden::drop_agent(const std::string& why) {
  posix::log_info("the agent's connection is closed", {{"why", why}});
  loop_.remove_fd(agent_->fd());
  agent_.reset();
}

void Warden::handle(const std::string& frame) {
  const auto request = wire::decode_warden_request(frame);
  if (!request) {
    bad_requests_.say(posix::LogLevel::warning, request.error().message);
    return refuse({}, request.error().message);
  }
  if (const auto* hello = std::get_if<wire::WardenHello>(&*request)) return handle(*hello);
  if (const auto* begin = std::get_if<wire::WardenStart>(&*request)) return start(*begin, frame);
  if (const auto* kill = std::get_if<wire::WardenKill>(&*request)) return handle(*kill, frame);
  if (const auto* lease = std::get_if<wire::WardenLease>(&*request)) return handle(*lease, frame);
  if (std::holds_alternative<wire::WardenAskUsage>(*request)) return ask_keepers(frame);
  if (std::holds_alternative<wire::WardenPing>(*request)) return tell_agent(wire::WardenPong{});
  handle(std::get<wire::WardenForget>(*request));
}

void Warden::handle(const wire::WardenHello& hello) {
  if (hello.protocol == wire::kWardenProtocolVersion) return send_state();
  refuse({}, "the agent speaks protocol " + std::to_string(hello.protocol) + " and this warden " +
                 std::to_string(wire::kWardenProtocolVersion) + ": install the same version of both");
}

std::optional<std::string> Warden::reason_to_refuse(const wire::WardenStart& start) const {
  if (stopping_) return "the warden is stopping";
  if (exited_.contains(start.task)) return "this attempt has ended already";
  for (const auto& slot : slots_) {
    if (slot->running && slot->running->started.task == start.task) return "this attempt is running already";
  }
  if (exited_.size() >= kMaxHeldAttempts) {
    return "the warden holds " + std::to_string(exited_.size()) + " ended attempts: forget some first";
  }
  return std::nullopt;
}

void Warden::start(const wire::WardenStart& start, const std::string& frame) {
  if (const auto why = reason_to_refuse(start)) return refuse(start.task, *why);
  Slot* slot = idle_slot();
  if (slot == nullptr) return refuse(start.task, "no free slot");
  // The frame itself goes on: it is the start record's text as well.
  if (const Status queued = slot->channel->queue(frame); !queued) return refuse(start.task, "no free slot");
  use_spare(start.task);
  slot->running.emplace();
  wire::WardenStarted& started = slot->running->started;
  started.task = start.task;
  started.cpus = start.spec.cpus;
  started.memory_bytes = start.spec.memory_bytes;
  started.resources = start.spec.resources;
  started.lease_ms = start.spec.lease_ms;
  slot->running->heard = {start.heard_ms};
  if (start.spec.memory_bytes > 0 && !cgroups_.controllers().memory) watch_memory();
  if (start.spec.lease_ms > 0) watch_leases();
  flush_soon();
}

// The keeper finds the directory and uses it. From here on the attempt exists: should the warden die now, it is lost.
void Warden::use_spare(const wire::WardenTask& task) {
  if (spares_.empty()) return;
  ::rename(spares_.back().c_str(), layout_.attempt(task).c_str());
  spares_.pop_back();
}

void Warden::handle(const wire::WardenKill& kill, const std::string& frame) {
  if (Slot* slot = slot_of(kill.task); slot != nullptr) {
    // Without a channel its keeper is dead, and the task soon.
    if (slot->channel) static_cast<void>(slot->channel->queue(frame));
    return flush_soon();
  }
  const auto exited = exited_.find(kill.task);
  if (exited == exited_.end()) return refuse(kill.task, "this attempt is not here");
  tell_agent(exit_record_of(kill.task, exited->second));
}

// Their answers go to the agent as they are.
void Warden::ask_keepers(const std::string& frame) {
  for (const auto& slot : slots_) {
    // One that has not read what it was told before is not asked once more.
    if (slot->running && slot->channel && !slot->channel->waiting()) static_cast<void>(slot->channel->queue(frame));
  }
  flush_soon();
}

void Warden::handle(const wire::WardenForget& request) {
  for (const wire::WardenTask& task : request.tasks) forget(task);
}

void Warden::forget(const wire::WardenTask& task) {
  if (slot_of(task) != nullptr) return refuse(task, "this attempt is running: it cannot be forgotten");
  if (exited_.erase(task) == 0) return;
  const std::string directory = layout_.attempt(task);
  const std::string spare = layout_.spares() + "/" + std::to_string(++spares_made_);
  if (spares_.size() < kMaxSpares && make_spare(directory, spare)) {
    spares_.push_back(spare);
    return;
  }
  const Status removed = posix::remove_tree(directory);
  if (!removed) posix::log_warning(removed.error().message);
}

void Warden::refuse(const wire::WardenTask& task, std::string why) {
  tell_agent(wire::WardenRefused{task, std::move(why)});
}

wire::WardenExited Warden::exit_record_of(const wire::WardenTask& task, const std::string& kept) const {
  auto exited = kept.empty() ? read_exit_record(layout_, task) : wire::decode_exit_record(kept);
  if (exited) return std::move(*exited);
  wire::WardenExited damaged{task, {}};
  damaged.result.outcome = wire::Outcome::warden_lost;
  damaged.result.text = "the exit record cannot be read: " + exited.error().message;
  return damaged;
}

void Warden::send_state() {
  wire::WardenState page;
  page.pid = ::getpid();
  page.slots = options_.slots;
  page.note = note_;
  page.containment = containment();
  page.directory = layout_.attempts();
  for (const auto& slot : slots_) {
    if (slot->running) page.running.push_back(slot->running->started);
  }
  for (const auto& [task, kept] : exited_) {
    if (page.running.size() + page.exited.size() >= kStatePageEntries) {
      page.more = true;
      tell_agent(page);
      page.running.clear();
      page.exited.clear();
      page.more = false;
    }
    page.exited.push_back(exit_record_of(task, kept));
  }
  tell_agent(page);
  for (const auto& slot : slots_) {
    if (slot->running && slot->running->output) tell_agent(*slot->running->output);
  }
}

void Warden::tell_agent_text(const std::string& text) {
  if (!agent_) return;
  // It loses nothing: after the next hello it hears everything again.
  if (const Status queued = agent_->queue(text); !queued) return drop_agent(queued.error().message);
  flush_soon();
}

// All that one round of the loop has to say goes out in one write to each.
void Warden::flush_soon() {
  if (flush_planned_) return;
  flush_planned_ = true;
  loop_.call_after(0, [this] { flush_all(); });
}

void Warden::flush_all() {
  flush_planned_ = false;
  for (const auto& slot : slots_) flush(*slot);
  if (!agent_) return;
  if (const Status sent = agent_->flush(); !sent) return drop_agent(sent.error().message);
  if (agent_->waiting() == agent_watches_output_) return;
  agent_watches_output_ = agent_->waiting();
  loop_.change_fd(agent_->fd(), EPOLLIN | (agent_watches_output_ ? EPOLLOUT : 0U));
}

void Warden::flush(Slot& slot) {
  if (!slot.channel) return;
  if (const Status sent = slot.channel->flush(); !sent) return close_slot(slot);
  if (slot.channel->waiting() == slot.watches_output) return;
  slot.watches_output = slot.channel->waiting();
  loop_.change_fd(slot.channel->fd(), EPOLLIN | (slot.watches_output ? EPOLLOUT : 0U));
}

}  // namespace bramble::warden
