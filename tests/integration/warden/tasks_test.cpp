// What a task finds, and what is told of its end.
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "common/posix/files.hpp"
#include "fixture.hpp"
#include "support/places.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

class WardenTasks : public WardenTest {};

TEST_F(WardenTasks, ReportsExitCode) {
  const auto exited = client_.run(shell_start(warden_task(1), "exit 42"));
  EXPECT_EQ(exited.result.outcome, Outcome::exited);
  EXPECT_EQ(exited.result.code, 42);
  EXPECT_EQ(exited.result.signal, 0);
  EXPECT_GT(exited.result.started_wall_ms, 0);
}

TEST_F(WardenTasks, ReportsTheSignalThatEndedIt) {
  const auto exited = client_.run(shell_start(warden_task(1), "kill -SEGV $$"));
  EXPECT_EQ(exited.result.outcome, Outcome::signaled);
  EXPECT_EQ(exited.result.signal, SIGSEGV);
}

TEST_F(WardenTasks, TellsThatItStartedAndWithWhichPid) {
  auto start = shell_start(warden_task(1), "echo $$; exec sleep 1000");
  start.spec.cpus = 2;
  start.spec.resources = {{"gpu", 1}};
  client_.send(start);
  const auto started = client_.expect<wire::WardenStarted>(start.task);
  EXPECT_EQ(started.cpus, 2U);
  EXPECT_EQ(started.resources.at("gpu"), 1);
  client_.expect<wire::WardenOutput>(start.task);
  EXPECT_EQ(warden_.stdout_of(start.task), std::to_string(started.pid) + "\n");
}

TEST_F(WardenTasks, ACommandThatDoesNotExistFailsToStartWith127) {
  const auto exited = client_.run(command_start(warden_task(1), {"no-such-command-anywhere"}));
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 127);
  EXPECT_EQ(exited.result.text, "command not found on this node: no-such-command-anywhere");
}

TEST_F(WardenTasks, AFileThatIsNoProgramFailsToStartWith126) {
  const auto exited = client_.run(command_start(warden_task(1), {"/etc/passwd"}));
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 126);
  EXPECT_THAT(exited.result.text, HasSubstr("may not be run"));
}

TEST_F(WardenTasks, ACommandLineThatIsTooLongFailsToStart) {
  std::vector<std::string> argv(31, std::string(100'000, 'x'));  // 3 MB; a quarter of the stack's limit is allowed
  argv[0] = "true";
  const auto exited = client_.run(command_start(warden_task(1), argv));
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 126);
  EXPECT_THAT(exited.result.text, HasSubstr("longer than this node allows"));
}

TEST_F(WardenTasks, AMissingStandardInputFailsToStart) {
  auto start = command_start(warden_task(1), {"cat"});
  start.stdin_path = dir_ / "missing";
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_THAT(exited.result.text, HasSubstr("missing: no such file or directory"));
}

TEST_F(WardenTasks, AFailedStartIsHeldUntilForgotten) {
  client_.run(command_start(warden_task(1), {"no-such-command-anywhere"}));
  const auto state = client_.hello();
  ASSERT_EQ(state.exited.size(), 1U);
  EXPECT_EQ(state.exited[0].result.code, 127);
}

TEST_F(WardenTasks, ReadsStandardInputFromTheGivenFile) {
  std::ofstream(dir_ / "input") << "one\ntwo\n";
  auto start = command_start(warden_task(1), {"wc", "-l"});
  start.stdin_path = dir_ / "input";
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "2\n");
}

TEST_F(WardenTasks, FindsItsFilesInItsDirectoryAndCanRunThem) {
  std::ofstream(dir_ / "script") << "#!/bin/sh\ncat data empty; ls | wc -l\n";
  std::ofstream(dir_ / "data") << "one\ntwo\n";
  auto start = command_start(warden_task(1), {"./tool"});
  start.files = {{"tool", dir_ / "script"}, {"data", dir_ / "data"}, {"empty", ""}};
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "one\ntwo\n3\n");
  EXPECT_FALSE(posix::list_directory(warden_.directory_of(start.task) + "/work")) << "they go with the directory";
}

TEST_F(WardenTasks, CannotWriteThroughItsFilesToWhatTheAgentKeeps) {
  std::ofstream(dir_ / "kept") << "as it was";
  auto start = command_start(warden_task(1), {"sh", "-c", "chmod 0777 data; echo changed >data; cat data; rm data"});
  start.files = {{"data", dir_ / "kept"}};
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "changed\n") << "of its own copy it is the master";
  EXPECT_EQ(posix::read_file(dir_ / "kept", 100).value(), "as it was");
}

TEST_F(WardenTasks, AMissingFileFailsToStart) {
  auto start = command_start(warden_task(1), {"cat"});
  start.files = {{"data", dir_ / "missing"}};
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_THAT(exited.result.text, HasSubstr("cannot read the input " + (dir_ / "missing")));
  start = command_start(warden_task(2), {"cat"});
  start.files = {{"data", ""}, {"data", ""}};
  EXPECT_THAT(client_.run(start).result.text, HasSubstr("cannot make the input file data"));
}

TEST_F(WardenTasks, HasNothingOnStandardInputOtherwise) {
  const auto start = command_start(warden_task(1), {"cat"});
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "");
}

TEST_F(WardenTasks, EnvironmentIsTheSpecsAndTheDirectorys) {
  auto start = command_start(warden_task(1), {"env"});
  start.spec.env = {{"GREETING", "hello world"}};
  EXPECT_EQ(client_.run(start).result.code, 0);
  const std::string work = warden_.directory_of(start.task) + "/work";
  EXPECT_EQ(warden_.stdout_of(start.task), "GREETING=hello world\nHOME=" + work + "\nTMPDIR=" + work +
                                               "\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" +
                                               std::string(kBinaryDir) + "/bin/kernels\nPWD=" + work + "\n");
}

TEST_F(WardenTasks, FindsItsCommandInThePathOfItsSpec) {
  const std::string tool = dir_ / "my-tool";
  std::ofstream(tool) << "#!/bin/sh\necho found\n";
  ASSERT_EQ(::chmod(tool.c_str(), 0755), 0);
  auto start = command_start(warden_task(1), {"my-tool"});
  start.spec.env = {{"PATH", "/nowhere:" + dir_.path() + ":/bin"}};
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "found\n");
}

TEST_F(WardenTasks, WorksInADirectoryOfItsOwnThatIsGoneAfterwards) {
  const auto start = shell_start(warden_task(1), "pwd; mkdir -p a/b; echo x > a/b/c; chmod 0 a/b; ls");
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), warden_.directory_of(start.task) + "/work\na\n");
  EXPECT_EQ(posix::list_directory(warden_.directory_of(start.task)).value(),
            (std::vector<std::string>{"exit.json", "stdout"}));
}

TEST_F(WardenTasks, FindsNothingOfAnEarlierTask) {
  // The file of an output comes to be with its first byte, which may be after the look.
  const std::string look = "ls -A; umask; stat -c %a .; ls -A .. | grep -v std";
  std::string first;
  for (JobId job = 1; job <= 6; ++job) {
    // Every other task leaves something behind, each time something else.
    const std::vector<std::string> traces = {":", "touch .hidden", ":", "chmod 755 .", ":", "mkdir x; rmdir x"};
    const auto start = shell_start(warden_task(job), look + "; " + traces[job - 1]);
    EXPECT_EQ(client_.run(start).result.code, 0);
    const std::string seen = warden_.stdout_of(start.task);
    if (job == 1) first = seen;
    EXPECT_EQ(seen, first);
    client_.send(wire::WardenForget{{start.task}});
  }
  EXPECT_EQ(first, "0022\n700\nstart.json\nwork\n");
}

TEST_F(WardenTasks, InheritsNoDescriptorNoBlockedAndNoIgnoredSignal) {
  const auto start = shell_start(warden_task(1), "ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status");
  EXPECT_EQ(client_.run(start).result.code, 0);
  // Its three and the one of ls' own directory.
  EXPECT_EQ(warden_.stdout_of(start.task), "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(WardenTasks, LeadsASessionOfItsOwn) {
  const auto start = shell_start(warden_task(1), "set -- $(cut -d')' -f2 /proc/$$/stat); test $4 = $$ && echo leader");
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(warden_.stdout_of(start.task), "leader\n");
}

TEST_F(WardenTasks, GoesBeforeDaemonsWhenMemoryRunsOut) {
  const auto start = command_start(warden_task(1), {"cat", "/proc/self/oom_score_adj"});
  client_.run(start);
  EXPECT_EQ(warden_.stdout_of(start.task), "500\n");
}

TEST_F(WardenTasks, CountsTheCpuTimeAndMemoryOfAllItsProcesses) {
  // Two processes, one of them orphaned; each burns some CPU; one holds 64 MB.
  const auto start = shell_start(warden_task(1),
                                 "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo > a) & mkfifo a; "
                                 "head -c 64000000 /dev/zero | tail -n 1 | wc -c; cat a");
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.code, 0);
  EXPECT_GT(exited.result.cpu_ms, 20);
  EXPECT_LT(exited.result.cpu_ms, 60'000);
  EXPECT_GT(exited.result.peak_memory_bytes, 64'000'000U);
  EXPECT_LT(exited.result.peak_memory_bytes, 2'000'000'000U);
  EXPECT_GT(exited.result.duration_ms, 0);
}

}  // namespace
}  // namespace bramble::test
