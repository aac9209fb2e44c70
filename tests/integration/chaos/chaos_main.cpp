// The long run of the chaos: bramble-chaos [--minutes N] [--seed S] [--agents K]. Exit status 0: no violation. After an
// interrupt (Ctrl-C) no more is broken, and what came of it so far is judged; a second one ends it at once.
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <iostream>
#include <random>

#include "chaos.hpp"

namespace {

std::atomic<bool> interrupted = false;

void judge_when_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  double minutes = 5;
  uint64_t seed = std::random_device{}();
  bramble::test::chaos::Options options;
  options.agents = 4;
  options.longest_cut_ms = 60'000;
  options.work.longest_ms = 30'000;
  CLI::App app("Breaks a real cluster at random and judges what came of it");
  app.add_option("--minutes", minutes, "how long (5)");
  app.add_option("--seed", seed, "what to break and when follows from it (random)");
  app.add_option("--agents", options.agents, "nodes (4)")->check(CLI::Range(1, 20));
  app.add_flag("--keep", options.keep, "keep logs, diaries, faults and the head's state, though all was good");
  CLI11_PARSE(app, argc, argv);
  options.seed = seed;
  options.work.open_jobs = 6 * static_cast<size_t>(options.agents);
  options.fault_ms = static_cast<int64_t>(minutes * 60'000);
  options.progress = &std::cout;
  options.interrupted = &interrupted;
  judge_when_interrupted();
  std::cout << "seed " << seed << std::endl;
  const auto report = bramble::test::chaos::run_chaos(options);
  std::cout << report.text;
  return report.good ? 0 : 1;
}
