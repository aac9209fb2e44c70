#include "aggregator/cli/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <cstdlib>

namespace bramble::cli {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

template <typename Type>
Type parsed(const std::vector<std::string>& args) {
  const auto line = parse_command_line(args);
  EXPECT_TRUE(line) << line.error().message;
  if (!line) return {};
  const auto* command = std::get_if<Type>(&line->command);
  EXPECT_TRUE(command) << "another command";
  return command ? *command : Type{};
}

std::string refusal(const std::vector<std::string>& args) {
  const auto line = parse_command_line(args);
  EXPECT_FALSE(line);
  if (line) return "";
  EXPECT_EQ(line.error().code, ErrorCode::invalid);
  return line.error().message;
}

TEST(Options, MakeListAndRemoveTokens) {
  const auto add =
      parsed<TokenAddCommand>({"token", "add", "ci", "--role", "submitter", "--owner", "ada", "--expires", "90d"});
  EXPECT_EQ(add.name, "ci");
  EXPECT_EQ(add.role, "submitter");
  EXPECT_EQ(add.owner, "ada");
  EXPECT_EQ(add.lifetime_ms, int64_t{90} * 24 * 3600 * 1000);
  EXPECT_THAT(refusal({"token", "add", "ci"}), HasSubstr("--role"));
  EXPECT_THAT(refusal({"token", "add", "--role", "viewer"}), HasSubstr("called"));
  EXPECT_THAT(refusal({"token", "add", "ci", "--role", "root"}), HasSubstr("viewer, submitter or operator"));
  EXPECT_THAT(refusal({"token", "add", "c/i", "--role", "viewer"}), HasSubstr("not a name"));
  EXPECT_THAT(refusal({"token", "remove"}), HasSubstr("which token"));
  EXPECT_EQ(parsed<TokenRemoveCommand>({"token", "remove", "ci"}).name, "ci");
  parsed<TokenListCommand>({"token", "list", "--json"});
}

TEST(Options, TakeEverythingThatSubmitOffers) {
  const auto command = parsed<SubmitCommand>(
      {"submit", "--array",      "1-9:2%3", "--priority", "-5",         "--cpus",       "2",      "--memory",
       "512M",   "--resource",   "gpu=1",   "--resource", "fpga=2",     "--time-limit", "1h 30m", "--retries",
       "3",      "--env",        "A=b=c",   "--env",      "E=",         "--name",       "n",      "--on-node-loss",
       "fence",  "--stdin-file", "f",       "--wait",     "--progress", "--",           "sh",     "-c",
       "--array"});
  EXPECT_EQ(*command.array, (ArraySpec{1, 9, 2, 3}));
  EXPECT_EQ(command.task.priority, -5);
  EXPECT_EQ(command.task.cpus, 2U);
  EXPECT_EQ(command.task.memory_bytes, uint64_t{512} << 20);
  EXPECT_EQ(command.task.resources, (std::vector<std::pair<std::string, int64_t>>{{"gpu", 1}, {"fpga", 2}}));
  EXPECT_EQ(command.task.time_limit_ms, 5'400'000);
  EXPECT_EQ(command.task.retries, 3U);
  EXPECT_EQ(command.task.env, (std::vector<std::pair<std::string, std::string>>{{"A", "b=c"}, {"E", ""}}));
  EXPECT_EQ(command.task.name, "n");
  EXPECT_EQ(command.task.on_node_loss, "fence");
  EXPECT_EQ(command.stdin_file, "f");
  EXPECT_TRUE(command.wait && command.progress && !command.dry_run);
  EXPECT_EQ(command.task.argv, (std::vector<std::string>{"sh", "-c", "--array"}));
}

TEST(Options, TakeInputFilesUnderTheirOwnNamesOrOthers) {
  const auto command = parsed<RunCommand>({"run", "--input", "a/b/model.bin", "--input", "x=y=tool", "--", "./tool"});
  EXPECT_EQ(command.task.inputs, (std::vector<InputOption>{{"a/b/model.bin", "model.bin"}, {"x=y", "tool"}}));
  EXPECT_EQ(parsed<SubmitCommand>({"submit", "--input", "f", "--", "x"}).task.inputs.size(), 1U);
  EXPECT_EQ(parsed<MapCommand>({"map", "--input", "f", "--", "x"}).task.inputs.size(), 1U);
  EXPECT_THAT(refusal({"run", "--input", "=x", "--", "x"}), HasSubstr("write FILE or FILE=NAME"));
  EXPECT_THAT(refusal({"run", "--input", "dir/", "--", "x"}), HasSubstr("is no name for an input file"));
  EXPECT_THAT(refusal({"run", "--input", "f=a/b", "--", "x"}), HasSubstr("is no name for an input file"));
}

TEST(Options, TakeSeveralSelectorsAndTasks) {
  EXPECT_EQ(parsed<JobWaitCommand>({"job", "wait", "1", "3-4", "last"}).selector, "1,3-4,last");
  const auto command = parsed<JobExplainCommand>({"job", "explain", "12", "last.7"});
  ASSERT_EQ(command.places.size(), 2U);
  EXPECT_FALSE(command.places[0].task);
  EXPECT_EQ(command.places[1].selector, "last");
  EXPECT_EQ(command.places[1].task, 7U);
  EXPECT_THAT(refusal({"job", "explain", "12.x"}), HasSubstr("JOB.TASK"));
  EXPECT_THAT(refusal({"job", "explain"}), HasSubstr("which job?"));
}

TEST(Options, RetryWhatFailedOrEverything) {
  EXPECT_FALSE(parsed<JobRetryCommand>({"job", "retry", "3"}).all);
  EXPECT_FALSE(parsed<JobRetryCommand>({"job", "retry", "3", "--failed"}).all);
  EXPECT_TRUE(parsed<JobRetryCommand>({"job", "retry", "3", "--all"}).all);
  EXPECT_THAT(refusal({"job", "retry", "3", "--all", "--failed"}), HasSubstr("not both"));
  EXPECT_EQ(parsed<JobForgetCommand>({"job", "forget", "1", "2"}).selector, "1,2");
}

TEST(Options, PassOnEverythingBehindTheFirstSeparator) {
  const auto command = parsed<RunCommand>({"run", "--", "git", "log", "--", "--help"});
  EXPECT_EQ(command.task.argv, (std::vector<std::string>{"git", "log", "--", "--help"}));
}

TEST(Options, TakeTheAggregatorsAddressBeforeAndBehindTheCommand) {
  for (const auto& args : std::vector<std::vector<std::string>>{{"--url", "unix:/x", "job", "list"},
                                                                {"job", "list", "--url", "unix:/x"}}) {
    const auto line = parse_command_line(args);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(line->common.endpoint.url, "unix:/x");
  }
}

TEST(Options, TakeTheNodesOfAnExecAndItsCommand) {
  const auto command = parsed<ExecCommand>({"exec", "pi[01-04]", "--time-limit", "1m", "--", "df", "-h"});
  EXPECT_EQ(command.nodes, "pi[01-04]");
  EXPECT_EQ(command.task.argv, (std::vector<std::string>{"df", "-h"}));
  EXPECT_EQ(command.task.on_node_loss, "fail") << "once, and not twice";
  EXPECT_THAT(refusal({"exec", "--", "df"}), HasSubstr("name the nodes"));
  EXPECT_THAT(refusal({"exec", "pi[01-", "--", "df"}), HasSubstr("a ']' is missing"));
}

TEST(Options, TakeTheKernelOfCallsAndItsArguments) {
  const auto command = parsed<CallCommand>({"call", "--each-line", "montecarlo", "--call-limit", "2s", "--idle-limit",
                                            "1m", "--call-retries", "3", "--instances", "4", "--", "-v"});
  EXPECT_EQ(command.task.argv, (std::vector<std::string>{"montecarlo", "-v"}));
  EXPECT_EQ(command.form, CallForm::lines);
  EXPECT_EQ(command.call_limit_ms, 2'000);
  EXPECT_EQ(command.idle_limit_ms, 60'000);
  EXPECT_EQ(command.call_retries, 3U);
  EXPECT_EQ(command.instances, 4U);
  EXPECT_EQ(parsed<CallCommand>({"call", "./k/../kernel.py"}).task.argv.at(0),
            (std::filesystem::current_path() / "kernel.py").string())
      << "on the nodes the path is no other";
  EXPECT_EQ(parsed<CallCommand>({"call", "--input", "a/k.py", "./k.py"}).task.argv.at(0), "./k.py") << "it goes along";
}

TEST(Options, RefuseCallsThatNameNoKernel) {
  EXPECT_THAT(refusal({"call"}), HasSubstr("name a kernel"));
  EXPECT_THAT(refusal({"call", "wordcount", "--each-line", "--each-frame"}), HasSubstr("one of"));
  EXPECT_THAT(refusal({"call", "wordcount", "a.txt"}), HasSubstr("comes in as bramble call KERNEL < a.txt"));
  EXPECT_THAT(refusal({"call", "wordcount", "--call-retries", "11"}), HasSubstr("--call-retries"));
  EXPECT_THAT(refusal({"call", "wordcount", "--instances", "0"}), HasSubstr("--instances"));
}

TEST(Options, TakeInputsOfAMapEvenWhereTheyAreNamedLikeCommands) {
  const auto command = parsed<MapCommand>({"map", "--split", "64K", "run", "job", "-", "--", "wc"});
  EXPECT_EQ(command.inputs, (std::vector<std::string>{"run", "job", "-"}));
  EXPECT_EQ(command.split.bytes, size_t{64} << 10);
  EXPECT_EQ(parsed<MapCommand>({"map", "--", "wc"}).inputs, std::vector<std::string>{"-"});
  EXPECT_EQ(parsed<MapCommand>({"map", "--records", "7", "--", "wc"}).split.records, 7U);
}

TEST(Options, TakeAKernelACombinationAndPartitionsOfAMap) {
  const auto command = parsed<MapCommand>(
      {"map", "--kernel", "wordcount", "--combine", "tally", "--reduce", "tally", "--partitions", "8", "a.txt"});
  EXPECT_EQ(command.kernel, "wordcount");
  EXPECT_EQ(command.combine, "tally");
  EXPECT_EQ(command.partitions, 8U);
  EXPECT_TRUE(command.by_key());
  EXPECT_EQ(command.inputs, std::vector<std::string>{"a.txt"});
  EXPECT_FALSE(parsed<MapCommand>({"map", "--kernel", "wordcount", "--reduce", "tally"}).by_key());
}

TEST(Options, RefuseAMapWithoutAnyWorkOrWithTwo) {
  EXPECT_THAT(refusal({"map", "a.txt"}), HasSubstr("name a command"));
  EXPECT_THAT(refusal({"map", "--kernel", "k", "--", "wc"}), HasSubstr("not both"));
  EXPECT_THAT(refusal({"map", "--combine", "tally", "--", "wc"}), HasSubstr("--reduce"));
  EXPECT_THAT(refusal({"map", "--partitions", "65", "--reduce", "x", "--", "wc"}), HasSubstr("--partitions"));
}

TEST(Options, RefuseAMapSplitInTwoWaysOrInPiecesTooLarge) {
  EXPECT_THAT(refusal({"map", "--records", "7", "--split", "1M", "--", "wc"}),
              HasSubstr("one of --split and --records"));
  EXPECT_THAT(refusal({"map", "--split", "65M", "--", "wc"}), HasSubstr("--split"));
  EXPECT_THAT(refusal({"map", "--split", "0", "--", "wc"}), HasSubstr("--split"));
}

TEST(Options, NameTheNearestOptionAndCommand) {
  EXPECT_THAT(refusal({"submit", "--arry", "1-2", "--", "x"}), HasSubstr("did you mean '--array'?"));
  EXPECT_THAT(refusal({"subnit", "--", "x"}), HasSubstr("did you mean 'submit'?"));
  EXPECT_THAT(refusal({"job", "lsit"}), HasSubstr("did you mean 'list'?"));
  EXPECT_THAT(refusal({"job", "info", "last", "--josn"}), HasSubstr("unknown option '--josn'"));
}

TEST(Options, SayWhatIsMissing) {
  EXPECT_THAT(refusal({}), HasSubstr("which command? submit, run"));
  EXPECT_THAT(refusal({"job"}), HasSubstr("list, info, wait"));
  EXPECT_THAT(refusal({"run", "echo", "hi"}), HasSubstr("put -- before the command: bramble run -- echo"));
  EXPECT_THAT(refusal({"run"}), HasSubstr("needs a command to run"));
  EXPECT_THAT(refusal({"run", "--"}), HasSubstr("needs a command to run"));
  EXPECT_THAT(refusal({"job", "info"}), HasSubstr("SELECTOR"));
  EXPECT_THAT(refusal({"node", "drain"}), HasSubstr("which nodes?"));
  EXPECT_THAT(refusal({"submit", "--cpus"}), HasSubstr("--cpus needs a value"));
  EXPECT_THAT(refusal({"job", "list", "--", "x"}), HasSubstr("takes no command"));
}

TEST(Options, NameTheOptionWhoseValueIsWrong) {
  EXPECT_THAT(refusal({"submit", "--isolate", "jail", "--", "x"}), HasSubstr("'jail' is none of none, sandbox"));
  EXPECT_THAT(refusal({"run", "--on", "pi[01-", "--", "x"}), HasSubstr("a ']' is missing"));
  EXPECT_THAT(refusal({"run", "--network", "--", "x"}), HasSubstr("--network goes with --isolate sandbox"));
  EXPECT_THAT(refusal({"submit", "--cpus", "0", "--", "x"}), HasSubstr("--cpus: '0' is not a whole number from 1"));
  EXPECT_THAT(refusal({"submit", "--memory", "lots", "--", "x"}), HasSubstr("--memory: "));
  EXPECT_THAT(refusal({"submit", "--array", "9-1", "--", "x"}), HasSubstr("--array: "));
  EXPECT_THAT(refusal({"submit", "--time-limit", "soon", "--", "x"}), HasSubstr("--time-limit: "));
  EXPECT_THAT(refusal({"submit", "--on-node-loss", "panic", "--", "x"}), HasSubstr("none of rerun, fence, fail"));
  EXPECT_THAT(refusal({"submit", "--resource", "gpu", "--", "x"}), HasSubstr("NAME=N"));
  EXPECT_THAT(refusal({"query", "--format", "xml", "SELECT 1"}), HasSubstr("none of table, csv, json"));
}

TEST(Options, OfAQuestionThatSayNothingToItAreRefused) {
  for (const char* const option : {"--node", "--since", "--until", "--step", "--agg"}) {
    const std::string value = option == std::string("--agg") ? "mean" : "1";
    EXPECT_THAT(refusal({"query", "SELECT 1", option, value}), HasSubstr(option + std::string(" goes with --metric")));
    EXPECT_THAT(refusal({"query", "--tables", option, value}), HasSubstr("says nothing to --tables"));
  }
  EXPECT_THAT(refusal({"query", "--metric", "a", "--max-rows", "9"}), HasSubstr("--max-rows goes with SQL"));
  EXPECT_THAT(refusal({"query", "--tables", "--format", "csv"}), HasSubstr("--format says nothing to --tables"));
  for (const char* const format : {"csv", "plot", "table"}) {
    EXPECT_THAT(refusal({"query", "--metric", "a", "--json", "--format", format}), HasSubstr("--json or --format"));
  }
  EXPECT_THAT(refusal({"energy", "--json", "--format", "csv"}), HasSubstr("--json or --format csv, not both"));
  EXPECT_EQ(parsed<QueryCommand>({"query", "--metric", "a", "--json", "--format", "json"}).format, "json");
  EXPECT_THAT(refusal({"query", "--metric", "a", "--step", "10ms"}), HasSubstr("--step: '10ms' is less than 100ms"));
  EXPECT_THAT(refusal({"energy", "--time-limit", "2m"}), HasSubstr("--time-limit: '2m' is more than 1m"));
}

// Steps begin at whole ones: of a minute that begins in a minute, steps of a minute cover two.
TEST(Options, AShortTimeIsAskedInFinerSteps) {
  const auto step_ms = [](const char* since, const char* until) {
    return parsed<QueryCommand>({"query", "--metric", "a", "--since", since, "--until", until}).step_ms;
  };
  EXPECT_EQ(step_ms("1m", "now"), 1'000);
  EXPECT_EQ(step_ms("20m", "15m"), 5'000);
  EXPECT_EQ(step_ms("50m", "30m"), 30'000);
  EXPECT_EQ(step_ms("2h", "now"), 60'000);
  EXPECT_EQ(step_ms("30d", "29d"), 60'000);
  EXPECT_EQ(step_ms("2021-01-01 10:00", "2021-01-01 10:01"), 60'000) << "single readings are not kept for so long";
  EXPECT_EQ(parsed<QueryCommand>({"query", "--metric", "a", "--since", "1m", "--step", "1m"}).step_ms, 60'000);
}

TEST(Options, QuestionsAreAskedInSqlOrByMetric) {
  const auto query = parsed<QueryCommand>({"query", "--metric", "power_w", "--since", "2h", "--step", "10s", "--agg",
                                           "p95", "--node", "pi[1-3]", "--format", "plot"});
  EXPECT_EQ(query.metric, "power_w");
  EXPECT_EQ(query.step_ms, 10'000);
  constexpr int64_t kReadingMs = 60'000;  // "now" is read for each of the two
  EXPECT_THAT(query.until_ms - query.since_ms, AllOf(Ge(7'200'000 - kReadingMs), Le(7'200'000 + kReadingMs)));
  EXPECT_THAT(refusal({"query", "--metric", "a", "SELECT 1"}), HasSubstr("either in SQL, or with --metric"));
  EXPECT_THAT(refusal({"query", "--format", "plot", "SELECT 1"}), HasSubstr("goes with --metric"));
  EXPECT_THAT(refusal({"query", "--metric", "a", "--agg", "median"}), HasSubstr("none of mean, min, max"));
  EXPECT_THAT(refusal({"query", "--metric", "a", "--since", "soon"}), HasSubstr("is no time"));
  EXPECT_THAT(refusal({"query", "--metric", "a", "--since", "1h", "--until", "2h"}), HasSubstr("before --until"));
}

TEST(Options, ANodeIsCalibratedInOneWay) {
  const auto said = parsed<NodeCalibrateCommand>({"node", "calibrate", "pi03", "--idle-w", "2.7", "--busy-w", "6.4"});
  EXPECT_EQ(said.idle_w, 2.7);
  EXPECT_EQ(said.busy_w, 6.4);
  EXPECT_EQ(parsed<NodeCalibrateCommand>({"node", "calibrate", "all", "--from", "pi01"}).from, "pi01");
  EXPECT_TRUE(parsed<NodeCalibrateCommand>({"node", "calibrate", "all", "--clear"}).clear);
  EXPECT_THAT(refusal({"node", "calibrate", "pi03"}), HasSubstr("--idle-w and --busy-w, or --from"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--idle-w", "2"}), HasSubstr("both"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--idle-w", "7", "--busy-w", "6"}), HasSubstr("not be below"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--idle-w", "0", "--busy-w", "0"}), HasSubstr("more than 0"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--clear", "--from", "pi01"}), HasSubstr("or --clear"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--idle-w", "much", "--busy-w", "6"}),
              HasSubstr("--idle-w: 'much'"));
  EXPECT_THAT(refusal({"node", "calibrate", "pi03", "--from", "x' OR 1"}), HasSubstr("not the name of a node"));
}

TEST(Options, PowerIsSwitchedWithAReason) {
  const auto off = parsed<PowerSwitchCommand>({"power", "off", "pi[01-02]", "--asap", "--reason", "thunderstorm"});
  EXPECT_EQ(off.to, "off");
  EXPECT_EQ(off.how, "asap");
  EXPECT_EQ(off.nodes, "pi[01-02]");
  EXPECT_EQ(parsed<PowerSwitchCommand>({"power", "on", "pi01", "--reason", "x"}).how, "clean");
  EXPECT_FALSE(parsed<PowerPauseCommand>({"power", "resume"}).pause);
  EXPECT_THAT(refusal({"power", "off", "pi01"}), HasSubstr("--reason"));
  EXPECT_THAT(refusal({"power", "off", "--reason", "x"}), HasSubstr("which nodes?"));
  EXPECT_THAT(refusal({"power", "cycle", "pi01", "--asap", "--force", "--reason", "x"}), HasSubstr("not both"));
  EXPECT_THAT(refusal({"power", "on", "pi01", "--force", "--reason", "x"}), HasSubstr("--force"));
}

TEST(Options, EnergyIsAskedByNodeOrByJob) {
  EXPECT_EQ(parsed<EnergyCommand>({"energy"}).by, "node");
  EXPECT_EQ(parsed<EnergyCommand>({"energy", "--job", "3-7"}).by, "job");
  EXPECT_EQ(parsed<EnergyCommand>({"energy", "--price", "0.30"}).price, 0.3);
  EXPECT_THAT(refusal({"energy", "--price", "cheap"}), HasSubstr("no price"));
  EXPECT_THAT(refusal({"energy", "--job", "1", "--by", "node"}), HasSubstr("--by job or --by owner"));
}

TEST(Options, CheckTheFormOfSelectorsAndNodeSets) {
  EXPECT_EQ(parsed<JobInfoCommand>({"job", "info", "3-7,12,last"}).selector, "3-7,12,last");
  EXPECT_THAT(refusal({"job", "cancel", "x-3"}), HasSubstr("last or all"));
  EXPECT_EQ(parsed<NodeDrainCommand>({"node", "drain", "pi[01-04]", "--reason", "new card"}).reason, "new card");
  EXPECT_FALSE(parsed<NodeDrainCommand>({"node", "resume", "all"}).drain);
  EXPECT_THAT(refusal({"node", "drain", "pi[01-"}), HasSubstr("NODES: "));
}

TEST(Options, TakeAVariableFromTheEnvironmentByItsNameAlone) {
  ::setenv("BRAMBLE_TEST_VARIABLE", "here", 1);
  EXPECT_EQ(parse_env("BRAMBLE_TEST_VARIABLE")->second, "here");
  ::unsetenv("BRAMBLE_TEST_VARIABLE");
  EXPECT_FALSE(parse_env("BRAMBLE_TEST_VARIABLE"));
  EXPECT_FALSE(parse_env("=x"));
}

TEST(Options, ShowHelpWithExamplesInAtMost80Columns) {
  const std::vector<std::vector<std::string>> commands = {{},
                                                          {"submit"},
                                                          {"run"},
                                                          {"exec"},
                                                          {"map"},
                                                          {"job", "list"},
                                                          {"job", "info"},
                                                          {"job", "wait"},
                                                          {"job", "cancel"},
                                                          {"job", "cat"},
                                                          {"node", "list"},
                                                          {"node", "info"},
                                                          {"node", "drain"},
                                                          {"node", "resume"},
                                                          {"query"},
                                                          {"energy"},
                                                          {"check"},
                                                          {"node", "doctor"},
                                                          {"node", "calibrate"},
                                                          {"node", "add"},
                                                          {"node", "remove"},
                                                          {"power", "status"},
                                                          {"power", "on"},
                                                          {"power", "off"},
                                                          {"power", "cycle"},
                                                          {"power", "auto"},
                                                          {"power", "pause"},
                                                          {"power", "clear"},
                                                          {"audit"},
                                                          {"token", "add"},
                                                          {"token", "list"},
                                                          {"token", "remove"},
                                                          {"local"}};
  for (std::vector<std::string> command : commands) {
    const bool root = command.empty() || command.back() == "pause";
    command.push_back("--help");
    const std::string text = parsed<HelpText>(command).text;
    EXPECT_TRUE(root || text.find("Examples:") != std::string::npos) << text;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      ASSERT_NE(end, std::string::npos) << "no newline at the end: " << text;
      EXPECT_LE(end - at, 80U) << text.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Options, KnowWhichCommandsReturnTheirCommandsStatusEvenWhenWronglyUsed) {
  EXPECT_TRUE(passes_status_on({"run", "--nonsense"}));
  EXPECT_TRUE(passes_status_on({"--url", "x", "local"}));
  EXPECT_FALSE(passes_status_on({"submit", "--", "run"}));
  EXPECT_FALSE(passes_status_on({"--url", "run", "job", "list"}));
  EXPECT_FALSE(passes_status_on({}));
}

TEST(Options, SayTheNameOfTheProgramOnceAndHowToWriteSeveralNodes) {
  EXPECT_TRUE(refusal({"power", "off", "pi01"}).starts_with("power off: say why"));
  EXPECT_TRUE(refusal({"power"}).starts_with("power needs a command: status"));
  EXPECT_THAT(refusal({"node", "doctor", "pi03", "pi05"}),
              HasSubstr("'pi05' is one word too many: write nodes as one list, pi03,pi05"));
}

TEST(Options, OfPowerWaitWhereItIsSaid) {
  const auto command =
      parsed<PowerSwitchCommand>({"power", "off", "pi01", "--reason", "x", "--wait", "--timeout", "2m"});
  EXPECT_TRUE(command.wait);
  EXPECT_EQ(command.timeout_ms, 120'000);
  EXPECT_FALSE(parsed<PowerSwitchCommand>({"power", "on", "pi01", "--reason", "x"}).wait);
  EXPECT_THAT(refusal({"power", "on", "pi01", "--reason", "x", "--timeout", "2m"}), HasSubstr("goes with --wait"));
  EXPECT_THAT(refusal({"power", "auto", "pi01", "--reason", "x", "--wait"}), HasSubstr("--wait"));
}

TEST(Options, TakeTheLimitsOfACheck) {
  const auto command =
      parsed<CheckCommand>({"check", "pi[1-2]", "--temperature", "60:70.5", "--disk", "none", "--power", "4:8"});
  EXPECT_EQ(command.nodes, "pi[1-2]");
  EXPECT_EQ(command.temperature_celsius->critical, 70.5);
  EXPECT_FALSE(command.disk_used_ratio);
  EXPECT_EQ(command.power_w->warning, 4);
  EXPECT_THAT(refusal({"check", "--temperature", "80"}), HasSubstr("WARNING:CRITICAL"));
  EXPECT_THAT(refusal({"check", "--temperature", "80:70"}), HasSubstr("must not be below"));
  EXPECT_TRUE(is_check({"--url", "run", "check", "--nonsense"}));
  EXPECT_FALSE(is_check({"run", "check"}));
}

}  // namespace
}  // namespace bramble::cli
