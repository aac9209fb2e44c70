#include "aggregator/daemon.hpp"

#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>
#include <variant>

#include "aggregator/alert_command.hpp"
#include "aggregator/broker/own_broker.hpp"
#include "aggregator/connections.hpp"
#include "aggregator/core/reactor.hpp"
#include "aggregator/core/status_line.hpp"
#include "aggregator/daemon_events.hpp"
#include "aggregator/daemon_options.hpp"
#include "aggregator/examination.hpp"
#include "aggregator/file_hand.hpp"
#include "aggregator/http/server.hpp"
#include "aggregator/joining.hpp"
#include "aggregator/power/line_hand.hpp"
#include "aggregator/scheduler/scheduler.hpp"
#include "aggregator/server_options.hpp"
#include "aggregator/store/blob_files.hpp"
#include "aggregator/store/job_query.hpp"
#include "aggregator/store/job_store.hpp"
#include "aggregator/store/metric_query.hpp"
#include "aggregator/store/sql_query.hpp"
#include "aggregator/store/telemetry_writer.hpp"
#include "common/mqtt/paho_transport.hpp"
#include "common/posix/files.hpp"
#include "common/posix/lock_file.hpp"
#include "common/posix/log.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/reactor_loop.hpp"
#include "common/posix/service_notifier.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxEvents = 65'536;
constexpr size_t kMaxEventBytes = size_t{64} << 20;
constexpr int64_t kTickMs = 100;
constexpr int kFarewellMs = 1000;

}  // namespace

class Daemon::Impl {
 public:
  explicit Impl(const DaemonConfig& config)
      : config_(config),
        inbox_(kMaxEvents, kMaxEventBytes, [this] { loop_.wake(); }),
        state_(reactor_config(config), [](const Snapshot& snapshot) { return place(snapshot); }) {}

  ~Impl() {
    server_.reset();  // no request comes any more
    if (control_) control_->disconnect(kFarewellMs);
    if (chunks_) chunks_->disconnect(0);
    line_hand_.reset();
    identity_hand_.reset();
    file_hand_.reset();
    if (broker_ && stopping_) broker_->stop();
  }

  Status start() {
    Status status = start_parts();
    stopping_ = !status;  // a broker of our own is not left behind by a start that failed
    return status;
  }

  Status start_parts() {
    // Before there is any other thread, which would be ended by a signal that it does not block.
    loop_.on_signals({SIGTERM, SIGINT}, [this](int) { stop(); });
    for (const auto step : {&Impl::lock_state, &Impl::open_stores, &Impl::start_broker, &Impl::connect_parts,
                            &Impl::take_lines, &Impl::listen}) {
      if (auto status = (this->*step)(); !status) return status;
    }
    return {};
  }

  int run() {
    posix::ReactorLoop<Event> reactor(
        loop_, inbox_,
        {[this](std::vector<Event> events, Now now) { apply(std::move(events), now); }, [this] { return commit(); },
         [this] { release(); }, [this] { return std::optional(next_wake(state_, next_tick_)); },
         [this](const Error& error) { on_commit_failed(error); }});
    reactor.step();
    notifier_.ready();
    loop_.run();
    return exit_code_;
  }

 private:
  // --- the start ---

  Status lock_state() {
    if (auto made = posix::make_directories(config_.state_dir, 0755); !made) return made;
    auto lock = posix::lock_file(config_.state_dir + "/lock");
    if (!lock && lock.error().code == ErrorCode::conflict) {
      return fail(ErrorCode::conflict,
                  "another aggregator uses " + config_.state_dir + ": stop it, or give this one another state_dir");
    }
    if (!lock) return tl::unexpected<Error>(lock.error());
    lock_ = std::move(*lock);
    return {};
  }

  Status open_stores() {
    const std::string jobs_path = config_.state_dir + "/jobs.db";
    const std::string telemetry_path = config_.state_dir + "/telemetry.db";
    auto store = SqliteJobStore::open(jobs_path, telemetry_options(config_).retention.hour_ms);
    if (!store) return tl::unexpected<Error>(store.error());
    store_ = std::move(*store);
    auto loaded = store_->load();
    if (!loaded) return tl::unexpected<Error>(loaded.error());
    auto query = SqliteJobQuery::open(jobs_path);
    if (!query) return tl::unexpected<Error>(query.error());
    query_ = std::move(*query);
    auto writer = TelemetryWriter::open(telemetry_path, telemetry_options(config_));
    if (!writer) return tl::unexpected<Error>(writer.error());
    telemetry_ = std::move(*writer);
    const auto refresh = [this] { telemetry_->refresh(); };
    sql_ = std::make_unique<SqliteSqlQuery>(telemetry_path, jobs_path, refresh);
    questions_ = std::make_unique<SqliteTelemetryQuery>(telemetry_path, jobs_path, refresh);
    auto files = DirectoryBlobFiles::open(config_.state_dir, {config_.blob_quota_bytes});
    if (!files) return tl::unexpected<Error>(files.error());
    files_ = std::move(*files);
    auto blobs = files_->list_blobs();
    if (!blobs) return tl::unexpected<Error>(blobs.error());
    loaded->blobs = std::move(*blobs);
    on_start(state_, effects_, posix::now(), std::move(*loaded));
    return {};
  }

  Status start_broker() {
    auto authority = open_authority(config_);
    if (!authority) return tl::unexpected<Error>(authority.error());
    identity_hand_ = std::make_unique<IdentityHand>(
        std::move(*authority), JoinFacts{config_.cluster, state_.store, state_.config.node_broker_url},
        IdentityHandlers{[this] { put_always(IdentitiesChanged{}); },
                         [this](IdentityReport report) { put_always(std::move(report)); }});
    if (!config_.broker_url.empty()) {
      auto password = read_secret(config_.broker_password_file);
      if (!password) return tl::unexpected<Error>(password.error());
      login_ = {config_.broker_url, config_.broker_user, std::move(*password)};
      return {};
    }
    auto broker = OwnBroker::start_or_adopt(config_.state_dir, {.nodes = node_listener(config_)});
    if (!broker) return tl::unexpected<Error>(broker.error());
    broker_ = std::make_unique<OwnBroker>(std::move(*broker));
    if (broker_->adopted()) broker_->reload();  // its lists may have been written since
    return use_own_broker();
  }

  // Takes the broker's address, and writes it where `bramble local` and people find it.
  Status use_own_broker() {
    login_ = {broker_->url(), broker_->username(), broker_->password()};
    const nlohmann::json client{
        {"url", login_.url}, {"username", login_.user}, {"password_file", config_.state_dir + "/broker/password"}};
    return posix::write_file_atomically(config_.state_dir + "/broker/client.json", client.dump(2) + "\n");
  }

  Status connect_parts() {
    make_transports();
    const FileReports reports{[this](const AttemptKey& key) { put_always(Sealed{key}); },
                              [this](const AttemptKey& key, wire::Stream stream, uint64_t have) {
                                put_always(Failed{key, stream, have});
                              },
                              [this](std::vector<ForgottenRows> rows) { put_always(Forgotten{std::move(rows)}); },
                              [this](std::vector<JobId> jobs) { put_always(Expired{std::move(jobs)}); }};
    file_hand_ = std::make_unique<FileHand>(*files_, *query_, *chunks_, state_.topics, reports);
    file_hand_->sweep_outputs();
    return {};
  }

  void make_transports() {
    const auto on_message = [this](std::string_view topic, std::string_view payload, bool) {
      put(Incoming{std::string(topic), std::string(payload)}, topic.size() + payload.size());
    };
    control_ = std::make_unique<mqtt::PahoTransport>(
        control_options(login_, state_),
        mqtt::Handlers{[this] { put_always(Connected{}); },
                       [this](const std::string& reason) { put_always(Disconnected{reason}); }, on_message});
    chunks_ = std::make_unique<mqtt::PahoTransport>(chunk_options(login_, state_),
                                                    mqtt::Handlers{[] {}, [](const std::string&) {}, on_message});
  }

  // As they stand: a start switches nothing.
  Status take_lines() {
    if (config_.lines.empty()) return {};
    for (const LineConfig& line : config_.lines) {
      if (auto made = make_sim_directory(line); !made) return made;
    }
    warn_of_unknown_names();
    line_hand_ = std::make_unique<LineHand>(config_.lines,
                                            [this](LineReport report) { put_always(LineReported{std::move(report)}); });
    return {};
  }

  void warn_of_unknown_names() const {
    std::set<std::string> known;
    for (const LineConfig& line : config_.lines) known.insert(line.spec.node);
    for (const auto& [name, node] : state_.node_by_name) known.insert(name);
    if (const std::string stray = unknown_names_in(config_.power, known); !stray.empty()) posix::log_warning(stray);
  }

  Status listen() {
    auto options = server_options(config_, state_);
    if (!options) return tl::unexpected<Error>(options.error());
    api_certificate_.serves(options->tls);
    auto server =
        http::Server::start(*options, {[this](ApiRequest request) { return take_request(std::move(request)); }, *query_,
                                       *sql_, *questions_, *files_, [this] { return examine_head(config_); },
                                       [this](Refused what) { put(std::move(what), 1024); }});
    if (!server) return tl::unexpected<Error>(server.error());
    server_ = std::move(*server);
    posix::log_info("the aggregator is up", {{"cluster", config_.cluster},
                                             {"store", state_.store},
                                             {"term", std::to_string(state_.term)},
                                             {"broker", login_.url},
                                             {"api", config_.api_socket}});
    if (!config_.tcp_listen.empty()) posix::log_info("the API is also reached over TCP", {{"tcp", tcp_address()}});
    return {};
  }

  std::string tcp_address() const {
    const std::string& given = config_.tcp_listen;
    return given.substr(0, given.rfind(':') + 1) + std::to_string(server_->tcp_port());
  }

  // --- events, from any thread ---

  template <typename What>
  bool put(What what, size_t bytes = 0) {
    return inbox_.put(Event{posix::now(), std::move(what)}, bytes);
  }

  // For what nobody says again: there is little of it.
  template <typename What>
  void put_always(What what) {
    inbox_.put_always(Event{posix::now(), std::move(what)});
  }

  bool take_request(ApiRequest request) {
    if (!store_stuck_) return put(std::move(request), 1024);
    ApiReply reply;
    reply.http_status = 503;
    reply.body =
        R"({"error":"the job database cannot be written (see the aggregator's log): nothing is taken until it can"})";
    request.reply(std::move(reply));
    return true;
  }

  // --- the state thread ---

  void apply(std::vector<Event> events, Now now) {
    for (auto& event : events) {
      std::visit([&](auto& what) { take(what, event.at); }, event.what);
    }
    if (now.mono >= next_tick_) {
      on_storage(state_, effects_, files_->storage());
      on_telemetry_use(state_, telemetry_->use());
      on_dropped(state_, effects_, inbox_.dropped());
      on_tick(state_, effects_, now);
      alert_command_.tick();
      server_->tick(now.mono);
      api_certificate_.tick(*server_, now.mono);
      watch_broker();
      if (state_.connected && !chunks_->connected()) chunks_->connect({});
      next_tick_ = now.mono + kTickMs;
    }
    on_batch_end(state_, effects_, now);
  }

  void take(Connected&, Now at) { on_connected(state_, effects_, at); }
  void take(Disconnected& what, Now at) { on_disconnected(state_, effects_, at, what.reason); }
  void take(Incoming& what, Now at) { on_message(state_, effects_, at, what.topic, what.payload); }
  void take(Sealed& what, Now at) { on_output_sealed(state_, effects_, at, what.key); }
  void take(Failed& what, Now at) { on_output_failed(state_, effects_, at, what.key, what.stream, what.have_bytes); }
  void take(Forgotten& what, Now at) { on_forgotten_rows(state_, effects_, at, what.rows); }
  void take(Expired& what, Now at) { on_expired_jobs(state_, effects_, at, what.jobs); }
  void take(LineReported& what, Now at) { on_line(state_, effects_, at, what.report); }
  void take(IdentityReport& what, Now at) { on_identity(state_, effects_, at, what); }
  void take(IdentitiesChanged&, Now) {
    if (broker_) broker_->reload();
  }
  void take(Refused& what, Now at) { on_refused(state_, effects_, at, what); }
  void take(ApiRequest& what, Now at) { on_api(state_, effects_, at, std::move(what)); }

  Status commit() {
    if (effects_.writes.empty()) return {};
    const Status status = store_->commit(effects_.writes);
    if (status) {
      effects_.writes.clear();
      if (store_stuck_.exchange(false)) posix::log_info("the job database is written again");
    }
    return status;
  }

  void on_commit_failed(const Error& error) {
    if (error.code != ErrorCode::unavailable) {
      posix::log_error("the job database cannot be written, ending: " + error.message);
      exit_code_ = 1;
      loop_.stop();
      return;
    }
    if (!store_stuck_.exchange(true)) {
      posix::log_error("the job database cannot be written, nothing is taken until it can: " + error.message);
    }
  }

  void release() {
    Effects out = std::exchange(effects_, {});
    for (const auto& line : out.log)
      posix::log(line.warning ? posix::LogLevel::warning : posix::LogLevel::info, line.text);
    // A message that the connection does not take is said again by the reactor's own repetitions.
    for (auto& publish : out.publish) {
      (void)control_->publish(
          {std::move(publish.topic), std::move(publish.payload), publish.qos, publish.retained, publish.expiry_s});
    }
    for (const auto& notice : out.alerts) alert_command_.run(notice);
    file_hand_->add(std::move(out.files));
    if (line_hand_) line_hand_->add(std::move(out.lines));
    identity_hand_->add(std::move(out.identities));
    if (!out.telemetry.empty()) telemetry_->add(std::move(out.telemetry));
    if (out.tokens) server_->set_tokens(std::move(*out.tokens));  // before who asked for it hears of it
    for (auto& reply : out.replies) reply.handler(std::move(reply.reply));
    if (out.connect) control_->connect(mqtt::Message{out.connect->topic, out.connect->payload, 1, true, 0});
  }

  void watch_broker() {
    if (!broker_ || state_.connected || broker_->alive()) return;
    if (auto status = broker_->restart(); !status)
      return broker_trouble_.say(posix::LogLevel::error, status.error().message);
    broker_trouble_.clear();
    const std::string old_url = login_.url;
    posix::log_warning("the broker had died; started it again at " + broker_->url());
    if (auto status = use_own_broker(); !status) posix::log_error(status.error().message);
    if (login_.url != old_url) stop();  // its port was taken: the next start, and the agents, learn the new one
  }

  void stop() {
    stopping_ = true;
    notifier_.stopping();
    // Apart from what a commit that failed still holds back.
    Effects farewell;
    on_stop(state_, farewell, posix::now());
    for (auto& publish : farewell.publish) {
      (void)control_->publish({publish.topic, publish.payload, publish.qos, publish.retained, 0});
    }
    loop_.stop();
  }

  std::string status() const {
    if (stopping_) return "stopping";
    if (store_stuck_) return "the job database cannot be written: nothing is taken until it can";
    return status_line(state_);
  }

  const DaemonConfig config_;
  posix::EventLoop loop_;
  posix::ServiceNotifier notifier_{loop_, [this] { return status(); }};  // before any thread
  posix::Inbox<Event> inbox_;
  State state_;
  Effects effects_;
  MonoTime next_tick_;
  posix::UniqueFd lock_;
  std::unique_ptr<SqliteJobStore> store_;
  std::unique_ptr<SqliteJobQuery> query_;
  std::unique_ptr<TelemetryWriter> telemetry_;
  std::unique_ptr<SqliteSqlQuery> sql_;
  std::unique_ptr<SqliteTelemetryQuery> questions_;
  std::unique_ptr<DirectoryBlobFiles> files_;
  std::unique_ptr<OwnBroker> broker_;
  posix::LogOnce broker_trouble_;
  BrokerLogin login_;
  std::unique_ptr<mqtt::Transport> control_;
  std::unique_ptr<mqtt::Transport> chunks_;
  std::unique_ptr<FileHand> file_hand_;
  std::unique_ptr<LineHand> line_hand_;
  std::unique_ptr<IdentityHand> identity_hand_;
  AlertCommand alert_command_{config_.alert_command};
  ApiCertificate api_certificate_{config_};
  std::unique_ptr<http::Server> server_;
  std::atomic<bool> store_stuck_ = false;
  bool stopping_ = false;
  int exit_code_ = 0;
};

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(const DaemonConfig& config) {
  auto impl = std::make_unique<Impl>(config);
  if (auto status = impl->start(); !status) return tl::unexpected<Error>(status.error());
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

int Daemon::run() { return impl_->run(); }

}  // namespace bramble::aggregator
