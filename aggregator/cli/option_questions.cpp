// query, energy.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <initializer_list>
#include <memory>

#include "aggregator/cli/option_tree.hpp"
#include "common/base/duration.hpp"
#include "common/base/node_set.hpp"
#include "common/base/selector.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kMaxRows = 10'000'000;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kLeastStepMs = 100;  // the API's own limits
constexpr int64_t kMostTimeMs = 60'000;

Status take_word(const std::string& value, std::initializer_list<const char*> words, std::string& target) {
  std::string list;
  for (const char* const word : words) {
    if (value == word) {
      target = value;
      return {};
    }
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  return fail("'" + value + "' is none of " + list);
}

void add_node_set(CLI::App& app, std::string& target) {
  add_value(app, "--node", "NODES", "pi[01-04], or a list of these (all)",
            [&target](const std::string& value) -> Status {
              const auto nodes = parse_node_set(value);
              if (!nodes) return tl::unexpected(nodes.error());
              target = value;
              return {};
            });
}

// The last `length_ms` where nothing else was said.
Status complete_span(int64_t& since_ms, int64_t& until_ms, int64_t length_ms) {
  if (until_ms == 0) until_ms = posix::wall_now().ms;
  if (since_ms == 0) since_ms = until_ms - length_ms;
  if (since_ms < until_ms) return {};
  return fail("--since must be before --until");
}

// Those that say nothing to what is asked are refused, for people would take them for obeyed.
Status refuse(const CLI::App& app, std::initializer_list<const char*> options, const std::string& why) {
  for (const char* const option : options) {
    if (app.count(option) > 0) return fail(option + (" " + why));
  }
  return {};
}

Status check_format(const CLI::App& app, const std::string& format) {
  if (app.count("--json") == 0 || app.count("--format") == 0 || format == "json") return {};
  return fail("give --json or --format " + format + ", not both");
}

Status check_query(const CLI::App& app, const QueryCommand& command) {
  const int kinds = (command.sql.empty() ? 0 : 1) + (command.metric.empty() ? 0 : 1) + (command.tables ? 1 : 0);
  if (kinds == 0) return fail("what shall be asked? Write one 'SELECT ...' in quotes, or --metric power_w");
  if (kinds > 1) return fail("ask either in SQL, or with --metric, or for --tables");
  if (auto status = check_format(app, command.format); !status) return status;
  if (command.tables) {
    return refuse(app, {"--node", "--since", "--until", "--step", "--agg", "--format", "--max-rows", "--time-limit"},
                  "says nothing to --tables (--json does)");
  }
  if (!command.metric.empty()) return refuse(app, {"--max-rows"}, "goes with SQL, not with --metric");
  if (command.format == "plot") return fail("--format plot goes with --metric");
  return refuse(app, {"--node", "--since", "--until", "--step", "--agg"},
                "goes with --metric; in SQL write a condition, as in WHERE node = 'pi01'");
}

// Of what is shorter than an hour and of today, about sixty: with steps of a minute a single minute would come to two,
// for steps begin at whole ones.
int64_t fitting_step_ms(int64_t since_ms, int64_t until_ms) {
  constexpr int64_t kMinuteMs = 60'000, kMostSteps = 60;
  constexpr int64_t kSlackMs = 1'000;  // "now" is read for each of the two
  const bool is_recent = posix::wall_now().ms - since_ms < 24 * kHourMs;
  for (const int64_t step_ms : {1'000, 5'000, 10'000, 30'000}) {
    if (is_recent && until_ms - since_ms <= kMostSteps * step_ms + kSlackMs) return step_ms;
  }
  return kMinuteMs;
}

Result<Command> make_query(const CLI::App& app, QueryCommand command) {
  if (auto status = check_query(app, command); !status) return tl::unexpected(status.error());
  if (auto status = complete_span(command.since_ms, command.until_ms, kHourMs); !status) {
    return tl::unexpected(status.error());
  }
  if (app.count("--step") == 0) command.step_ms = fitting_step_ms(command.since_ms, command.until_ms);
  return command;
}

void declare_query(OptionTree& tree) {
  auto command = std::make_shared<QueryCommand>();
  CLI::App* app =
      add_command(tree.root, {"query", "ask the stored telemetry and jobs", "[OPTION...] 'SELECT ...' | --metric NAMES",
                              "  bramble query --metric power_w --since 1h --format plot\n"
                              "  bramble query --metric temperature_celsius --node 'pi[01-04]' --agg max\n"
                              "  bramble query --metric energy_j --agg increase --since 7d --step 1d\n"
                              "  bramble query --metric load1,load5 --since 2026-11-21 --format csv\n"
                              "  bramble query --tables\n"
                              "  bramble query 'SELECT node, max(power_w_max) FROM telemetry_hour GROUP BY 1'\n"
                              "  bramble query --format csv 'SELECT * FROM jobs' > jobs.csv"});
  add_text(*app, "SQL", "", "one SELECT; nothing can be changed by it", command->sql);
  add_text(*app, "--metric", "NAMES", "instead of SQL: power_w, or several with commas", command->metric);
  add_node_set(*app, command->nodes);
  add_moment(*app, "--since", "90m (ago), or 2026-11-21 14:02 (1h)", command->since_ms);
  add_moment(*app, "--until", "likewise (now)", command->until_ms);
  add_duration(*app, "--step", "one value for each so long (1m, or finer)", kLeastStepMs, kMaxDurationMs,
               command->step_ms);
  add_value(*app, "--agg", "HOW", "mean min max p95 last; counters: rate increase",
            [command](const std::string& value) {
              return take_word(value, {"mean", "min", "max", "p95", "last", "rate", "increase"}, command->aggregate);
            });
  add_value(*app, "--format", "HOW", "table (default), csv, json; of metrics plot, too",
            [command](const std::string& value) {
              return take_word(value, {"table", "csv", "json", "plot"}, command->format);
            });
  add_flag(*app, "--json", "the same as --format json", tree.common.json);
  add_flag(*app, "--tables", "list the tables of SQL and their columns", command->tables);
  add_number(*app, "--max-rows", "of SQL: at most N rows (10000)", 1, kMaxRows, command->max_rows);
  add_duration(*app, "--time-limit", "how long it may take (10s)", 1, kMostTimeMs, command->time_limit_ms);
  tree.leaves.push_back(
      {app, Tail::none, [app, command](const std::vector<std::string>&) { return make_query(*app, *command); }});
}

Status take_price(const std::string& text, std::optional<double>& target) {
  const auto price = parse_amount(text);
  if (!price) return fail("'" + text + "' is no price of a kilowatt-hour: write a number, as in 0.30");
  target = *price;
  return {};
}

Result<Command> make_energy(const CLI::App& app, EnergyCommand command) {
  if (auto status = check_format(app, command.format); !status) return tl::unexpected(status.error());
  if (!command.jobs.empty() && app.count("--by") == 0) command.by = "job";
  if (!command.jobs.empty() && command.by != "job" && command.by != "owner") {
    return fail("--job goes with --by job or --by owner");
  }
  if (auto status = complete_span(command.since_ms, command.until_ms, 24 * kHourMs); !status) {
    return tl::unexpected(status.error());
  }
  return command;
}

void declare_energy(OptionTree& tree) {
  auto command = std::make_shared<EnergyCommand>();
  CLI::App* app =
      add_command(tree.root, {"energy", "what nodes, jobs and owners used", "[OPTION...]",
                              "  bramble energy\n"
                              "  bramble energy --by owner --since 30d --price 0.30\n"
                              "  bramble energy --job last\n"
                              "  bramble energy --by job --node 'pi[01-04]' --since 2026-11-01 --format csv"});
  add_value(*app, "--by", "WHAT", "node (default), job, owner or cluster", [command](const std::string& value) {
    return take_word(value, {"node", "job", "owner", "cluster"}, command->by);
  });
  add_node_set(*app, command->nodes);
  add_value(*app, "--job", "JOBS", "12, 3-7, last, all: only these, by job",
            [command](const std::string& value) -> Status {
              const auto selector = parse_job_selector(value);
              if (!selector) return tl::unexpected(selector.error());
              command->jobs = value;
              return {};
            });
  add_moment(*app, "--since", "30d (ago), or 2026-11-21 14:02 (1d)", command->since_ms);
  add_moment(*app, "--until", "likewise (now)", command->until_ms);
  add_value(*app, "--price", "PRICE", "of a kilowatt-hour, in your money: shows costs",
            [command](const std::string& value) { return take_price(value, command->price); });
  add_value(*app, "--format", "HOW", "table (default), csv or json", [command](const std::string& value) {
    return take_word(value, {"table", "csv", "json"}, command->format);
  });
  add_duration(*app, "--time-limit", "how long it may take (10s)", 1, kMostTimeMs, command->time_limit_ms);
  add_flag(*app, "--json", "the same as --format json", tree.common.json);
  tree.leaves.push_back(
      {app, Tail::none, [app, command](const std::vector<std::string>&) { return make_energy(*app, *command); }});
}

}  // namespace

void declare_questions(OptionTree& tree) {
  declare_query(tree);
  declare_energy(tree);
}

}  // namespace bramble::cli
