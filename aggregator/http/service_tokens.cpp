// Requests about API tokens.
#include "aggregator/http/requests.hpp"
#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {

void Service::list_tokens(const Route&, HttpRequest& request, const Answer& answer) {
  const Params params(request.params, {});
  if (!params.status()) return answer(error_reply(params.status().error()));
  ask_and_answer(request.caller, TokensRequest{}, answer);
}

void Service::add_token(const Route&, HttpRequest& request, const Answer& answer) {
  auto adding = parse_token(request.body);
  if (!adding) return answer(error_reply(adding.error()));
  ask_and_answer(request.caller, std::move(*adding), answer);
}

void Service::remove_token(const Route&, HttpRequest& request, const Answer& answer) {
  auto name = parse_token_name(request.body);
  if (!name) return answer(error_reply(name.error()));
  ask_and_answer(request.caller, RemoveTokenRequest{std::move(*name)}, answer);
}

}  // namespace bramble::aggregator::http
