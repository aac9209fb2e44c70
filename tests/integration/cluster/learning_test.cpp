// bramble train and bramble infer through a whole cluster: real kernels, real deaths.
#include "local_cluster.hpp"
#include "support/places.hpp"

namespace bramble::test {
namespace {

class LearningCluster : public LocalCluster {
 protected:
  void SetUp() override {
    LocalCluster::SetUp();
    write_spec("iris.toml", "epochs = 4\nbatch = 32");
  }

  void write_spec(const std::string& name, const std::string& training) {
    EXPECT_TRUE(posix::write_file_atomically(dir + "/" + name,
                                             "[data]\nfile = '" + std::string(kSourceDir) +
                                                 "/tests/fixtures/data/iris.csv'\nheader = true\nvalidation = 0.33\n"
                                                 "classes = ['setosa', 'versicolor', 'virginica']\n"
                                                 "[model]\nlayers = ['dense 16', 'tanh', 'dense 3']\n"
                                                 "[training]\nrate = 0.01\n" +
                                                 training + "\n"));
  }
};

TEST_F(LearningCluster, TrainsTheSameModelToTheBitOnOneTwoAndFourNodes) {
  const auto result = run(4,
                          "cd $DIR\n"
                          "bramble train iris.toml --output one --on local01 >lines; echo $?\n"
                          "bramble train iris.toml --output two --on 'local[01-02]' >/dev/null; echo $?\n"
                          "mkdir there; cd there; bramble train ../iris.toml >/dev/null; echo $?\n"
                          "cmp ../one ../two && cmp ../two iris.model && echo same\n"
                          "wc -l <../lines; ls *.checkpoint ../*.checkpoint 2>/dev/null\n"
                          "for job in 1 2 3; do bramble job info $job --json |\n"
                          "  jq -r '[.[].task_list[].tries[] | select(.committed) | .node] | unique | join(\" \")'\n"
                          "done\n");
  EXPECT_EQ(result.out,
            "0\n0\n0\nsame\n4\n"
            "local01\nlocal01 local02\nlocal01 local02 local03 local04\n")
      << "each node took part; " << result.err;
}

// Every third flower is kept from the training altogether: not even its best epoch is chosen by them.
TEST_F(LearningCluster, LearnsTheFlowersAndAnswersInOrderForThoseItNeverSaw) {
  write_spec("iris.toml", "epochs = 80\npatience = 30\nbatch = 100\noptimizer = 'adam'");
  const auto result =
      run(2,
          "cd $DIR; data=$(sed -n \"s/^file = '\\(.*\\)'/\\1/p\" iris.toml)\n"
          "awk 'NR == 1 || NR % 3 != 0' $data >known.csv; awk 'NR == 1 || NR % 3 == 0' $data >new.csv\n"
          "sed -i \"s/^file = .*/file = 'known.csv'/; s/^rate = .*/rate = 0.05/\" iris.toml\n"
          "bramble train iris.toml --json 2>errors | jq -s 'map(select(.best)) | last' >chosen\n"
          "jq '.held_out.rows, .held_out.accuracy >= 0.96' chosen\n"
          "grep -c \", of which $(jq .epoch chosen) was the best\" errors\n"
          "bramble infer iris.model new.csv --summary --json | jq '.rows, .accuracy >= 0.96'\n"
          "(echo a,b,c,d; tail -n +2 new.csv | cut -d, -f1-4) >plain.csv\n"
          "bramble infer iris.model plain.csv | cut -f1 >answers\n"
          "bramble infer iris.model new.csv --json | jq -r .answer | cmp - answers && wc -l <answers\n"
          "bramble infer iris.model plain.csv --summary; echo $?\n"
          "tail -n +2 plain.csv >bare.csv\n"
          "bramble infer iris.model bare.csv 2>&1 | grep -c 'bare.csv:1: numbers stand .* --no-header'\n"
          "bramble infer iris.model bare.csv --no-header | cut -f1 | cmp - answers && echo all\n"
          "cut -d, -f1-3 bare.csv >three.csv\n"
          "bramble infer iris.model three.csv 2>&1 | grep -c 'three.csv:1: the line has 3 columns, and the model takes "
          "4'\n");
  EXPECT_EQ(result.out, "33\ntrue\n1\n50\ntrue\n50\n2\n1\nall\n1\n") << result.err;
  EXPECT_NE(result.err.find("% right"), std::string::npos) << result.err;
}

TEST_F(LearningCluster, TrainsTheSameModelWhenAgentWardenBrokerAndAggregatorAreKilled) {
  write_spec("iris.toml", "epochs = 12\nbatch = 32");
  const auto result =
      run(2,
          "cd $DIR; bramble train iris.toml --output plain >/dev/null 2>&1\n"
          ": >lines\n"
          "bramble train iris.toml --output killed >>lines 2>errors &\n"
          "train=$!\n"
          "for part in .nodes.local01.agent .broker .nodes.local02.warden .aggregator; do\n"
          "  while [ $(wc -l <lines) -le ${seen:-0} ] && kill -0 $train 2>/dev/null; do sleep 0.02; done\n"
          "  kill -0 $train 2>/dev/null || echo 'ended before all were killed'\n"
          "  kill -KILL $(jq -r $part $PIDS) || echo \"no $part\"; seen=$(wc -l <lines)\n"
          "done\n"
          "wait $train; echo $?\n"
          "cmp plain killed && echo same\n");
  EXPECT_EQ(result.out, "0\nsame\n") << result.err << posix::read_file(dir + "/errors", 1 << 20).value_or("");
}

TEST_F(LearningCluster, GoesOnFromItsCheckpointWhenTheCommandWasKilled) {
  write_spec("iris.toml", "epochs = 8\nbatch = 32");
  const auto result = run(1,
                          "cd $DIR; bramble train iris.toml --output plain >/dev/null 2>&1\n"
                          ": >first\n"
                          "bramble train iris.toml --output again >>first 2>/dev/null &\n"
                          "train=$!\n"
                          "while [ $(wc -l <first) -lt 2 ] && kill -0 $train 2>/dev/null; do sleep 0.02; done\n"
                          "kill -KILL $train; wait $train 2>/dev/null\n"
                          "test -e again.checkpoint && echo kept\n"
                          "bramble train iris.toml --output again >second 2>errors; echo $?\n"
                          "grep -c 'goes on after epoch' errors\n"
                          "cmp plain again && echo same; ls *.checkpoint 2>/dev/null\n"
                          "[ $(wc -l <second) -lt 8 ] && echo fewer\n");
  EXPECT_EQ(result.out, "kept\n0\n1\nsame\nfewer\n") << result.err;
}

TEST_F(LearningCluster, GoesOnElsewhereFromTheJobsCheckpointWhenCommandAndAggregatorWereKilledAndTheFileIsGone) {
  write_spec("iris.toml", "epochs = 8\nbatch = 32");
  const auto result =
      run(1,
          "cd $DIR; bramble train iris.toml --output plain >/dev/null 2>&1\n"
          "bramble train iris.toml --resume 1 --output none; echo $?\n"
          "mkdir here there; : >first\n"
          "bramble train iris.toml --output here/m >>first 2>/dev/null &\n"
          "train=$!\n"
          "while [ $(wc -l <first) -lt 3 ] && kill -0 $train 2>/dev/null; do sleep 0.02; done\n"
          "kill -KILL $train $(jq -r .aggregator $PIDS); wait $train 2>/dev/null\n"
          "rm -r here; cp iris.toml there; cd there; job=$(bramble job list --json | jq 'map(.job) | max')\n"
          "echo not a checkpoint >m.checkpoint\n"
          "bramble train iris.toml --resume $job --output m >second 2>errors; echo $?\n"
          "grep -c \"job $job: goes on after epoch [1-7]\" errors\n"
          "cmp ../plain m && echo same; [ $(wc -l <second) -lt 8 ] && echo fewer; ls *.checkpoint 2>/dev/null\n"
          "bramble job list --json | jq 'map(.open) | any'\n");
  EXPECT_EQ(result.out, "1\n0\n1\nsame\nfewer\nfalse\n") << result.err;
  EXPECT_NE(result.err.find("job 1 has no checkpoint"), std::string::npos) << result.err;
}

TEST_F(LearningCluster, SaysWhereATrainingRanAwayAndWhatIsWrongWithDataAndSpec) {
  const auto result = run(
      1,
      "cd $DIR; printf '1,2,5\\n2,3,9\\n3,1,7\\n4,2,8\\n5,1,3\\n6,2,4\\n' >six.csv\n"
      "spec() { printf \"[data]\\nfile='$1'\\n$2\\n[model]\\nlayers=['$3']\\n"
      "loss='mean-squared-error'\\n[training]\\n$4\\n\" >s.toml; bramble train s.toml; echo $?; }\n"
      "spec six.csv 'target=3' 'dense 1' \"optimizer='sgd'\\nrate=1000\\nepochs=1000\" | tail -n 1\n"
      "rm -f s.model.checkpoint\n"
      "spec six.csv 'target=3\nvalidation=0' 'dense 1' \"optimizer='sgd'\nrate=1000\nbatch=1\nepochs=2\" | tail -n 1\n"
      "ls s.model 2>/dev/null; mkdir folder; bramble train iris.toml --output folder; echo $?\n"
      "spec six.csv 'target=3' 'dense 2' ''\n"
      "spec six.csv 'target=3' 'dense 1' 'epoch=3'\n"
      "echo 1,x,3 >>six.csv; spec six.csv 'target=3' 'dense 1' ''\n"
      "bramble infer six.csv iris.model; echo $?; bramble infer none.model six.csv; echo $?\n"
      "bramble infer --header --no-header iris.model six.csv; echo $?\n");
  EXPECT_EQ(result.out, "1\n1\n2\n1\n1\n1\n1\n1\n2\n") << result.err;
  for (const char* sentence :
       {"is no finite number any more; a lower rate may help", "bramble: epoch ",
        "bramble: epoch 2, step 6: a parameter is no finite number any more", "folder is a folder: name a file",
        "six.csv is no model: bramble train makes one; usage: bramble infer MODEL INPUT",
        "s.model.checkpoint still has the training:", "the last layer gives 2 values",
        "unknown key 'epoch'; did you mean 'epochs'?", "six.csv:7:2: 'x' is no number"}) {
    EXPECT_NE(result.err.find(sentence), std::string::npos) << sentence << "\n" << result.err;
  }
}

}  // namespace
}  // namespace bramble::test
