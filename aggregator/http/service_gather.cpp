// Blobs of parts of outputs. Putting one together may take longer than a client waits for a reply: then it is told so,
// and its next request of the same words joins what is under way.
#include "aggregator/http/service.hpp"
#include "common/posix/digest.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint64_t kMaxWaitS = 30;
constexpr int64_t kUnheardMs = 60'000;  // that a reply is kept which nobody waited for

HttpReply not_yet() { return json_reply(R"({"gathering":true})", 202); }

}  // namespace

void Service::gather_blob(const Route&, HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"wait_s"});
  const uint64_t wait_s = params.number("wait_s", kMaxWaitS, 0, kMaxWaitS);
  if (!params.status()) return answer(error_reply(params.status().error()));
  auto gathering = parse_gather(request.body);
  if (!gathering) return answer(error_reply(gathering.error()));
  const auto poll = take_poll_slot(wait_s);
  if (!poll) return answer(error_reply(poll.error()));
  const auto begin = [&]() -> Result<std::shared_ptr<GatherRun>> {
    Slot slot = take_upload_slot();
    if (!slot) return fail(ErrorCode::unavailable, "too many uploads at once: try again");
    return std::make_shared<GatherRun>(backend_.jobs, backend_.files, std::move(*gathering), std::move(slot));
  };
  const auto found = gather_runs_.find_or_begin(posix::sha256_hex(request.body), begin);
  if (!found) return answer(error_reply(found.error()));
  wait_for_gathering(found->run, wait_s, [answer, poll = *poll](HttpReply reply) { answer(std::move(reply)); });
  if (found->begun) go_on_gathering(found->run);
}

void Service::wait_for_gathering(const std::shared_ptr<GatherRun>& run, uint64_t wait_s, const Answer& answer) {
  const auto deadline = std::make_shared<std::atomic<Deadlines::Id>>(0);
  const auto waiter = run->wait([self = shared_from_this(), answer, deadline](HttpReply reply) {
    self->deadlines_.cancel(*deadline);
    answer(std::move(reply));
  });
  if (!waiter) return gather_runs_.forget(run);
  *deadline = deadlines_.call_after(static_cast<int64_t>(wait_s) * 1000, [run, waiter = *waiter, answer] {
    if (run->leave(waiter)) answer(not_yet());
  });
}

void Service::go_on_gathering(const std::shared_ptr<GatherRun>& run) {
  const bool taken = upload_pool_->post([self = shared_from_this(), run] {
    const auto blob = run->step();
    if (!blob) return self->end_gathering(run, error_reply(blob.error()));
    if (!*blob) return self->go_on_gathering(run);
    self->keep_blob(**blob, [self, run](HttpReply reply) { self->end_gathering(run, std::move(reply)); });
  });
  if (!taken) end_gathering(run, error_reply(503, "the aggregator cannot put the blob together now: try again"));
}

void Service::end_gathering(const std::shared_ptr<GatherRun>& run, HttpReply reply) {
  if (run->finish(std::move(reply))) return gather_runs_.forget(run);
  deadlines_.call_after(kUnheardMs, [self = shared_from_this(), run] { self->gather_runs_.forget(run); });
}

}  // namespace bramble::aggregator::http
