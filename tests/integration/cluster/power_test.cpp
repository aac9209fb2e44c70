// The power of a cluster's machines through simulated lines: what people ask for, and what is done for a node that
// hangs.
#include <gmock/gmock.h>

#include "local_cluster.hpp"

namespace bramble::test {
namespace {

using ::testing::HasSubstr;

// until_state NODE STATE; story NODE: what the audit log has of it, a line each, without what was only seen.
const char* const kHelpers =
    "state() { bramble power status $1 --json | jq -r '.nodes[0].state'; }\n"
    "until_state() { until [ \"$(state $1)\" = $2 ]; do sleep 0.2; done; }\n"
    "story() { bramble audit $1 --json | jq -r '.[] | .who + \": \" + (.action | split(\" (\")[0]) + "
    "(if .result == \"\" then \"\" else \", \" + .result end)'; }\n";

class LocalPower : public LocalCluster {
 protected:
  ScriptResult play(int agents, const std::string& script) { return run(agents, kHelpers + script); }
};

TEST_F(LocalPower, OffHaltsTheMachineCutsItAndOnBootsItAgain) {
  const auto result = play(2,
                           "ME=$(id -un)\n"
                           "until_state local02 on; bramble power off local02 --reason 'new card' >/dev/null\n"
                           "until_state local02 off\n"
                           "jq -r '.nodes.local02.agent' $PIDS\n"
                           "cat $DIR/cluster/aggregator/lines/local02.supply\n"
                           "bramble power on local02 --reason done >/dev/null\n"
                           "until_state local02 on\n"
                           "bramble submit --array 1-2 --wait -- sh -c \"touch $DIR/ran.\\$BRAMBLE_NODE; "
                           "while [ ! -e $DIR/ran.local02 ]; do sleep 0.1; done\" >/dev/null && echo works\n"
                           "story local02 | sed s/^$ME:/person:/\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out,
            "0\n0\nworks\n"
            "automation: on\nperson: asked: off\nperson: draining\nperson: halting\nperson: cutting\n"
            "person: switched off, reads off\nperson: off\n"
            "person: asked: on\nperson: starting\nperson: switched on, reads on\nautomation: on\n");
  EXPECT_THAT(result.err, HasSubstr("local02 halts"));
}

TEST_F(LocalPower, ARestartOfTheAggregatorSwitchesNothing) {
  const auto result =
      play(2,
           "until_state local02 on; bramble power off local02 --reason saving >/dev/null; until_state local02 off\n"
           "before=$(stat -c %y $DIR/cluster/aggregator/lines/*.supply)\n"
           "old=$(jq .aggregator $PIDS); kill -9 $old\n"
           "while [ \"$(jq .aggregator $PIDS)\" = $old ] || [ \"$(jq .aggregator $PIDS)\" = 0 ]; do\n"
           "  sleep 0.1\ndone\n"
           "until_state local01 on; until_state local02 off\n"
           "[ \"$before\" = \"$(stat -c %y $DIR/cluster/aggregator/lines/*.supply)\" ] && echo still\n");
  EXPECT_EQ(result.out, "still\n") << result.err;
}

TEST_F(LocalPower, TheDoctorLooksAtTheHeadTheLinesAndTheNodes) {
  const auto result =
      play(2,
           "until_state local01 on; until_state local02 on\n"
           "found() { bramble node doctor local02 --json | jq -r \"$1 | .[] | select(.check == \\\"$2\\\") "
           "| .state\"; }\n"
           "until [ \"$(found .nodes[0].findings halt)\" = good ]; do sleep 0.2; done\n"
           "found .head broker; found .nodes[0].findings heard; found .nodes[0].findings line\n"
           "rm $DIR/cluster/aggregator/lines/local01.supply; mkdir $DIR/cluster/aggregator/lines/local01.supply\n"
           "until bramble node doctor local01 >$DIR/told; [ $? = 1 ]; do sleep 0.2; done\n"
           "grep -c problem $DIR/told\n");
  EXPECT_EQ(result.out, "good\ngood\ngood\ngood\n1\n") << result.err;
}

// The longest of these: its limits are those that people of `bramble local` have.
TEST_F(LocalPower, ANodeWhoseAgentHangsIsCycledAndItsTasksRunElsewhereOnce) {
  const auto result = play(
      4,
      "job=$(bramble submit --json --array 1-8 --on-node-loss fence -- sh -c "
      "\"echo \\$BRAMBLE_TASK_ID on \\$BRAMBLE_NODE >> $DIR/ran; while [ ! -e $DIR/go ]; do sleep 0.1; done\" | jq "
      ".job)\n"
      "until [ $(wc -l < $DIR/ran) = 4 ]; do sleep 0.1; done\n"
      "mine=$(sed -n 's/ on local02//p' $DIR/ran)\n"
      "kill -STOP $(jq .nodes.local02.agent $PIDS)\n"
      "until story local02 | grep -q 'switched off'; do sleep 0.2; done\n"
      "until_state local02 on; touch $DIR/go\n"
      "bramble job wait $job && bramble job info $job --json | jq '.[0].tasks.succeeded'\n"
      "sed 's/ on.*//' $DIR/ran | sort | uniq -c | awk '{print $1 \" of \" $2}' | grep -v '^1 of' | sed s/$mine/mine/\n"
      "story local02\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out,
            "8\n2 of mine\n"
            "automation: on\nautomation: suspect\nautomation: fencing\nautomation: switched off, reads off\n"
            "automation: off is proved\nautomation: cool-down\n"
            "automation: starting\nautomation: switched on, reads on\nautomation: on\n");
}

}  // namespace
}  // namespace bramble::test
