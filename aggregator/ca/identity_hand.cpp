#include "aggregator/ca/identity_hand.hpp"

#include "common/identity/join_file.hpp"
#include "common/posix/log.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kKeepHeadMs = 3'600'000;

}  // namespace

IdentityHand::IdentityHand(std::optional<NodeAuthority> authority, JoinFacts facts, IdentityHandlers handlers)
    : authority_(std::move(authority)), facts_(std::move(facts)), handlers_(std::move(handlers)) {
  loop_.on_wake([this] { take(); });
  if (authority_) loop_.call_after(kKeepHeadMs, [this] { keep_head(); });
  thread_ = std::thread([this] { loop_.run(); });
}

IdentityHand::~IdentityHand() {
  loop_.stop();
  thread_.join();
}

void IdentityHand::add(std::vector<IdentityOp> ops) {
  if (ops.empty()) return;
  std::vector<IdentityOp> refused;
  {
    const std::lock_guard lock(mutex_);
    for (IdentityOp& op : ops) {
      (waiting_.size() < kMaxWaitingIdentityOps ? waiting_ : refused).push_back(std::move(op));
    }
  }
  loop_.wake();
  for (const IdentityOp& op : refused) {
    IdentityReport report{.number = op.number, .kind = op.kind, .node = op.node};
    report.error = Error{ErrorCode::unavailable, "too many nodes are added, renewed or removed at once: try again"};
    handlers_.report(std::move(report));
  }
}

void IdentityHand::take() {
  std::vector<IdentityOp> ops;
  {
    const std::lock_guard lock(mutex_);
    ops.swap(waiting_);
  }
  for (const IdentityOp& op : ops) {
    IdentityReport report = carry_out(op);
    if (!report.error) handlers_.changed();
    handlers_.report(std::move(report));
  }
}

IdentityReport IdentityHand::carry_out(const IdentityOp& op) {
  IdentityReport report{.number = op.number, .kind = op.kind, .node = op.node};
  if (Status done = carry_out(op, report); !done) report.error = done.error();
  return report;
}

Status IdentityHand::carry_out(const IdentityOp& op, IdentityReport& report) {
  const WallTime now = posix::now().wall;
  if (op.kind == IdentityOp::Kind::remove) {
    const auto had_one = authority_ ? authority_->remove(op.node, now) : Result<bool>(false);
    if (!had_one) return tl::unexpected<Error>(had_one.error());
    report.had_one = *had_one;
    return {};
  }
  if (!authority_) return fail(ErrorCode::not_found, "this aggregator keeps no certificates: it has no node_listen");
  const bool adds = op.kind == IdentityOp::Kind::add;
  auto issued = adds ? authority_->add(op.node, op.replace, now) : authority_->renew(op.node, op.request_pem, now);
  if (!issued) return tl::unexpected<Error>(issued.error());
  report.not_after = issued->not_after;
  report.renew_after = issued->renew_after;
  report.text =
      !adds ? issued->certificate_pem
            : identity::format_join_file({op.node, facts_.cluster, facts_.store, facts_.broker_url, issued->ca_pem,
                                          issued->certificate_pem, issued->key_pem, issued->renew_after});
  return {};
}

void IdentityHand::keep_head() {
  const auto renewed = authority_->keep_head_certificate(posix::now().wall);
  if (!renewed) posix::log_error("the broker's certificate cannot be renewed: " + renewed.error().message);
  if (renewed && *renewed) handlers_.changed();
  loop_.call_after(kKeepHeadMs, [this] { keep_head(); });
}

}  // namespace bramble::aggregator
