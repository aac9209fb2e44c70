#include "aggregator/cli/question.hpp"

#include <nlohmann/json.hpp>

#include "aggregator/cli/interrupts.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {

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

}  // namespace bramble::cli
