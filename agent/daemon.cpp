#include "agent/daemon.hpp"

#include <csignal>
#include <optional>
#include <variant>

#include "agent/core/reactor.hpp"
#include "agent/core/status_line.hpp"
#include "agent/runner/blob_cache.hpp"
#include "agent/runner/machine_halt.hpp"
#include "agent/runner/node_identity.hpp"
#include "agent/runner/output_files.hpp"
#include "agent/runner/saved_state.hpp"
#include "agent/runner/warden_client.hpp"
#include "agent/runner/watchdog.hpp"
#include "agent/sensors/checkup.hpp"
#include "agent/sensors/sensors.hpp"
#include "agent/sensors/sources.hpp"
#include "common/mqtt/paho_transport.hpp"
#include "common/posix/files.hpp"
#include "common/posix/inbox.hpp"
#include "common/posix/lock_file.hpp"
#include "common/posix/log.hpp"
#include "common/posix/memory.hpp"
#include "common/posix/service_notifier.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kMaxMessages = 4096;
constexpr size_t kMaxMessageBytes = 16 << 20;
constexpr size_t kMaxLinkEvents = 4096;
constexpr int64_t kSettledMs = 3'000;  // after a connection: its handshake and the first messages are over
constexpr size_t kMaxReadings = 16;
constexpr int kFarewellMs = 2000;

enum class Which { control, bulk };

struct LinkEvent {
  Which which = Which::control;
  bool connected = false;
  std::string reason;  // of the end
};
struct Incoming {
  std::string topic;
  std::string payload;
};
struct WardenConnected {};
struct WardenLost {
  std::string why;
};
using WardenEvent = std::variant<WardenConnected, WardenLost, wire::WardenReport>;

// What was asked by one round of effects and is told to the reactor before the next.
struct BlobReady {
  std::string sha256;
};
struct BlobFailed {
  std::string sha256;
  BlobFailure failure;
  std::string why;
};
struct OutputRead {
  ReadOutput request;
  Result<std::string> data;
};
struct NotSaved {
  std::string why;
};
struct RequestMade {
  Result<std::string> request_pem;
};
struct CertificateTaken {
  Result<WallTime> renew_after;
};
using Answer = std::variant<BlobReady, BlobFailed, OutputRead, NotSaved, RequestMade, CertificateTaken>;

Answer blob_answer(const std::string& sha256, const Status& checked) {
  if (checked) return BlobReady{sha256};
  const bool damaged = checked.error().code == ErrorCode::conflict;
  return BlobFailed{sha256, damaged ? BlobFailure::damaged : BlobFailure::disk, checked.error().message};
}

mqtt::Options broker_options(const Settings& settings, const std::string& agent_id, Which which) {
  const wire::Topics topics(settings.config.cluster);
  const std::string& node = settings.config.node;
  mqtt::Options options;
  options.broker_url = settings.broker_url;
  options.tls = settings.tls;
  options.username = settings.broker_user;
  options.password = settings.broker_password;
  if (which == Which::control) {
    options.client_id = "bramble-agent-" + agent_id;
    options.subscriptions = {{topics.node(node, wire::NodeTopic::tasks), 1},
                             {topics.node(node, wire::NodeTopic::blob_want), 1},
                             {topics.node(node, wire::NodeTopic::control), 1},
                             {topics.node(node, wire::NodeTopic::certificate), 1},
                             {topics.aggregator_status(), 1}};
  } else {
    options.client_id = "bramble-blobs-" + agent_id;
    options.subscriptions = {{topics.blob_down_filter(node), 1}};
  }
  return options;
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(const Settings& settings, Saved saved, posix::UniqueFd lock, runner::BlobCache blobs)
      : lock_(std::move(lock)),
        state_path_(settings.state_dir + "/agent.state"),
        state_(settings.config, std::move(saved), posix::random_u64()),
        renewal_(identity_directory(settings), settings.config.node),
        blobs_(std::move(blobs)),
        links_(kMaxLinkEvents, SIZE_MAX, [this] { loop_.wake(); }),
        messages_(kMaxMessages, kMaxMessageBytes, [this] { loop_.wake(); }),
        readings_(kMaxReadings, SIZE_MAX, [this] { loop_.wake(); }),
        warden_(loop_, settings.warden_socket, warden_handlers()),
        halt_(loop_, settings.halt,
              [this](std::string why) {
                halt_failures_.push_back(std::move(why));
                loop_.wake();
              }),
        watchdog_(loop_, settings.watchdog_device, [](const std::string& line) { posix::log_info(line); }),
        control_(broker_options(settings, state_.saved.agent_id, Which::control), handlers(Which::control)),
        bulk_(broker_options(settings, state_.saved.agent_id, Which::bulk), handlers(Which::bulk)),
        sensors_(
            roots(settings),
            sensors::all_sources(roots(settings), sensors::open_firmware("/dev"), settings.drop_ins, checkup(settings)),
            [this](Reading reading, sensors::Complaints complaints) {
              readings_.put({std::move(reading), std::move(complaints)});
            }) {}

  int run() {
    loop_.on_signals({SIGTERM, SIGINT}, [this](int) { end(); });
    loop_.on_wake([this] { step(); });
    blobs_.on_verdict([this] { loop_.wake(); });
    agent::start(state_, posix::now());
    watchdog_.start();
    warden_.start();
    halt_.start();
    step();
    notifier_.ready();
    loop_.run();
    return 0;
  }

 private:
  struct Look {
    Reading reading;
    sensors::Complaints complaints;
  };

  static sensors::Roots roots(const Settings& settings) {
    sensors::Roots roots;
    roots.state_dir = settings.state_dir;
    return roots;
  }

  static sensors::CheckupOptions checkup(const Settings& settings) {
    return {settings.watchdog_device, settings.halt.request_file, settings.halt.command, posix::is_clock_synchronised};
  }

  mqtt::Handlers handlers(Which which) {
    return {[this, which] {
              links_.put({which, true, {}});
            },
            [this, which](std::string reason) {
              links_.put({which, false, std::move(reason)});
            },
            [this](std::string_view topic, std::string_view payload, bool) {
              messages_.put({std::string(topic), std::string(payload)}, topic.size() + payload.size());
            }};
  }

  runner::WardenHandlers warden_handlers() {
    return {[this] { take_warden_events({WardenConnected{}}); },
            [this](std::string why) { take_warden_events({WardenLost{std::move(why)}}); },
            [this](std::vector<wire::WardenReport> reports) {
              take_warden_events({std::make_move_iterator(reports.begin()), std::make_move_iterator(reports.end())});
            }};
  }

  // The effects may write to the warden and so find its connection lost: then this is called from inside a step.
  void take_warden_events(std::vector<WardenEvent> events) {
    std::move(events.begin(), events.end(), std::back_inserter(warden_events_));
    if (!stepping_) {
      step();
    } else {
      loop_.wake();
    }
  }

  void step() {
    stepping_ = true;
    Effects effects;
    const Now now = posix::now();
    for (const LinkEvent& event : links_.take()) apply(event, effects, now);
    for (WardenEvent& event : std::exchange(warden_events_, {})) apply(std::move(event), effects, now);
    for (const Incoming& message : messages_.take()) on_message(state_, effects, now, message.topic, message.payload);
    for (const std::string& why : std::exchange(halt_failures_, {})) on_halt_failed(state_, effects, now, why);
    for (const auto& [sha256, status] : blobs_.take_verdicts(now.mono))
      apply(blob_answer(sha256, status), effects, now);
    for (Look& look : readings_.take()) apply(std::move(look), effects, now);
    on_tick(state_, effects, now);
    carry_out_all(std::move(effects), now);
    stepping_ = false;
  }

  // Effects until they ask for nothing more, each round with what the last one asked for.
  void carry_out_all(Effects effects, Now now) {
    while (true) {
      flush(state_, effects, now);
      wake_at(effects.wake_at);
      std::vector<Answer> answers = carry_out(effects);
      if (answers.empty()) return;
      effects = {};
      for (Answer& answer : answers) apply(std::move(answer), effects, now);
    }
  }

  void apply(const LinkEvent& event, Effects& effects, Now now) {
    if (event.which == Which::control) {
      if (event.connected) loop_.call_after(kSettledMs, posix::give_back_memory);
      event.connected ? on_connected(state_, effects, now) : on_disconnected(state_, effects, now, event.reason);
    } else {
      event.connected ? on_bulk_connected(state_, effects, now)
                      : on_bulk_disconnected(state_, effects, now, event.reason);
    }
  }

  void apply(WardenEvent event, Effects& effects, Now now) {
    if (std::holds_alternative<WardenConnected>(event)) return on_warden_connected(state_, effects, now);
    if (const auto* lost = std::get_if<WardenLost>(&event)) return on_warden_lost(state_, effects, now, lost->why);
    auto& report = std::get<wire::WardenReport>(event);
    if (const auto* list = std::get_if<wire::WardenState>(&report)) outputs_.set_directory(list->directory);
    on_warden_report(state_, effects, now, std::move(report));
  }

  void apply(Answer answer, Effects& effects, Now now) {
    if (auto* read = std::get_if<OutputRead>(&answer)) {
      on_output_read(state_, effects, now, read->request, std::move(read->data));
    } else if (const auto* ready = std::get_if<BlobReady>(&answer)) {
      on_blob_ready(state_, effects, now, ready->sha256);
    } else if (const auto* failed = std::get_if<BlobFailed>(&answer)) {
      on_blob_failed(state_, effects, now, failed->sha256, failed->failure, failed->why);
    } else if (const auto* made = std::get_if<RequestMade>(&answer)) {
      on_certificate_request_made(state_, effects, now, made->request_pem);
    } else if (const auto* taken = std::get_if<CertificateTaken>(&answer)) {
      on_certificate_taken(state_, effects, now, taken->renew_after);
    } else {
      on_disconnected(state_, effects, now, std::get<NotSaved>(answer).why);
    }
  }

  void apply(Look look, Effects& effects, Now now) {
    for (const std::string& complaint : look.complaints) posix::log_warning(complaint);
    on_reading(state_, effects, now, std::move(look.reading));
  }

  std::vector<Answer> carry_out(Effects& effects) {
    std::vector<Answer> answers;
    const Status saved = effects.save ? runner::store_saved(state_path_, *effects.save) : Status{};
    for (const std::string& line : effects.log) posix::log_info(line);
    for (const BlobEffect& effect : effects.blobs) carry_out(effect, answers);
    for (const wire::WardenRequest& request : effects.warden) warden_.send(request);
    warden_.flush();
    if (effects.halt) halt_.ask(*effects.halt);
    for (const Subscription& change : effects.subscriptions) {
      (void)(change.on ? bulk_.subscribe(change.filter, 0) : bulk_.unsubscribe(change.filter));
    }
    for (Publish& publish : effects.publish) send(std::move(publish));
    for (ReadOutput& read : effects.reads) {
      Result<std::string> data = outputs_.read(read);
      answers.emplace_back(OutputRead{std::move(read), std::move(data)});
    }
    change_connections(effects, saved, answers);
    if (effects.make_certificate_request) answers.emplace_back(RequestMade{renewal_.make_request()});
    if (const auto& taken = effects.take_certificate) {
      answers.emplace_back(CertificateTaken{renewal_.take(taken->certificate_pem, {taken->renew_after_ms})});
    }
    if (effects.read_sensors) sensors_.request(posix::mono_now());
    return answers;
  }

  void change_connections(const Effects& effects, const Status& saved, std::vector<Answer>& answers) {
    if (effects.disconnect) {
      bulk_.disconnect(kFarewellMs);
      control_.disconnect(kFarewellMs);
    }
    // Without the counter on disk a late will could not be told from a new one: the connection has to wait.
    if (!saved) not_saved_.say(posix::LogLevel::error, saved.error().message);
    if (effects.connect && !saved) {
      answers.emplace_back(NotSaved{saved.error().message});
    } else if (effects.connect) {
      control_.connect(mqtt::Message{effects.connect->will_topic, effects.connect->will_payload, 1, true, 0});
    }
    if (effects.connect_bulk) bulk_.connect(std::nullopt);
  }

  void carry_out(const BlobEffect& effect, std::vector<Answer>& answers) {
    if (const auto* drop = std::get_if<BlobDrop>(&effect)) return blobs_.drop(drop->sha256);
    if (const auto* write = std::get_if<BlobWrite>(&effect)) {
      const Status written = blobs_.write(*write);
      if (!written) answers.emplace_back(BlobFailed{write->sha256, BlobFailure::disk, written.error().message});
      return;
    }
    const std::string& sha256 = std::get<BlobCheck>(effect).sha256;
    if (auto checked = blobs_.check(sha256, posix::mono_now())) answers.push_back(blob_answer(sha256, *checked));
  }

  // What cannot be sent now is repeated by the reactor, or told anew.
  void send(Publish publish) {
    mqtt::Transport& transport = publish.bulk ? bulk_ : control_;
    const Status taken =
        transport.publish({std::move(publish.topic), std::move(publish.payload), publish.qos, publish.retained, 0});
    if (!taken && taken.error().code != ErrorCode::unavailable)
      refused_message_.say(posix::LogLevel::warning, taken.error().message);
  }

  // A timer that comes too early costs a look; one that is set anew in every batch costs more.
  void wake_at(MonoTime when) {
    if (timer_at_ && *timer_at_ <= when) return;
    if (timer_at_) loop_.cancel(timer_);
    timer_at_ = when;
    timer_ = loop_.call_at(when, [this] {
      timer_at_.reset();
      step();
    });
  }

  void end() {
    Effects effects;
    const Now now = posix::now();
    agent::stop(state_, effects, now);
    notifier_.stopping();
    carry_out_all(std::move(effects), now);
    watchdog_.stop();
    loop_.stop();
  }

  posix::UniqueFd lock_;
  const std::string state_path_;
  posix::EventLoop loop_;
  posix::ServiceNotifier notifier_{loop_, [this] { return status_line(state_); }};  // before any thread
  State state_;
  runner::CertificateRenewal renewal_;
  runner::BlobCache blobs_;
  runner::OutputFiles outputs_;
  posix::Inbox<LinkEvent> links_;
  posix::Inbox<Incoming> messages_;
  posix::Inbox<Look> readings_;
  std::vector<WardenEvent> warden_events_;
  runner::WardenClient warden_;
  std::vector<std::string> halt_failures_;
  runner::MachineHalt halt_;
  runner::Watchdog watchdog_;
  posix::LogOnce refused_message_;
  posix::LogOnce not_saved_;
  posix::EventLoop::TimerId timer_ = 0;
  std::optional<MonoTime> timer_at_;
  bool stepping_ = false;
  mqtt::PahoTransport control_;  // last: their threads end before what they call
  mqtt::PahoTransport bulk_;
  sensors::Sensors sensors_;  // the same
};

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;
int Daemon::run() { return impl_->run(); }

Result<std::unique_ptr<Daemon>> Daemon::start(const Settings& settings) {
  if (Status made = posix::make_directories(settings.state_dir); !made) return tl::unexpected<Error>(made.error());
  Result<posix::UniqueFd> lock = posix::lock_file(settings.state_dir + "/agent.lock");
  if (!lock && lock.error().code == ErrorCode::conflict) {
    return fail(ErrorCode::conflict,
                "another agent uses " + settings.state_dir + ": give each its own state_dir in its configuration");
  }
  if (!lock) return tl::unexpected<Error>(lock.error());
  Result<Saved> saved = runner::load_saved(settings.state_dir + "/agent.state", settings.config.machine_id);
  if (!saved) return tl::unexpected<Error>(saved.error());
  // A person has said anew where this node belongs: it takes the store that it finds there.
  if (saved->joined != settings.joined) {
    saved->joined = settings.joined;
    saved->store.clear();
    saved->term = 0;
  }
  Result<runner::BlobCache> blobs = runner::BlobCache::open(settings.config.blob_dir);
  if (!blobs) return tl::unexpected<Error>(blobs.error());
  return std::unique_ptr<Daemon>(
      new Daemon(std::make_unique<Impl>(settings, std::move(*saved), std::move(*lock), std::move(*blobs))));
}

}  // namespace bramble::agent
