// bramble-sim [--seeds N] [--seed S] [--nodes N] [--power on] [--trace on] [--bug NAME]: many lives of a cluster, or
// one of them again.
#include <chrono>
#include <cstdio>
#include <string>

#include "faults.hpp"

namespace {

using bramble::sim::Bug;

int usage() {
  std::fputs(
      "usage: bramble-sim [--seeds N] [--seed S] [--nodes N] [--power on] [--trace on] [--bug NAME]\n"
      "  Runs N seeds from S on (default 100 from 1); prints the first that breaks a promise, and ends with 1.\n"
      "  Bugs that can be planted, to see that they are found:",
      stderr);
  for (const auto& [name, bug] : bramble::sim::kBugs) std::fprintf(stderr, " %s", std::string(name).c_str());
  std::fputs("\n", stderr);
  return 2;
}

bool parse_bug(const std::string& wanted, Bug& into) {
  for (const auto& [name, bug] : bramble::sim::kBugs) {
    if (name == wanted) into = bug;
  }
  return into != Bug::none;
}

void add(bramble::sim::Report& sum, const bramble::sim::Report& report) {
  sum.simulated_ms += report.simulated_ms;
  sum.tasks_committed += report.tasks_committed;
  sum.attempts_run += report.attempts_run;
  sum.faults += report.faults;
  sum.leases_ended += report.leases_ended;
  sum.restores += report.restores;
  sum.jobs_forgotten += report.jobs_forgotten;
  sum.input_chunks.shared += report.input_chunks.shared;
  sum.input_chunks.alone += report.input_chunks.alone;
  sum.input_chunks.damaged += report.input_chunks.damaged;
  sum.power_starts += report.power_starts;
  sum.power_cuts += report.power_cuts;
  sum.power_presses += report.power_presses;
  sum.power_fenced += report.power_fenced;
  sum.power_faults += report.power_faults;
  sum.power_restarts += report.power_restarts;
}

void print(const bramble::sim::Report& sum, uint64_t seeds, double seconds) {
  const double hours = static_cast<double>(sum.simulated_ms) / 3.6e6;
  std::printf(
      "%llu seeds good: %.1f cluster-hours in %.1f s (%.1f a minute), %llu tasks, %llu attempts, %llu faults, "
      "%llu leases ended, %llu backups restored, %llu jobs forgotten; of inputs %llu chunks to all, "
      "%llu to one node, %llu damaged; of the power %llu starts, %llu cuts, %llu "
      "presses, "
      "%llu nodes fenced, %llu faults, %llu restarts in between\n",
      static_cast<unsigned long long>(seeds), hours, seconds, hours / seconds * 60,
      static_cast<unsigned long long>(sum.tasks_committed), static_cast<unsigned long long>(sum.attempts_run),
      static_cast<unsigned long long>(sum.faults), static_cast<unsigned long long>(sum.leases_ended),
      static_cast<unsigned long long>(sum.restores), static_cast<unsigned long long>(sum.jobs_forgotten),
      static_cast<unsigned long long>(sum.input_chunks.shared), static_cast<unsigned long long>(sum.input_chunks.alone),
      static_cast<unsigned long long>(sum.input_chunks.damaged), static_cast<unsigned long long>(sum.power_starts),
      static_cast<unsigned long long>(sum.power_cuts), static_cast<unsigned long long>(sum.power_presses),
      static_cast<unsigned long long>(sum.power_fenced), static_cast<unsigned long long>(sum.power_faults),
      static_cast<unsigned long long>(sum.power_restarts));
}

}  // namespace

int main(int argc, char** argv) {
  bramble::sim::Options options;
  uint64_t seeds = 100;
  std::string bug_option;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--seeds") {
      seeds = std::stoull(value);
    } else if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--nodes") {
      options.nodes = static_cast<uint32_t>(std::stoul(value));
    } else if (name == "--trace") {
      options.trace = std::string(value) == "on";
    } else if (name == "--power") {
      options.power = std::string(value) == "on";
    } else if (name == "--bug" && parse_bug(value, options.bug)) {
      bug_option = std::string(" --bug ") + value;
    } else {
      return usage();
    }
  }
  if (argc % 2 == 0) return usage();
  if (options.power) options.bad_ms = 240'000;
  const auto begin = std::chrono::steady_clock::now();
  bramble::sim::Report sum;
  for (uint64_t i = 0; i < seeds; ++i, ++options.seed) {
    const auto report = run(options);
    add(sum, report);
    if (report.violations.empty()) continue;
    for (const auto& violation : report.violations) std::printf("%s\n", violation.c_str());
    std::printf("seed %llu breaks a promise; again: bramble-sim --seeds 1 --seed %llu --nodes %u%s%s\n",
                static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(options.seed),
                options.nodes, options.power ? " --power on" : "", bug_option.c_str());
    return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  print(sum, seeds, took.count());
  return 0;
}
