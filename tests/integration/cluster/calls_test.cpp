// Call tasks through a whole cluster: real kernels, real deaths.
#include "local_cluster.hpp"

namespace bramble::test {
namespace {

class CallCluster : public LocalCluster {};

TEST_F(CallCluster, AnswersEachLineInOrderWithTheShippedKernels) {
  const auto result = run(2,
                          "seq 1 3000 | sed 's/$/ 100/' >$DIR/in\n"
                          "bramble call montecarlo --each-line <$DIR/in >$DIR/out1; echo $?\n"
                          "bramble call montecarlo --each-line --instances 1 <$DIR/in | cmp - $DIR/out1 && echo same\n"
                          "wc -l <$DIR/out1\n"
                          "printf 'b a b\\n' | bramble call wordcount\n"
                          "bramble job info 1 --json | jq -r '.[0].state'\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "0\nsame\n3000\na\t1\nb\t2\nsucceeded\n") << result.err;
}

TEST_F(CallCluster, AKernelStaysFromBatchToBatchAndLeavesWithItsJob) {
  // What it answers says which process it is: 40 lines that come one by one are as many batches, and one process.
  const auto result = run(1,
                          "cat >$DIR/pid.py <<'END'\n"
                          "import os, struct, sys\n"
                          "while head := sys.stdin.buffer.read(8):\n"
                          "    length, number = struct.unpack('<II', head)\n"
                          "    sys.stdin.buffer.read(length - 4)\n"
                          "    text = str(os.getpid()).encode()\n"
                          "    sys.stdout.buffer.write(struct.pack('<IIB', len(text) + 5, number, 0) + text)\n"
                          "    sys.stdout.buffer.flush()\n"
                          "END\n"
                          "mkfifo $DIR/in\n"
                          "bramble call --each-line python3 -- $DIR/pid.py <$DIR/in >$DIR/pids &\n"
                          "exec 3>$DIR/in\n"
                          "for i in $(seq 40); do\n"
                          "  echo $i >&3; until [ $(wc -l <$DIR/pids) -ge $i ]; do sleep 0.01; done\n"
                          "done\n"
                          "exec 3>&-; wait\n"
                          "sort -u $DIR/pids | wc -l\n"
                          "bramble job info last --json | jq '.[0].tasks.succeeded'\n"
                          "bramble run -- true\n"
                          "test -e /proc/$(head -n 1 $DIR/pids) || echo gone\n",
                          "--slots 1");
  EXPECT_EQ(result.out, "1\n40\ngone\n") << result.err;
}

TEST_F(CallCluster, ACallThatKillsItsKernelFailsAlone) {
  const auto result = run(2,
                          "cat >$DIR/square.py <<'END'\n"
                          "import os, struct, sys\n"
                          "while head := sys.stdin.buffer.read(8):\n"
                          "    length, number = struct.unpack('<II', head)\n"
                          "    x = int(sys.stdin.buffer.read(length - 4))\n"
                          "    if x == 66: os.abort()\n"
                          "    text = str(x * x).encode()\n"
                          "    sys.stdout.buffer.write(struct.pack('<IIB', len(text) + 5, number, 0) + text)\n"
                          "    sys.stdout.buffer.flush()\n"
                          "END\n"
                          "seq 1 99 | bramble call --each-line python3 -- $DIR/square.py >$DIR/results; echo $?\n"
                          "awk '{ sum += $1 } END { print sum }' $DIR/results\n"
                          "sed -n 66p $DIR/results\n");
  EXPECT_EQ(result.out, "1\n" + std::to_string(328350 - 66 * 66) + "\n\n") << result.err;
  EXPECT_NE(result.err.find("line 66 failed"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("1 of 99 calls failed"), std::string::npos) << result.err;
}

TEST_F(CallCluster, NothingIsLostOrTwiceWhenAgentWardenBrokerAndAggregatorAreKilled) {
  const auto result = run(2,
                          "cat >$DIR/square.py <<'END'\n"
                          "import struct, sys, time\n"
                          "while head := sys.stdin.buffer.read(8):\n"
                          "    length, number = struct.unpack('<II', head)\n"
                          "    x = int(sys.stdin.buffer.read(length - 4))\n"
                          "    time.sleep(0.004)\n"  // work that takes as long on every machine and in every build
                          "    text = str(x * x).encode()\n"
                          "    sys.stdout.buffer.write(struct.pack('<IIB', len(text) + 5, number, 0) + text)\n"
                          "    sys.stdout.buffer.flush()\n"
                          "END\n"
                          "seq 1 4000 >$DIR/in; awk '{ print $1 * $1 }' $DIR/in >$DIR/plain\n"
                          "bramble call --each-line python3 -- $DIR/square.py <$DIR/in >$DIR/killed 2>$DIR/errors &\n"
                          "call=$!\n"
                          "for part in .nodes.local01.agent .nodes.local02.warden .aggregator .broker; do\n"
                          "  until [ $(wc -l <$DIR/killed) -gt ${seen:-0} ] || ! kill -0 $call; do sleep 0.02; done\n"
                          "  [ $(wc -l <$DIR/killed) -lt 4000 ] || echo \"ended before $part was killed\"\n"
                          "  until pid=$(jq -er $part $PIDS); do sleep 0.02; done\n"  // one that was killed has none
                          "  kill -KILL $pid || echo not killed: $part; seen=$(wc -l <$DIR/killed)\n"
                          "done\n"
                          "wait $call; echo $?\n"
                          "cmp $DIR/plain $DIR/killed && echo same\n");
  EXPECT_EQ(result.out, "0\nsame\n") << result.err << posix::read_file(dir + "/errors", 1 << 20).value_or("");
}

TEST_F(CallCluster, AKernelThatIsNotThereIsSaidSo) {
  const auto result = run(1, "echo x | bramble call no-such-kernel; echo $?");
  EXPECT_EQ(result.out, "1\n");
  EXPECT_NE(result.err.find("no-such-kernel"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace bramble::test
