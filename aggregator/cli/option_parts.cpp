#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "aggregator/cli/options.hpp"
#include "common/base/selector.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::cli {

Result<std::pair<std::string, int64_t>> parse_resource(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view amount = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), number);
  const bool good = is_valid_name(name) && error == std::errc{} && end == amount.data() + amount.size() && number > 0;
  if (!good) return fail("'" + std::string(text) + "' is not a resource: write NAME=N, as in gpu=1");
  return std::pair{std::string(name), number};
}

Result<InputOption> parse_input(std::string_view text) {
  const size_t equals = text.rfind('=');
  InputOption input{std::string(text.substr(0, equals)), {}};
  if (input.path.empty()) return fail("'" + std::string(text) + "' is not an input: write FILE or FILE=NAME");
  const bool named = equals != std::string_view::npos;
  if (input.path.starts_with(kBlobPrefix) && !named) {
    return fail("'" + std::string(text) + "' needs a name: write " + kBlobPrefix + "HASH=NAME");
  }
  input.name = named ? std::string(text.substr(equals + 1)) : input.path.substr(input.path.rfind('/') + 1);
  if (Status good = wire::check_file_name(input.name); !good) return tl::unexpected(good.error());
  return input;
}

Result<std::pair<std::string, std::string>> parse_env(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  if (name.empty()) return fail("'" + std::string(text) + "' is not a variable: write NAME=VALUE");
  if (equals != std::string_view::npos) return std::pair{name, std::string(text.substr(equals + 1))};
  const char* value = std::getenv(name.c_str());
  if (!value) return fail("'" + name + "' is not set here: write " + name + "=VALUE");
  return std::pair{name, std::string(value)};
}

Result<JobPlace> parse_job_place(const std::string& text) {
  const size_t dot = text.find_last_of("./");  // tasks are told as 12/7
  JobPlace place{text.substr(0, dot), {}};
  const auto selector = parse_job_selector(place.selector);
  if (!selector) return tl::unexpected(selector.error());
  if (dot == std::string::npos) return place;
  TaskIndex task = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + dot + 1, end, task);
  if (error != std::errc{} || stop != end) return fail("'" + text + "' names no task: write JOB.TASK, as in 12.7");
  place.task = task;
  return place;
}

namespace {

// The word that names the command; empty: none does.
std::string first_word(const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (word == "--url" || word == "--token-file" || word == "--give-up") {
      ++i;  // its value
    } else if (!word.starts_with('-')) {
      return word;
    }
  }
  return {};
}

}  // namespace

bool passes_status_on(const std::vector<std::string>& args) {
  const std::string word = first_word(args);
  return word == "run" || word == "local";
}

bool is_check(const std::vector<std::string>& args) { return first_word(args) == "check"; }

std::string kernel_path(const std::string& kernel, const TaskOptions& task) {
  const auto path = std::filesystem::path(kernel).lexically_normal();
  const auto goes_along = [&](const InputOption& input) { return input.name == path; };
  if (std::any_of(task.inputs.begin(), task.inputs.end(), goes_along)) return "./" + path.string();
  return kernel.find('/') == std::string::npos ? kernel : std::filesystem::absolute(path).string();
}

}  // namespace bramble::cli
