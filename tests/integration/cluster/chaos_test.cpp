// Daemons are killed in the middle of an array whose tasks write down what they do. The judgement reads only those
// files and the job's info: every task committed once, and none interrupted.
#include <map>
#include <sstream>

#include "local_cluster.hpp"

namespace bramble::test {
namespace {

constexpr int kTasks = 1000;

// Each task appends "task attempt start" and "task attempt end". While the file "hold" is there it does not end, and
// writes into "holding" which node it is on and its pid: so a fault that must hit a running task surely does.
std::string array_script(const std::string& chaos) {
  return "task='echo $BRAMBLE_TASK_ID $BRAMBLE_ATTEMPT start >>'$DIR'/diary; sleep 0.05; "
         "while [ -e '$DIR'/hold ]; do echo $BRAMBLE_NODE $$ >>'$DIR'/holding; sleep 0.05; done; "
         "echo $BRAMBLE_TASK_ID $BRAMBLE_ATTEMPT end >>'$DIR'/diary'\n"
         "job=$(bramble submit --array 1-" +
         std::to_string(kTasks) +
         " -- sh -c \"$task\")\n"
         "until [ -s $DIR/diary ] && [ $(wc -l <$DIR/diary) -gt 200 ]; do sleep 0.05; done\n" +
         chaos +
         "bramble job wait $job >/dev/null; echo wait $?\n"
         "bramble job info $job --json | jq -r '.[0].tasks | \"\\(.total) \\(.succeeded) \\(.failed)\"'\n";
}

struct Diary {
  std::map<int, int> ended;  // task -> attempts that came to their end
  int interrupted = 0;       // attempts that began and did not end
};

Diary read_diary(const std::string& path) {
  Diary diary;
  std::map<std::pair<int, int>, int> open;
  std::istringstream lines(posix::read_file(path, 64 << 20).value_or(""));
  int task = 0;
  int attempt = 0;
  std::string what;
  while (lines >> task >> attempt >> what) {
    if (what == "start") ++open[{task, attempt}];
    if (what == "end") {
      --open[{task, attempt}];
      ++diary.ended[task];
    }
  }
  for (const auto& [key, count] : open) diary.interrupted += count != 0 ? 1 : 0;
  return diary;
}

class Chaos : public LocalCluster {
 protected:
  void expect_all_once(const ScriptResult& result) {
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.out, "wait 0\n1000 1000 0\n") << result.err;
    const auto diary = read_diary(dir + "/diary");
    EXPECT_EQ(diary.ended.size(), static_cast<size_t>(kTasks));
    for (const auto& [task, times] : diary.ended)
      EXPECT_EQ(times, 1) << "task " << task << " ran " << times << " times";
    EXPECT_EQ(diary.interrupted, 0);
  }
};

TEST_F(Chaos, AKilledAggregatorInterruptsNothingAndRepeatsNothing) {
  expect_all_once(run(2, array_script("kill -9 $(jq .aggregator $PIDS)\n"), "--slots 4"));
}

TEST_F(Chaos, AKilledAgentInterruptsNothingAndRepeatsNothing) {
  expect_all_once(run(2, array_script("kill -9 $(jq .nodes.local01.agent $PIDS)\n"), "--slots 4"));
}

TEST_F(Chaos, ABrokerThatIsKilledComesBackAndNothingIsRepeated) {
  expect_all_once(run(2, array_script("kill -9 $(jq .broker $PIDS)\n"), "--slots 4"));
}

TEST_F(Chaos, TheTasksOfAKilledWardenRunAgainAndAllCommit) {
  const std::string kill_under_a_task =
      "touch $DIR/hold\n"
      "until grep -qs local01 $DIR/holding; do sleep 0.05; done\n"
      "victims=$(awk '$1 == \"local01\" {print $2}' $DIR/holding | sort -u)\n"
      "kill -9 $(jq .nodes.local01.warden $PIDS)\n"
      "for victim in $victims; do while kill -0 $victim 2>/dev/null; do sleep 0.05; done; done\n"
      "rm $DIR/hold\n";
  const auto result = run(2, array_script(kill_under_a_task), "--slots 4");
  EXPECT_EQ(result.out, "wait 0\n1000 1000 0\n") << result.err;
  const auto diary = read_diary(dir + "/diary");
  EXPECT_EQ(diary.ended.size(), static_cast<size_t>(kTasks));
  EXPECT_GT(diary.interrupted, 0) << "the kill hit nothing";
}

}  // namespace
}  // namespace bramble::test
