#include "aggregator/cli/question.hpp"

#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>

#include "aggregator/cli/interrupts.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

struct Renamed {
  std::string_view parameter;
  std::string_view option;
};
// The longer one first, where one is a part of the other.
constexpr Renamed kRenamed[] = {
    {"the parameter metric", "--metric"}, {"since_ms", "--since"},    {"until_ms", "--until"}, {"step_ms", "--step"},
    {"time_limit_ms", "--time-limit"},    {"max_rows", "--max-rows"}, {"idle_w", "--idle-w"},  {"busy_w", "--busy-w"}};

bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

bool is_word_at(std::string_view text, size_t at, size_t size) {
  return (at == 0 || !is_of_word(text[at - 1])) && (at + size == text.size() || !is_of_word(text[at + size]));
}

void rename_word(std::string& text, const Renamed& renamed) {
  for (size_t at = text.find(renamed.parameter); at != std::string::npos; at = text.find(renamed.parameter, at + 1)) {
    if (is_word_at(text, at, renamed.parameter.size())) {
      text.replace(at, renamed.parameter.size(), renamed.option);
    }
  }
}

}  // namespace

QuestionResult ask_question(const Session& session,
                            const std::function<Result<nlohmann::json>(Api& api, const std::string& query_id)>& ask) {
  const std::string query_id = posix::random_uuid();
  Interrupts interrupts([&] {
    Api other = session.connect();
    (void)other.post("/api/v1/query/cancel", {{"query_id", query_id}});
  });
  Api api = session.connect();
  auto answer = ask(api, query_id);
  return {std::move(answer), interrupts.signal()};
}

Error in_options(Error error) {
  for (const Renamed& renamed : kRenamed) rename_word(error.message, renamed);
  return error;
}

}  // namespace bramble::cli
