// A question that may run long, asked so that Ctrl-C ends it at the aggregator, too.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "aggregator/cli/commands.hpp"

namespace bramble::cli {

struct QuestionResult {
  Result<nlohmann::json> answer;
  int signal = 0;  // the one that ended it; 0: none
};

// ask(api, query_id) sends the request with that id, by which it can be cancelled.
QuestionResult ask_question(const Session& session,
                            const std::function<Result<nlohmann::json>(Api& api, const std::string& query_id)>& ask);

// What the API says of a question in its own parameters' names, said in the command's options. Not for what SQLite
// says: that names people's own columns.
Error in_options(Error error);

}  // namespace bramble::cli
