#include "agent/warden/options.hpp"

#include <getopt.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace bramble::warden {
namespace {

constexpr std::array<option, 11> kLongOptions{{
    {"state", required_argument, nullptr, 's'},
    {"slots", required_argument, nullptr, 'n'},
    {"user", required_argument, nullptr, 'u'},
    {"group", required_argument, nullptr, 'g'},
    {"agent", required_argument, nullptr, 'a'},
    {"bwrap", required_argument, nullptr, 'b'},
    {"kernels", required_argument, nullptr, 'k'},
    {"require-sandbox", no_argument, nullptr, 'r'},
    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'v'},
    {nullptr, 0, nullptr, 0},
}};

// As the agent counts them: the cores that this process may use.
uint32_t usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::clamp(static_cast<uint32_t>(CPU_COUNT(&set)), 1U, kMaxSlots);
}

Status set_slots(WardenOptions& options, const std::string& text) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), options.slots);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (whole && options.slots >= 1 && options.slots <= kMaxSlots) return {};
  return fail("--slots must be a number from 1 to " + std::to_string(kMaxSlots) + ", not '" + text + "'");
}

// Tasks have other working directories: their environment needs the whole path.
Status set_state(WardenOptions& options, const std::string& path) {
  if (path.empty()) return fail("--state must name a directory");
  options.state = path;
  if (path.front() == '/') return {};
  std::array<char, PATH_MAX> here{};
  if (::getcwd(here.data(), here.size()) == nullptr) return fail("--state must begin with '/' here");
  options.state = std::string(here.data()) + "/" + path;
  return {};
}

// Beside this program, installed or built.
std::string own_kernels() {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& place : {here.parent_path() / "libexec/bramble/kernels", here / "kernels"}) {
    if (std::filesystem::is_directory(place, ignored)) return place;
  }
  return {};
}

Status set_user(WardenOptions& options, const std::string& name) {
  auto user = find_user(name);
  if (!user) return in_context("--user", user.error());
  if (user->uid == ::geteuid()) return {};
  if (::geteuid() != 0) return fail("--user " + name + " needs root: start bramble-warden as root, or without --user");
  options.run_as = std::move(*user);
  return {};
}

Status set_group(WardenOptions& options, const std::string& name) {
  const auto group = find_group(name);
  if (!group) return in_context("--group", group.error());
  options.group = *group;
  return {};
}

Status set_agent(WardenOptions& options, const std::string& name) {
  auto user = find_user(name);
  if (!user) return in_context("--agent", user.error());
  options.agent = std::move(*user);
  return {};
}

// Who is let in must be one user: what he names is read for him.
Status settle_agent(WardenOptions& options) {
  if (!options.agent && options.group) {
    auto user = find_user_of_group(*options.group);
    if (!user)
      return fail("say with --agent NAME as which user the agent runs: --group does not tell, for " +
                  user.error().message);
    options.agent = std::move(*user);
  }
  if (options.agent && !options.group) options.group = options.agent->gid;
  const bool alike = options.agent && options.run_as && options.agent->uid == options.run_as->uid;
  if (alike) return fail("--user and --agent name one user: tasks could take the agent over; give them two");
  return {};
}

Status set_option(WardenOptions& options, int letter) {
  switch (letter) {
    case 's':
      return set_state(options, ::optarg);
    case 'n':
      return set_slots(options, ::optarg);
    case 'u':
      return set_user(options, ::optarg);
    case 'g':
      return set_group(options, ::optarg);
    case 'a':
      return set_agent(options, ::optarg);
    case 'b':
      options.bwrap = ::optarg;
      return {};
    case 'k':
      options.kernels = ::optarg;
      return {};
    case 'r':
      options.require_sandbox = true;
      return {};
    default:
      return fail("see bramble-warden --help");  // getopt has said what is wrong
  }
}

}  // namespace

std::string usage() {
  return "Usage: bramble-warden --state DIR [--slots N] [--user NAME] [--agent NAME] [--group NAME]\n"
         "Runs a node's tasks and ends them. The agent connects at DIR/warden.sock.\n\n"
         "  --state DIR    where attempts and their outputs are kept; made if it is missing\n"
         "  --slots N      how many tasks may run at once; default: the number of cores\n"
         "  --user NAME    run tasks as this user (needs root); default: the warden's own\n"
         "  --agent NAME   the agent's user, who may connect; default: the one whose own group --group is,\n"
         "                 or without it the warden's own. Root may always\n"
         "  --group NAME   who may read outputs, besides the warden's own user; default: the agent's own group\n"
         "  --bwrap PATH   bubblewrap, which makes sandboxes; default: where it is usually installed\n"
         "  --kernels DIR  where programs that answer calls are looked for first; default: those of bramble\n"
         "  --require-sandbox   run every task in a sandbox, whether it asks for one or not\n"
         "  --version      print the version\n";
}

Result<std::optional<WardenOptions>> parse_options(int argc, char** argv) {
  WardenOptions options;
  options.slots = 0;
  options.kernels = own_kernels();
  int letter = 0;
  while ((letter = ::getopt_long(argc, argv, "", kLongOptions.data(), nullptr)) != -1) {
    if (letter == 'h' || letter == 'v') {
      std::fputs(letter == 'h' ? usage().c_str() : "bramble-warden " BRAMBLE_VERSION "\n", stdout);
      return std::nullopt;
    }
    if (const Status set = set_option(options, letter); !set) return tl::unexpected(set.error());
  }
  if (::optind < argc) return fail("unknown argument '" + std::string(argv[::optind]) + "': see bramble-warden --help");
  if (options.state.empty()) return fail("--state DIR is missing: see bramble-warden --help");
  if (options.slots == 0) options.slots = usable_cores();
  if (const Status settled = settle_agent(options); !settled) return tl::unexpected(settled.error());
  return options;
}

}  // namespace bramble::warden
