// Maps whose lines are shuffled by key, against what sort makes of the same text.
#include "local_cluster.hpp"

namespace bramble::test {
namespace {

class MapReduce : public LocalCluster {
 protected:
  // A text with words of every frequency, the count of its words by the tools that everybody has, and a function that
  // counts them with bramble.
  static std::string text(int lines) {
    return "seq " + std::to_string(lines) +
           " | awk '{ print \"the\", \"w\" $1 % 7, \"x\" $1 % 1000, $1, \"\\xc3\\xa9t\\xc3\\xa9\" }' >$DIR/text\n"
           "tr -s ' ' '\\n' <$DIR/text | LC_ALL=C sort | uniq -c | awk '{ print $2 \"\\t\" $1 }' >$DIR/expected\n"
           "count() { bramble map --kernel wordcount --combine tally --reduce tally \"$@\" $DIR/text; }\n";
  }
};

TEST_F(MapReduce, WordCountsEqualThoseOfSortAndUniq) {
  const auto result =
      run(3, text(50000) +
                 "count --split 64K | cmp - $DIR/expected && echo kernel\n"
                 "count --partitions 1 | cmp - $DIR/expected && echo one partition\n"
                 "bramble map --combine 'sed \"s/$/\\t1/\" | tally' --reduce tally --split 200K $DIR/text "
                 "-- tr -s ' ' '\\n' | cmp - $DIR/expected && echo commands\n");
  EXPECT_EQ(result.out, "kernel\none partition\ncommands\n") << result.err;
}

TEST_F(MapReduce, ANodeThatDiesCostsNothingThatWasCommitted) {
  const auto result = run(3, text(200000) +
                                 "count --split 40K >$DIR/counts 2>$DIR/errors &\n"
                                 "map=$!\n"
                                 "done_tasks() { bramble job info 1 --json 2>/dev/null | jq '.[0].tasks.succeeded'; }\n"
                                 "until [ \"$(done_tasks)\" -ge 10 ] 2>/dev/null; do sleep 0.02; done\n"
                                 "kill -KILL $(jq -er '.nodes.local01 | .agent, .warden' $PIDS) || echo not killed\n"
                                 "wait $map; echo $?\n"
                                 "cmp $DIR/counts $DIR/expected && echo same\n");
  EXPECT_EQ(result.out, "0\nsame\n") << result.err << posix::read_file(dir + "/errors", 1 << 20).value_or("");
}

TEST_F(MapReduce, SaysWhichOfTheCommandsFailed) {
  const auto result = run(1,
                          text(100) +
                              "count --combine no-such-filter; echo $?\n"
                              "count --reduce 'cat >/dev/null; exit 5'; echo $?\n"
                              "count --reduce 'head -n 1' | wc -l\n"
                              "bramble map --partitions 2 --reduce tally $DIR/text -- sh -c 'exit 6'; echo $?\n"
                              "count </dev/null --reduce tally - | wc -l\n",
                          "--slots 2");
  EXPECT_EQ(result.out, "1\n1\n2\n1\n" + std::to_string(100 + 100 + 7 + 2) + "\n") << result.err;
  EXPECT_NE(result.err.find("the combine command ended with exit status 127"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("the reduce command (task 3/0) failed with exit status 5"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("the map command ended with exit status 6"), std::string::npos) << result.err;
}

TEST_F(MapReduce, AKernelMapsPiecesWithoutAShuffleInTheirOrder) {
  const auto result = run(2,
                          "seq 1 20000 >$DIR/in\n"
                          "bramble map --kernel wordcount --records 100 $DIR/in | cut -f 2 | sort -u\n"
                          "bramble map --kernel wordcount --records 100 $DIR/in | wc -l\n"
                          "head -n 50 $DIR/in | bramble map --kernel wordcount --records 1 --reduce 'tail -n 1'\n");
  EXPECT_EQ(result.out, "1\n20000\n50\t1\n") << result.err;
}

}  // namespace
}  // namespace bramble::test
