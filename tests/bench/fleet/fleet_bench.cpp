// A large fleet in the simulator, without faults: every node beats and sends telemetry once a second, and short tasks
// keep all of it busy, with many more waiting. All reactors, of the aggregator and of each agent, share one thread.
// Prints how much simulated time passed in a second of its CPU time; judges nothing but broken promises.
//   bench_fleet [NODES [TASKS_A_SECOND [SECONDS]]]
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "sim_head.hpp"
#include "sim_node.hpp"

namespace bramble::sim {
namespace {

constexpr int64_t kWarmUpMs = 20'000;  // until all have come and the first tasks have ended
constexpr uint64_t kStepsBetweenChecks = 5'000;
constexpr uint32_t kSlotsOfNode = 2;

struct Load {
  uint32_t nodes = 10'000;
  uint32_t tasks_a_second = 1'000;
  int64_t seconds = 40;
};

class Fleet {
 public:
  explicit Fleet(const Load& load) : load_(load), broker_(timeline_, random_, faults_) {
    broker_.calm = true;
    head_.steps_between_checks = kStepsBetweenChecks;
    head_.store().has_succeeded = [this](const wire::WardenTask& task) { return truth_.succeeded.contains(task); };
    head_.store().on_given_out = [](const AttemptKey&) {};
    truth_.on_start = [](const wire::WardenTask&) {};
    truth_.violation = [this](const std::string& what) { violated(what); };
    for (uint32_t i = 1; i <= load.nodes; ++i) {
      nodes_.push_back(std::make_unique<SimNode>(i, timeline_, broker_, random_, truth_, Bug::none,
                                                 [this](const std::string& what) { violated(what); }));
    }
  }

  void start() {
    head_.start();
    for (auto& node : nodes_) timeline_.after(random_.between(0, 1000), [&node] { node->start_agent(); });
    submit();
    pass(kWarmUpMs);
  }

  double cpu_seconds_for(int64_t simulated_ms) {
    const std::clock_t begin = std::clock();
    pass(simulated_ms);
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  }

  uint64_t commits() { return head_.store().commits(); }
  uint64_t violations() const { return violations_; }

 private:
  // More than can run at once, so that every end of a task means that the next must be placed.
  void submit() {
    const auto slots = uint64_t{load_.nodes} * kSlotsOfNode;
    const uint64_t task_ms = slots * 1000 / load_.tasks_a_second;
    aggregator::SubmitRequest request;
    request.spec.task.argv = {"sim", std::to_string(task_ms), "0", "0"};
    const auto seconds = static_cast<uint64_t>(load_.seconds + kWarmUpMs / 1000);
    request.range = {1, static_cast<TaskIndex>(2 * slots + seconds * load_.tasks_a_second), 1};
    head_.ask(request);
  }

  void pass(int64_t ms) {
    const int64_t end_ms = timeline_.now_ms() + ms;
    while (timeline_.step(end_ms)) continue;
  }

  void violated(const std::string& what) {
    if (++violations_ <= 10) std::printf("%s\n", what.c_str());
  }

  const Load load_;
  const Faults faults_;
  Random random_{1};
  Timeline timeline_;
  Truth truth_;
  Broker broker_;
  SimHead head_{timeline_, broker_, random_, Bug::none, [this](const std::string& what) { violated(what); }};
  std::vector<std::unique_ptr<SimNode>> nodes_;
  uint64_t violations_ = 0;
};

int bench(const Load& load) {
  Fleet fleet(load);
  fleet.start();
  const uint64_t before = fleet.commits();
  const double seconds = fleet.cpu_seconds_for(load.seconds * 1000);
  const auto tasks = static_cast<double>(fleet.commits() - before);
  std::printf(
      "%u nodes, %lld simulated seconds in %.1f s of CPU: real-time factor %.2f, %.0f tasks a simulated second\n",
      load.nodes, static_cast<long long>(load.seconds), seconds, static_cast<double>(load.seconds) / seconds,
      tasks / static_cast<double>(load.seconds));
  return fleet.violations() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bramble::sim

int main(int argc, char** argv) {
  bramble::sim::Load load;
  if (argc > 1) load.nodes = static_cast<uint32_t>(std::stoul(argv[1]));
  if (argc > 2) load.tasks_a_second = static_cast<uint32_t>(std::stoul(argv[2]));
  if (argc > 3) load.seconds = std::stol(argv[3]);
  return bramble::sim::bench(load);
}
