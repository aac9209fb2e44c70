#include "aggregator/power/line_hand.hpp"

#include "aggregator/power/drivers.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kLookMs = 250;

LineReport report_of(LineIndex line, std::optional<uint64_t> number, LineOutcome outcome) {
  return {number, line, outcome.level, outcome.power_mw, std::move(outcome.error)};
}

}  // namespace

LineHand::LineHand(const std::vector<LineConfig>& lines, std::function<void(LineReport)> report)
    : LineHand(lines, std::move(report), DriverMaker()) {}

LineHand::LineHand(const std::vector<LineConfig>& lines, std::function<void(LineReport)> report,
                   const MakeLineDriver& make)
    : report_(std::move(report)) {
  for (const LineConfig& line : lines) lanes_.push_back({make(line, loop_), {}, false});
  loop_.on_wake([this] { take_new(); });
  loop_.call_after(0, [this] { look(); });
  thread_ = std::thread([this] { loop_.run(); });
}

LineHand::~LineHand() {
  loop_.stop();
  thread_.join();
  lanes_.clear();  // before the loop in which they have timers
}

void LineHand::add(std::vector<LineOp> ops) {
  if (ops.empty()) return;
  std::vector<LineOp> refused;
  {
    const std::lock_guard lock(mutex_);
    for (const LineOp& op : ops) {
      const bool good = op.line < lanes_.size() && waiting_ < kMaxWaitingLineOps;
      (good ? new_ops_ : refused).push_back(op);
      waiting_ += good ? 1 : 0;
    }
  }
  loop_.wake();
  for (const LineOp& op : refused) {
    report_(report_of(op.line, op.number, {{}, {}, "too many operations of lines wait: it was not done"}));
  }
}

void LineHand::take_new() {
  std::vector<LineOp> ops;
  {
    const std::lock_guard lock(mutex_);
    ops.swap(new_ops_);
  }
  for (const LineOp& op : ops) {
    lanes_[op.line].waiting.push_back(op);
    begin_next(op.line);
  }
}

void LineHand::begin_next(LineIndex line) {
  Lane& lane = lanes_[line];
  if (lane.busy || lane.waiting.empty()) return;
  lane.busy = true;
  const LineOp op = lane.waiting.front();
  lane.waiting.pop_front();
  lane.driver->begin(op, [this, op](LineOutcome outcome) { finish(op, std::move(outcome)); });
}

// The next begins from the loop, not from within a driver that is still ending this one.
void LineHand::finish(const LineOp& op, LineOutcome outcome) {
  Lane& lane = lanes_[op.line];
  lane.busy = false;
  {
    const std::lock_guard lock(mutex_);
    --waiting_;
  }
  report_(report_of(op.line, op.number, std::move(outcome)));
  if (!lane.waiting.empty()) loop_.call_after(0, [this, line = op.line] { begin_next(line); });
}

void LineHand::look() {
  const MonoTime now = posix::mono_now();
  for (LineIndex line = 0; line < lanes_.size(); ++line) {
    if (lanes_[line].busy) continue;
    if (auto seen = lanes_[line].driver->look(now)) report_(report_of(line, {}, std::move(*seen)));
  }
  loop_.call_after(kLookMs, [this] { look(); });
}

}  // namespace bramble::aggregator
