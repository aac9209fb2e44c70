#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <vector>

#include "local_cluster.hpp"

namespace bramble::test {
namespace {

TEST_F(LocalCluster, ReturnsTheStatusOfTheTaskThatRan) {
  const auto result = run(2, "bramble run -- sh -c 'echo out; echo err >&2; exit 42'");
  EXPECT_EQ(result.status, 42) << result.err;
  EXPECT_EQ(result.out, "out\n");
  EXPECT_NE(result.err.find("err\n"), std::string::npos);
}

TEST_F(LocalCluster, LeavesNoProcessBehind) {
  const auto result = run(1, "jq -r '.aggregator, .broker, .nodes[].agent, .nodes[].warden' $PIDS");
  ASSERT_EQ(result.status, 0) << result.err;
  int count = 0;
  std::string pid;
  for (const char c : result.out) {
    if (c != '\n') {
      pid += c;
      continue;
    }
    EXPECT_FALSE(posix::read_file("/proc/" + pid + "/cmdline", 4096).has_value()) << "process " << pid << " is left";
    pid.clear();
    ++count;
  }
  EXPECT_EQ(count, 4);
}

TEST_F(LocalCluster, MapsAMillionLinesAndJoinsThemInOrder) {
  const auto result = run(2,
                          "seq 1 1000000 >$DIR/in\n"
                          "bramble map --split 100K -- wc -l <$DIR/in | paste -sd+ | bc\n"
                          "bramble map --split 500K -- cat <$DIR/in | cmp - $DIR/in && echo same\n"
                          "bramble map --split 500K --reduce 'tail -n 1' -- grep 7 <$DIR/in\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "1000000\nsame\n999997\n");
}

TEST_F(LocalCluster, TakesMoreKeysOfTheAggregatorsConfiguration) {
  ASSERT_TRUE(posix::write_file_atomically(dir + "/more.toml",
                                           "[[alert]]\nname = \"loaded\"\nmetric = \"load1\"\nabove = -1\n"));
  const auto result =
      run(1, "until bramble check | grep -o 'alert loaded of node local01 is raised'; do sleep 0.1; done",
          "--config " + dir + "/more.toml");
  EXPECT_EQ(result.out, "alert loaded of node local01 is raised\n") << result.err;
}

TEST_F(LocalCluster, ShowsOutputWhileTheTaskStillRuns) {
  // The task goes on only after its first line was seen outside.
  const auto result = run(1,
                          "bramble run -- sh -c \"echo a; while [ ! -e $DIR/seen ]; do sleep 0.05; done; echo b\" |\n"
                          "while read -r line; do echo got $line; touch $DIR/seen; done\n");
  EXPECT_EQ(result.out, "got a\ngot b\n") << result.err;
}

TEST_F(LocalCluster, PassesStandardInputAndTheTasksNames) {
  const auto result = run(1,
                          "echo hello | bramble run -- cat\n"
                          "bramble submit --array 5-9:2 --wait -- sh -c 'echo $BRAMBLE_JOB_ID $BRAMBLE_TASK_ID "
                          "$BRAMBLE_ATTEMPT $BRAMBLE_NODE' >/dev/null\n"
                          "bramble job cat last\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "hello\n2 5 1 local01\n2 7 1 local01\n2 9 1 local01\n");
}

TEST_F(LocalCluster, InputsTravelPackedWhereThatSavesAndArriveAsTheyWere) {
  const auto result = run(1,
                          "cd $DIR/cluster/aggregator/broker; port=$(jq -r .url client.json | cut -d: -f3)\n"
                          "stdbuf -oL mosquitto_sub -h 127.0.0.1 -p $port -u $(jq -r .username client.json) -P \"$(cat "
                          "password)\" -V 5 \\\n"
                          "  -t 'bramble/+/node/+/blob/down/#' -F %t -d >$DIR/topics &\n"
                          "sub=$!\n"
                          "until grep -q SUBACK $DIR/topics; do sleep 0.02; done\n"
                          "cd $DIR; seq 1 100000 >text; head -c 500000 /dev/urandom >noise\n"
                          "bramble run -- sha256sum <text | cut -c 1-64 | grep -c $(sha256sum <text | cut -c 1-64)\n"
                          "bramble run -- sha256sum <noise | cut -c 1-64 | grep -c $(sha256sum <noise | cut -c 1-64)\n"
                          "until [ $(grep -c ^bramble/ $DIR/topics) -ge $((9 + 8)) ]; do sleep 0.02; done; kill $sub\n"
                          "grep -c '/zstd$' $DIR/topics\n");
  EXPECT_EQ(result.out, "1\n1\n9\n") << result.err << posix::read_file(dir + "/topics", 1 << 20).value_or("");
}

TEST_F(LocalCluster, ACommandThatDoesNotExistOnTheNodeIsSaidSo) {
  const auto result = run(1, "bramble run -- no-such-command-anywhere");
  EXPECT_EQ(result.status, 127);
  EXPECT_NE(result.err.find("no-such-command-anywhere"), std::string::npos) << result.err;
}

TEST_F(LocalCluster, ADryRunChangesNothing) {
  const auto result = run(1,
                          "bramble submit --array 1-10 --dry-run -- echo hi >/dev/null || exit 9\n"
                          "bramble job list --json | jq length\n"
                          "bramble node list --json | jq -r '.[0].node'\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "0\nlocal01\n");
}

TEST_F(LocalCluster, ExecRunsOnEachNodeOnce) {
  const auto result = run(2,
                          "bramble exec all -- sh -c 'echo on $BRAMBLE_NODE' | sort\n"
                          "bramble exec local02 -- sh -c 'exit 3'; echo $?\n"
                          "bramble run --on local02 -- sh -c 'echo $BRAMBLE_NODE'\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "local01: on local01\nlocal02: on local02\n1\nlocal02\n");
  EXPECT_NE(result.err.find("local02: failed with exit status 3"), std::string::npos) << result.err;
}

TEST_F(LocalCluster, RetriesLimitsAndCancelEndAsTheySay) {
  const auto result =
      run(1,
          "bramble submit --retries 2 --wait -- sh -c 'exit $((BRAMBLE_ATTEMPT == 3 ? 0 : 5))' >/dev/null; echo $?\n"
          "bramble run --time-limit 300ms -- sleep 60 2>/dev/null; test $? -ne 0 && echo limited\n"
          "job=$(bramble submit -- sleep 60)\n"
          "bramble job cancel $job >/dev/null; bramble job wait $job >/dev/null 2>&1; echo $?\n"
          "bramble job info $job --json | jq -r '.[0].state'\n");
  EXPECT_EQ(result.out, "0\nlimited\n1\ncancelled\n") << result.err;
}

TEST_F(LocalCluster, ADrainedNodeGetsNoWork) {
  const auto result = run(2,
                          "bramble node drain local01 --reason test >/dev/null\n"
                          "bramble submit --array 1-6 --wait -- sh -c 'echo $BRAMBLE_NODE' >/dev/null\n"
                          "bramble job cat last | sort -u\n"
                          "bramble node resume local01 >/dev/null\n"
                          "bramble node drain local07 2>&1 >/dev/null | grep -c local0\n");
  EXPECT_EQ(result.out, "local02\n1\n") << result.err;
}

TEST_F(LocalCluster, AnswersQuestionsAboutItsTelemetryInSql) {
  const auto result =
      run(1,
          "for i in $(seq 100); do\n"
          "  n=$(bramble query 'SELECT count(*) AS n FROM telemetry WHERE power_w > 0' --format json | jq '.[0].n')\n"
          "  [ \"$n\" -ge 2 ] && break; sleep 0.1\n"
          "done\n"
          "[ \"$n\" -ge 2 ] && echo readings\n"
          "bramble query 'DELETE FROM telemetry' 2>/dev/null; echo $?\n");
  EXPECT_EQ(result.out.substr(0, 9), "readings\n") << result.err;
  EXPECT_NE(result.out.substr(9), "0\n") << "a question changes nothing";
}

TEST_F(LocalCluster, ExplainsWhatWaitsAndHowItEnded) {
  const auto result = run(1,
                          "big=$(bramble submit --cpus 999 -- true 2>/dev/null)\n"
                          "bramble job explain $big | sed 1d\n"
                          "bramble job explain $big.0 --json | jq -r '.[0].reasons[0].reason'\n"
                          "bramble job cancel $big >/dev/null\n"
                          "bramble job explain $big.0\n"
                          "bramble submit --wait -- sh -c 'exit 7' >/dev/null 2>&1\n"
                          "bramble job explain last\n"
                          "bramble job explain 99; echo $?\n",
                          "--slots 2");
  EXPECT_EQ(result.out,
            "  1 task: no node could ever hold it (cpus: it asks for 999 and the most that a node has is 2 (local01)): "
            "add a node that can, or cancel it and submit it with less\n"
            "too_large\n"
            "task 1.0: cancelled\n  cancelled before it was started\n"
            "job 2: failed, 1 of 1 task ended\n  1 task: failed: exit status 7\n"
            "1\n")
      << result.err;
}

TEST_F(LocalCluster, ForgetsJobsWithTheirRowsAndFiles) {
  const auto result = run(1,
                          "state=$DIR/cluster/aggregator\n"
                          "[ -d $state/outputs ] || state=$(dirname $(find $DIR/cluster -name jobs.db))\n"
                          "big='head -c 200000 /dev/zero'\n"
                          "bramble submit --array 1-3 --wait -- $big >/dev/null\n"
                          "bramble submit --wait -- $big >/dev/null\n"
                          "job=$(bramble submit -- sleep 60)\n"
                          "bramble job forget $job 2>&1 | grep -c 'cancel it first'\n"
                          "bramble job cancel $job >/dev/null; bramble job wait $job 2>/dev/null\n"
                          "bramble job forget 1\n"
                          "bramble job list --json | jq -c 'map(.job)'\n"
                          "bramble job info 1 2>&1; bramble job cat 1 2>&1 | head -c 100\n"
                          "while [ -d $state/outputs/1 ]; do sleep 0.05; done\n"
                          "while [ $(bramble query --format csv 'SELECT count(*) FROM jobs.tasks_raw WHERE job = 1' | "
                          "tail -n 1) != 0 ]; do sleep 0.05; done\n"
                          "ls $state/outputs\n"
                          "touch $state/outputs/2/0.7.out; mkdir $state/outputs/99; touch $state/outputs/99/1.1.err\n"
                          "kill -KILL $(jq -r .aggregator $PIDS)\n"
                          "while [ -e $state/outputs/2/0.7.out ] || [ -e $state/outputs/99 ]; do sleep 0.05; done\n"
                          "bramble job cat 2 | wc -c\n"
                          "bramble job forget all\n"
                          "bramble submit -- true\n");
  EXPECT_EQ(result.out,
            "1\nforgot 1 job; their rows and files are being removed\n[2,3]\n"
            "bramble: there is no job 1: the last one is 3\nbramble: there is no job 1: the last one is 3\n"
            "2\n200000\nforgot 2 jobs; their rows and files are being removed\n4\n")
      << result.err;
}

TEST_F(LocalCluster, HandsFilesToTasksAndMapsWithThem) {
  const auto result =
      run(2,
          "printf '#!/bin/sh\\ncat words | wc -l; wc -c <big\\n' >$DIR/count\n"
          "seq 1 100 >$DIR/words; head -c 3000000 /dev/zero >$DIR/big\n"
          "bramble run --input $DIR/count=tool --input $DIR/words --input $DIR/big -- ./tool\n"
          "bramble job info 1 | grep inputs\n"
          "seq 1 9 >$DIR/in; echo 5 >$DIR/wanted\n"
          "bramble map --input $DIR/wanted --split 4 --reduce 'cat wanted -' -- sh -c 'grep -f wanted || true' "
          "<$DIR/in\n"
          "bramble submit --input $DIR/words --array 1-3 --wait -- sh -c 'tail -n 1 words' >/dev/null\n"
          "bramble job cat last\n");
  EXPECT_EQ(result.out, "100\n3000000\n  inputs        tool (40), words (292), big (2.8M)\n5\n5\n100\n100\n100\n")
      << result.err;
}

TEST_F(LocalCluster, SendsAnInputThatTheHeadHasOnlyWhereItIsNotWholeThere) {
  const auto result =
      run(1,
          "head -c 3000000 /dev/zero >$DIR/big\n"
          "bramble run --input $DIR/big -- true\n"  // a job that has ended
          "f=$(find $DIR/cluster/aggregator -name $(sha256sum <$DIR/big | cut -d' ' -f1)); before=$(stat -c %i $f)\n"
          "echo a | bramble call --input $DIR/big wordcount\n"
          "[ $(stat -c %i $f) = $before ] && echo not sent\n"
          "truncate -s 5 $f; echo b | bramble call --input $DIR/big wordcount; stat -c %s $f\n");
  EXPECT_EQ(result.out, "a\t1\nnot sent\nb\t1\n3000000\n") << result.err;
}

bool others_reach(std::filesystem::path folder) {
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0 || (about.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

TEST_F(LocalCluster, RunsTasksAsAnotherUserWhoGetsInputsWithoutCopies) {
  if (::geteuid() != 0) {
    const auto refused = run(1, "true", "--user nobody");
    EXPECT_EQ(refused.err, "bramble: --user needs root: without it tasks run as you\n");
    return;
  }
  if (!others_reach(kBinaryDir)) GTEST_SKIP() << "other users may not enter " << kBinaryDir;
  ASSERT_EQ(::chmod(dir.c_str(), 0711), 0);
  const auto result = run(1,
                          "seq 1 50000 >$DIR/in\n"
                          "bramble run --input $DIR/in -- sh -c 'id -un; stat -c %h in; sum in | cut -c1-5'\n"
                          "[ -s $DIR/cluster/local01/agent.toml ] || echo no such file\n"
                          "bramble run -- cat $DIR/cluster/local01/agent.toml || echo not his\n"
                          "echo a | bramble call wordcount; sum $DIR/in | cut -c1-5\n",
                          "--user nobody");
  std::istringstream lines(result.out);
  std::vector<std::string> words;
  for (std::string line; std::getline(lines, line);) words.push_back(line);
  ASSERT_EQ(words.size(), 6U) << result.out << result.err;
  EXPECT_EQ(words[0], "nobody");
  EXPECT_EQ(words[1], "2") << "the cache's file, not a copy";
  EXPECT_EQ(words[2], words[5]);
  EXPECT_EQ(words[3], "not his");
  EXPECT_THAT(result.err, testing::HasSubstr("agent.toml: Permission denied"));
  EXPECT_EQ(words[4], "a\t1");
  EXPECT_THAT(run(1, "true", "--user no-such-user").err, testing::HasSubstr("there is no user no-such-user"));
  EXPECT_THAT(run(1, "true", "--user root").err, testing::HasSubstr("name another user"));
}

TEST_F(LocalCluster, TakesAnInputThatTheHeadHasByItsHashAlone) {
  const auto result = run(1,
                          "seq 1 50000 >$DIR/in; hash=sha256:$(sha256sum <$DIR/in | cut -d' ' -f1)\n"
                          "same() { bramble run \"$@\" -- cat in | cmp - $DIR/in && echo same; }\n"
                          "bramble run --input $hash=in -- cat in || echo not there\n"
                          "same --input $DIR/in; same --input $hash=in\n"
                          "f=$(find $DIR/cluster/aggregator -name ${hash#sha256:}); truncate -s 5 $f\n"
                          "bramble run --input $hash=in -- cat in || echo damaged\n"
                          "same --input $DIR/in; same --input $hash=in\n");
  EXPECT_EQ(result.out, "not there\nsame\nsame\ndamaged\nsame\nsame\n") << result.err;
  EXPECT_THAT(result.err, testing::HasSubstr("15 minutes after their job): name the file itself"));
}

TEST_F(LocalCluster, KeepsInputsOnTheNodeAndFetchesADamagedOneAgain) {
  const auto result =
      run(1,
          "seq 1 50000 >$DIR/in\n"
          "same() { bramble run --input $DIR/in -- cat in | cmp - $DIR/in && echo same; }\n"
          "kept() { find $DIR -type f -path '*/blobs/*' -perm 0555; }\n"
          "same; f=$(kept); before=$(stat -c %i $f)\n"
          "same; [ $(stat -c %i $f) = $before ] && echo the same file\n"
          "chmod u+w $f; printf x | dd of=$f conv=notrunc 2>/dev/null; cmp -s $f $DIR/in || echo damaged\n"
          "same; cmp $f $DIR/in && echo mended\n");
  EXPECT_EQ(result.out, "same\nsame\nthe same file\ndamaged\nsame\nmended\n") << result.err;
}

TEST_F(LocalCluster, SendsTasksToTheNodeThatHasTheirInputs) {
  const auto result = run(3,
                          "seq 1 50000 >$DIR/in\n"
                          "where() { bramble run --input $DIR/in \"$@\" -- sh -c 'echo $BRAMBLE_NODE'; }\n"
                          "where --on local03; where; where\n");
  EXPECT_EQ(result.out, "local03\nlocal03\nlocal03\n") << result.err;
}

TEST_F(LocalCluster, RetriesWhatFailedWithItsInputAndKeepsWhatSucceeded) {
  const auto result =
      run(1,
          "seq 1 10 >$DIR/in\n"
          "bramble submit --stdin-file $DIR/in --array 1-4 --wait -- sh -c '[ $BRAMBLE_TASK_ID -lt 3 -o -e '$DIR'/good "
          "] || "
          "exit 5; wc -l; echo try $BRAMBLE_ATTEMPT' >/dev/null 2>&1; echo $?\n"
          "touch $DIR/good\n"
          "kill -KILL $(jq -r .aggregator $PIDS)\n"
          "bramble job retry 1; bramble job wait 1; echo $?\n"
          "bramble job cat 1\n"
          "bramble job retry 1\n"
          "seq 1 7 >$DIR/other; bramble submit --stdin-file $DIR/other --wait -- wc -l >/dev/null; bramble job retry "
          "last --all 2>&1\n"
          "job=$(bramble submit --array 1-100000 -- sleep 60)\n"
          "bramble job cancel $job >/dev/null; bramble job wait $job 2>/dev/null\n"
          "bramble job retry $job; bramble job explain $job --json | jq '[.[0].reasons[].tasks] | add'\n"
          "bramble job cancel $job >/dev/null; bramble job wait $job 2>/dev/null\n"
          "bramble job info $job --json | jq .[0].tasks.cancelled\n");
  EXPECT_EQ(result.out,
            "1\njob 1: 2 tasks queued again\n0\n"
            "10\ntry 1\n10\ntry 1\n10\ntry 2\n10\ntry 2\n"
            "nothing to retry: no task of these jobs failed or was cancelled\n"
            "bramble: the input of job 2 was removed when it had succeeded: submit it again\n"
            "job 3: 100000 tasks queued again\n100000\n100000\n")
      << result.err;
}

}  // namespace
}  // namespace bramble::test
