#include "aggregator/cli/console.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "aggregator/cli/reconnect.hpp"
#include "aggregator/cli/table.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::cli {
namespace {

// A console whose two streams are pipes.
struct Pipes {
  Pipes() {
    std::signal(SIGPIPE, SIG_IGN);
    for (auto* ends : {&out, &err}) {
      std::array<int, 2> fds{};
      EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK), 0);
      (*ends)[0].reset(fds[0]);
      (*ends)[1].reset(fds[1]);
    }
  }

  static std::string read(posix::UniqueFd& fd) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    return got > 0 ? std::string(buffer.data(), static_cast<size_t>(got)) : "";
  }

  std::array<posix::UniqueFd, 2> out;
  std::array<posix::UniqueFd, 2> err;
};

TEST(Console, TellsWhenTheReaderOfItsOutputLeft) {
  Pipes pipes;
  Console console(pipes.out[1].get(), pipes.err[1].get());
  EXPECT_TRUE(console.print("hello"));
  EXPECT_EQ(Pipes::read(pipes.out[0]), "hello");
  EXPECT_FALSE(console.reader_gone());
  pipes.out[0].reset();
  EXPECT_FALSE(console.print("more"));
  EXPECT_TRUE(console.reader_gone());
}

TEST(Console, ShowsProgressEvery10SecondsWhereThereIsNoTerminal) {
  Pipes pipes;
  Console console(pipes.out[1].get(), pipes.err[1].get());
  console.show_progress("a", {1000});
  console.show_progress("b", {10'999});
  EXPECT_EQ(Pipes::read(pipes.err[0]), "");
  console.show_progress("c", {11'000});
  console.show_progress("d", {12'000});
  EXPECT_EQ(Pipes::read(pipes.err[0]), "c\n");
}

TEST(Console, CutsNothingWhereThereIsNoTerminal) {
  Pipes pipes;
  const Console console(pipes.out[1].get(), pipes.err[1].get());
  EXPECT_EQ(console.columns(), kAnyWidth);
  Table table({{"TEXT", false, true}});
  table.add_row({std::string(500, 'x')});
  EXPECT_NE(table.render(console.columns()).find(std::string(500, 'x')), std::string::npos);
}

TEST(Console, IsAsWideAsItsTerminalOrAsColumnsSays) {
  const posix::UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  winsize size{};
  size.ws_col = 133;
  ASSERT_EQ(::ioctl(terminal.get(), TIOCSWINSZ, &size), 0);
  const Console console(terminal.get(), terminal.get());
  ::unsetenv("COLUMNS");
  EXPECT_EQ(console.columns(), 133U);
  ::setenv("COLUMNS", "200", 1);
  EXPECT_EQ(console.columns(), 200U);
  ::unsetenv("COLUMNS");
}

// A console whose two streams are one terminal.
struct Terminal {
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    slave.reset(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios raw{};
    EXPECT_EQ(::tcgetattr(slave.get(), &raw), 0);
    ::cfmakeraw(&raw);
    EXPECT_EQ(::tcsetattr(slave.get(), TCSANOW, &raw), 0);
  }

  posix::UniqueFd master;
  posix::UniqueFd slave;
};

TEST(Console, OutputToTheTerminalTakesThePlaceOfTheProgressLineAndAnOpenLineIsLeftAlone) {
  Terminal terminal;
  Console console(terminal.slave.get(), terminal.slave.get());
  console.show_progress("half done", {1});
  EXPECT_TRUE(console.print("result\n"));
  console.show_progress("done", {2});
  EXPECT_TRUE(console.print("no end"));
  console.show_progress("not shown", {3});
  EXPECT_TRUE(console.print(" of line\n"));
  EXPECT_EQ(Pipes::read(terminal.master), "\r\x1b[Khalf done\r\x1b[Kresult\n\r\x1b[Kdone\r\x1b[Kno end of line\n");
}

TEST(Console, WhatIsNoTextIsKeptFromATerminalAlone) {
  constexpr std::string_view kNoText("a\0b", 3);
  Terminal terminal;
  Console at_terminal(terminal.slave.get(), terminal.slave.get());
  EXPECT_TRUE(at_terminal.print_output("text\n"));
  EXPECT_EQ(at_terminal.print_output(kNoText).error().code, ErrorCode::io);
  EXPECT_EQ(Pipes::read(terminal.master), "text\n");
  Pipes pipes;
  Console at_pipe(pipes.out[1].get(), terminal.slave.get());
  EXPECT_TRUE(at_pipe.print_output(kNoText));
  EXPECT_EQ(Pipes::read(pipes.out[0]), kNoText);
}

TEST(Reconnect, DoesNotWaitForAnAggregatorThatNeverAnswered) {
  Pipes pipes;
  Console console(pipes.out[1].get(), pipes.err[1].get());
  Reconnect reconnect(console, 60'000);
  EXPECT_FALSE(reconnect.lost({0}));
}

TEST(Reconnect, TriesAgainWithBackOffSaysSoOnceAndGivesUp) {
  Pipes pipes;
  Console console(pipes.out[1].get(), pipes.err[1].get());
  Reconnect reconnect(console, 60'000);
  reconnect.reached();
  int64_t at_ms = 0;
  int64_t last_ms = 0;
  int tries = 0;
  while (const auto wait_ms = reconnect.lost({at_ms})) {
    EXPECT_GE(*wait_ms, at_ms < 59'000 ? last_ms : 1);
    EXPECT_LE(*wait_ms, 2'000);
    last_ms = *wait_ms;
    at_ms += *wait_ms;
    ASSERT_LT(++tries, 100);
  }
  EXPECT_EQ(at_ms, 60'000);
  EXPECT_EQ(Pipes::read(pipes.err[0]), "bramble: the aggregator does not answer: trying again for 1m\n");
}

TEST(Reconnect, SaysThatTheAggregatorIsBackAndThenStartsAnew) {
  Pipes pipes;
  Console console(pipes.out[1].get(), pipes.err[1].get());
  Reconnect reconnect(console, 1'000);
  reconnect.reached();
  EXPECT_TRUE(reconnect.lost({0}));
  EXPECT_TRUE(reconnect.lost({500}));
  reconnect.reached();
  EXPECT_TRUE(reconnect.lost({5'000}));
  EXPECT_NE(Pipes::read(pipes.err[0]).find("answers again"), std::string::npos);
}

}  // namespace
}  // namespace bramble::cli
