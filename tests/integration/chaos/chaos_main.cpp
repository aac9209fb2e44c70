// The long run of the chaos: bramble-chaos [--minutes N] [--seed S] [--agents K]. Exit status 0: no violation.
#include <CLI/CLI.hpp>
#include <iostream>
#include <random>

#include "chaos.hpp"

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
  CLI11_PARSE(app, argc, argv);
  options.seed = seed;
  options.work.open_jobs = 6 * static_cast<size_t>(options.agents);
  options.fault_ms = static_cast<int64_t>(minutes * 60'000);
  std::cout << "seed " << seed << std::endl;
  const auto report = bramble::test::chaos::run_chaos(options);
  std::cout << report.text;
  return report.good ? 0 : 1;
}
