#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "aggregator/cli/cluster_workers.hpp"
#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/learn_files.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/train_spec.hpp"
#include "aggregator/cli/train_view.hpp"
#include "common/learn/model.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kMaxCheckpointBytes = size_t{256} << 20;

// One `bramble train`, from its first epoch to the model, or to its cancellation.
class Train {
 public:
  Train(const Session& session, const TrainCommand& command, const TrainSpec& spec, learn::Training& training,
        std::string data)
      : session_(session),
        command_(command),
        spec_(spec),
        training_(training),
        data_(std::move(data)),
        checkpoint_file_(command.output + ".checkpoint"),
        job_([&session] { return session.connect(); }, session.console, command.task),
        workers_(training, job_),
        trainer_(training, spec.settings, workers_),
        old_job_(command.resume),
        interrupts_([this] {
          job_.stop();
          cancel();
        }) {}

  Result<int> run(const std::vector<KernelFile>& files) {
    Status status = reach_cluster();
    if (status) status = resume();
    if (status) say_notes();
    for (const KernelFile& file : files) {
      if (status) status = job_.add_file(file);
    }
    while (status && !trainer_.done() && interrupts_.signal() == 0) status = learn_epoch();
    if (interrupts_.signal() != 0) return interrupted();
    if (status) status = write_model();
    if (status) status = job_.close();  // its checkpoint goes with it
    if (status) finish();
    if (status) return kGood;
    cancel();
    return tl::unexpected(with_checkpoint(status.error()));
  }

 private:
  // An error with what is left of the training, and stands in the way of another.
  Error with_checkpoint(Error error) const {
    const bool is_own = kept_ || (command_.resume == 0 && trainer_.state().epochs_done > 0);
    if (!is_own || ::access(checkpoint_file_.c_str(), F_OK) != 0) return error;
    error.message +=
        "; " + checkpoint_file_ +
        " still has the training: the same command goes on from it; remove it to train with other settings";
    return error;
  }

  // Before anything is told of a training that cannot be.
  Status reach_cluster() {
    const auto slots = job_.slots();
    return slots ? Status() : tl::unexpected(slots.error());
  }

  void say_notes() {
    for (const std::string& note : training_notes(training_)) session_.console.say(note);
  }

  void cancel() { session_.cancel(job_.job()); }

  int interrupted() {
    cancel();  // the job may be younger than the signal
    if (trainer_.state().epochs_done > 0) {
      const JobId keeper = kept_ ? job_.job() : old_job_;
      const std::string elsewhere = keeper == 0 ? "" : fmt::format(", elsewhere with --resume {}", keeper);
      session_.console.say(
          fmt::format("the same command goes on after epoch {}{}", trainer_.state().epochs_done, elsewhere));
    }
    return kSignalBase + interrupts_.signal();
  }

  // A job that is named knows better than a file that lies here from some time.
  Status resume() {
    if (command_.resume != 0) {
      return resume_from(fmt::format("job {}", command_.resume),
                         session_.connect().checkpoint(command_.resume, kMaxCheckpointBytes));
    }
    if (::access(checkpoint_file_.c_str(), F_OK) != 0) return {};
    return resume_from(checkpoint_file_, posix::read_file(checkpoint_file_, kMaxCheckpointBytes));
  }

  Status resume_from(const std::string& source, const Result<std::string>& checkpoint) {
    if (!checkpoint) return tl::unexpected(checkpoint.error());
    if (Status status = trainer_.resume(*checkpoint, data_); !status) {
      return wrong_file({status.error().code, source + ": " + status.error().message});
    }
    session_.console.say(fmt::format("{}: goes on after epoch {}", source, trainer_.state().epochs_done));
    return {};
  }

  // At the cluster, for other machines and where this one breaks; and here, for one that has no cluster any more.
  Status keep_checkpoint() {
    const std::string checkpoint = trainer_.checkpoint(data_);
    if (Status status = job_.keep_checkpoint(checkpoint); !status) return status;
    kept_ = true;
    leave_old_job();
    return posix::write_file_atomically(checkpoint_file_, checkpoint, {.sync = true});
  }

  // All that it had is here.
  void leave_old_job() { session_.cancel(std::exchange(old_job_, 0)); }

  Status learn_epoch() {
    const MonoTime started = posix::mono_now();
    const auto slots = job_.slots();
    if (!slots) return tl::unexpected(slots.error());
    workers_.set_slots(*slots);
    const auto report = trainer_.next_epoch();
    if (!report) return tl::unexpected(report.error());
    const auto joules = job_.joules();
    if (!joules) return tl::unexpected(joules.error());
    const EpochCost cost{static_cast<double>(posix::mono_now() - started) / 1000, *joules - joules_};
    joules_ = *joules;
    const bool classes = !training_.data().labels.empty();
    const std::string line = session_.common.json ? epoch_json(*report, classes, cost).dump() + "\n"
                                                  : epoch_line(*report, spec_.settings.epochs, classes, cost);
    if (Status status = session_.console.print(line); !status) return status;
    return keep_checkpoint();
  }

  Status write_model() {
    const auto model = learn::make_model(training_, trainer_.result());
    if (!model) return tl::unexpected(model.error());
    return posix::write_file_atomically(command_.output, learn::encode_model(*model), {.sync = true});
  }

  void finish() {
    leave_old_job();
    (void)::unlink(checkpoint_file_.c_str());  // the model is there: what is left would only be refused
    const learn::TrainerState& state = trainer_.state();
    std::string story = command_.output + ": " + count_text(state.epochs_done, "epoch");
    if (trainer_.stopped_early())
      story += fmt::format(" (stopped early, {} without a better one)", spec_.settings.patience);
    if (!training_.rows_of(learn::Part::validation).empty())
      story += fmt::format(", of which {} was the best", state.best_epoch);
    session_.console.say(story);
  }

  const Session& session_;
  const TrainCommand& command_;
  const TrainSpec& spec_;
  learn::Training& training_;
  const std::string data_;
  const std::string checkpoint_file_;
  KernelJob job_;
  ClusterWorkers workers_;
  learn::Trainer trainer_;
  JobId old_job_;      // from which this one goes on, until it is cancelled; 0: none
  bool kept_ = false;  // by this job: a checkpoint
  double joules_ = 0;
  Interrupts interrupts_;  // last: its thread uses all of the above
};

// What the data is, whatever its files are called.
std::string digest_of(const std::vector<KernelFile>& files) {
  posix::Sha256 digest;
  for (const KernelFile& file : files) digest.update(posix::sha256_hex(file.bytes));
  return digest.hex();
}

}  // namespace

Result<int> train(const Session& session, const TrainCommand& given) {
  TrainCommand command = given;
  if (command.output.empty()) command.output = model_file(given.spec);
  const auto spec = read_train_spec(given.spec);
  if (!spec) return wrong_file(spec.error());
  if (Status status = check_model_file(command.output); !status) return tl::unexpected(status.error());
  if (std::filesystem::is_symlink(command.output)) {  // what it points to is written, and it stays
    command.output = std::filesystem::weakly_canonical(command.output);
  }
  auto training = learn::Training::prepare(spec->plan, read_learn_file);
  if (!training) return wrong_file(training.error());
  const auto files = files_for_kernels(spec->plan, read_learn_file);
  if (!files) return wrong_file(files.error());
  if (command.task.name.empty()) command.task.name = "train " + std::filesystem::path(given.spec).stem().string();
  return Train(session, command, *spec, *training, digest_of(*files)).run(*files);
}

}  // namespace bramble::cli
