#include "sim_power.hpp"

#include <algorithm>

namespace bramble::sim {
namespace {

using aggregator::LineAction;
using aggregator::LineRole;
using aggregator::PowerHow;
using aggregator::PowerRecord;
using aggregator::PowerState;
using aggregator::PowerWish;

constexpr int64_t kStaggerMs = 1500;
constexpr int64_t kMaxDriftPercent = 1;
constexpr int64_t kNodeMw = 7000;
constexpr int64_t kHaltedMw = 300;

}  // namespace

SimPower::SimPower(Timeline& timeline, uint64_t seed, SimHead& head, std::vector<SimNode*> nodes, Bug bug,
                   std::function<void(std::string)> violation)
    : timeline_(timeline),
      random_(seed),
      head_(head),
      nodes_(std::move(nodes)),
      bug_(bug),
      violation_(std::move(violation)) {
  for (size_t i = 0; i < nodes_.size(); ++i) add_lines(nodes_[i], i);
  head_.power = config();
  head_.on_life = [this] { begin_life(); };
  head_.drive_line = [this](const aggregator::LineOp& op) { drive(op); };
  head_.store().on_power = [this](const PowerRecord& from, const PowerRecord& to) { check_change(from, to); };
  for (SimNode* node : nodes_) {
    node->on_shutdown = [this, node] {
      if (!random_.chance(0.1)) node->shut_down(random_.between(300, 6000));  // some cannot
    };
  }
}

void SimPower::add_lines(SimNode* node, size_t kind) {
  switch (kind % 5) {
    case 0:
      return add(node, LineRole::supply);
    case 1:
      add(node, LineRole::supply);
      return add(node, LineRole::meter);
    case 2:
      add(node, LineRole::supply);
      return add(node, LineRole::halted);
    case 3:
      return add(node, LineRole::button);
    default:
      return add(node, LineRole::reset);
  }
}

void SimPower::add(SimNode* node, LineRole role) {
  Line line;
  line.spec = {node->name(), role, node->name() + "-" + std::to_string(lines_.size())};
  line.node = node;
  lines_.push_back(line);
}

// Quicker than life, so that many starts, cuts and recoveries happen in one.
aggregator::PowerConfig SimPower::config() {
  aggregator::PowerConfig config;
  for (const Line& line : lines_) config.lines.push_back(line.spec);
  aggregator::SupplyConfig supply;
  supply.stagger_ms = kStaggerMs;
  supply.starts_per_minute = 60;
  supply.max_mw = static_cast<int64_t>(nodes_.size() - 1) * kNodeMw;
  config.supplies = {supply};
  config.recovery = true;
  config.recovery_floor_ms = 15'000;
  config.suspect_ms = 3000;
  config.start_limit_ms = 20'000;
  config.halt_limit_ms = 12'000;
  config.hold_ms = 2000;
  config.cut_limit_ms = 6000;
  config.cool_down_min_ms = 1000;
  config.cool_down_max_ms = 8000;
  config.fence_limit_ms = 10'000;
  config.probe_ms = 10'000;
  config.steady_ms = 30'000;
  config.op_limit_ms = 4000;
  config.read_ms = 3000;
  config.watch_ms = 400;
  config.halt_again_ms = 2000;
  config.idle_off_ms = random_.chance(0.5) ? 15'000 : 0;
  return config;
}

const PowerRecord& SimPower::record_of(const std::string& node) {
  static const PowerRecord kNone;
  const auto& stored = head_.store().disk().power;
  const auto found = stored.find(node);
  return found == stored.end() ? kNone : found->second;
}

// What was under way in the process that drove the lines has ended with it.
void SimPower::begin_life() {
  ++life_;
  for (Line& line : lines_) line.reported = false;
  for (const SimNode* node : nodes_) {
    const PowerState state = record_of(node->name()).state;
    if (state == PowerState::cutting || state == PowerState::fencing || state == PowerState::starting) {
      ++counts_.restarts;
      break;
    }
  }
}

void SimPower::drive(const aggregator::LineOp& op) {
  if (op.action != LineAction::read) check_asked(op);
  Line& line = lines_[op.line];
  const bool slow = !calm_ && line.reported && random_.chance(0.03);
  const int64_t begin_ms = timeline_.now_ms() + (slow ? random_.between(500, 3000) : random_.between(1, 40));
  line.free_ms = std::max(line.free_ms + 1, begin_ms);
  timeline_.after(line.free_ms - timeline_.now_ms(), [this, op, life = life_] {
    if (life == life_) work(op);
  });
  if (bug_ == Bug::pressed_again && op.action == LineAction::press) {
    timeline_.after(5000, [this, op] { check_asked(op); });
  }
  if (bug_ == Bug::started_together && op.action == LineAction::switch_on) forge();
}

// The planted bug: another supply is switched on beside the one that was asked for.
void SimPower::forge() {
  for (Line& line : lines_) {
    if (line.spec.role != LineRole::supply || line.powered) continue;
    line.commanded = line.powered = true;
    check_start();
    return;
  }
}

void SimPower::work(const aggregator::LineOp& op) {
  Line& line = lines_[op.line];
  if (op.action != LineAction::read) act(op, line);
  if (!calm_ && line.reported && random_.chance(0.02)) return;                // its answer is lost
  const int64_t press_ms = op.action == LineAction::press ? op.press_ms : 0;  // it is told when it has ended
  timeline_.after(press_ms + random_.between(1, 20), [this, op, life = life_] {
    if (life == life_) answer(op);
  });
}

void SimPower::answer(const aggregator::LineOp& op) {
  Line& line = lines_[op.line];
  aggregator::LineReport report{op.number, op.line, {}, {}, ""};
  const auto rail = std::find_if(lines_.begin(), lines_.end(), [&](const Line& other) {
    return other.node == line.node && other.spec.role == LineRole::supply;
  });
  const bool has_power = rail == lines_.end() || rail->powered;
  switch (line.spec.role) {
    case LineRole::supply:
      report.level = line.sticks ? line.powered : line.commanded;
      break;
    case LineRole::halted:
      report.level = has_power && !line.node->is_running();
      break;
    case LineRole::meter:
      report.power_mw = !has_power ? 0 : line.node->is_running() ? kNodeMw / 2 : kHaltedMw;
      break;
    case LineRole::button:
    case LineRole::reset:
      report.level = false;
      break;
  }
  line.reported = true;
  head_.report_line(report);
}

void SimPower::act(const aggregator::LineOp& op, Line& line) {
  if (op.action == LineAction::press) return press(line, op.press_ms > line.spec.press_ms);
  line.commanded = op.action == LineAction::switch_on;
  if (line.sticks || (line.welded && !line.commanded) || line.powered == line.commanded) return;
  line.powered = line.commanded;
  if (line.powered) return start(*line.node);
  ++counts_.cuts;
  check_cut(record_of(line.node->name()), *line.node);
  line.node->lose_supply();
}

void SimPower::press(Line& line, bool is_long) {
  ++counts_.presses;
  if (is_long) {
    ++counts_.cuts;
    check_cut(record_of(line.node->name()), *line.node);
    return line.node->lose_supply();
  }
  if (line.spec.role == LineRole::reset) line.node->lose_supply();
  if (line.node->is_running()) return line.node->shut_down(random_.between(300, 6000));  // a button toggles
  start(*line.node);
}

void SimPower::start(SimNode& node) {
  check_start();
  const bool boots = calm_ || !random_.chance(0.1);
  node.get_supply(boots ? random_.between(1000, 9000) : -1);
}

// --- the judge ---

void SimPower::check_asked(const aggregator::LineOp& op) {
  const std::string& name = lines_[op.line].spec.node;
  for (const Line& line : lines_) {
    if (line.spec.node == name && !line.reported) violation_(name + " is switched before its lines were read");
  }
  const PowerRecord& record = record_of(name);
  if (op.action == LineAction::press) check_press(record);
  const bool takes = op.action == LineAction::switch_off || op.press_ms > lines_[op.line].spec.press_ms;
  const bool may_take = record.state == PowerState::cutting || record.state == PowerState::fencing;
  if (takes && !may_take) violation_(name + " is cut, and " + std::string(to_string(record.state)) + " is stored");
  if (!takes && record.state != PowerState::starting)
    violation_(name + " is started, and " + std::string(to_string(record.state)) + " is stored");
  if (!takes) check_budget(lines_[op.line]);
  lines_[op.line].node->note_trouble(30'000);
}

void SimPower::check_press(const PowerRecord& record) {
  uint64_t& last = pressed_[record.node];
  if (!record.press_open || record.presses <= last) violation_(record.node + " is pressed without a new record of it");
  last = record.presses;
}

void SimPower::check_cut(const PowerRecord& record, const SimNode& node) {
  const bool forced = forced_.contains(record.node);
  if (record.state == PowerState::fencing) {
    ++counts_.fenced;
  } else if (!forced && node.is_running() && node.running_tasks() > 0) {
    violation_(node.name() + " is cut with work on it, and nobody forced that");
  }
}

void SimPower::check_start() {
  ++counts_.starts;
  const int64_t passed_ms = timeline_.now_ms() - started_ms_;
  started_ms_ = timeline_.now_ms();
  if (passed_ms < kStaggerMs * (100 - kMaxDriftPercent) / 100) {
    violation_("two starts within " + std::to_string(passed_ms) + " ms");
  }
}

// When it is asked for: what changes by itself until it is done is nobody's choice.
void SimPower::check_budget(const Line& started) {
  int64_t drawn_mw = 0;
  for (const Line& line : lines_) {
    const PowerState state = record_of(line.spec.node).state;
    const bool is_off = state == PowerState::off || state == PowerState::cool_down;
    const bool has_power = line.spec.role == LineRole::reset || (line.spec.role == LineRole::button && !is_off) ||
                           (line.spec.role == LineRole::supply && line.powered && !line.welded);
    if (line.node == started.node ? &line == &started : has_power) drawn_mw += kNodeMw;
  }
  if (drawn_mw > head_.power.supplies[0].max_mw)
    violation_("the supply gives " + std::to_string(drawn_mw) + " mW" + describe());
}

std::string SimPower::describe() {
  std::string text;
  for (const Line& line : lines_) {
    text += "; " + line.spec.name + " of " + std::string(to_string(record_of(line.spec.node).state)) +
            (line.powered ? " powered" : "") + (line.commanded ? " commanded" : "") + (line.sticks ? " sticks" : "") +
            (line.welded ? " welded" : "");
    if (line.spec.role != LineRole::meter && line.spec.role != LineRole::halted) text += head_.waits(line.spec.node);
  }
  return text;
}

void SimPower::check_change(const PowerRecord& from, const PowerRecord& to) {
  if (to.state == PowerState::fault && from.state != PowerState::fault) ++counts_.faults;
  // What is asked for after a cut was decided does not undo that.
  if (to.state != PowerState::cutting) forced_.erase(to.node);
  if (to.state == PowerState::cutting && to.how == PowerHow::force) forced_.insert(to.node);
  const auto came_from = [&](std::initializer_list<PowerState> states) {
    return std::find(states.begin(), states.end(), from.state) != states.end();
  };
  if (to.state == PowerState::cutting && !forced_.contains(to.node) &&
      !came_from({PowerState::cutting, PowerState::halting, PowerState::starting, PowerState::stopped})) {
    violation_(to.node + " is cut from " + std::string(to_string(from.state)));
  }
  if (to.state == PowerState::fencing && !came_from({PowerState::fencing, PowerState::suspect})) {
    violation_(to.node + " is fenced from " + std::string(to_string(from.state)));
  }
  const bool contrary = from.wish != PowerWish::none && to.wish != PowerWish::none && from.wish != to.wish;
  if (from.by_person && !to.by_person && contrary) violation_(to.node + ": what a person wants was overridden");
}

// --- people, and what breaks ---

void SimPower::ask_something() {
  SimNode& node = *nodes_[random_.below(nodes_.size())];
  const uint64_t what = random_.below(10);
  if (what == 0) return head_.ask(aggregator::PowerPauseRequest{random_.chance(0.3), "sim"});
  if (what == 1) return head_.ask(aggregator::ClearFaultRequest{{node.name()}, "sim"});
  aggregator::PowerRequest request;
  request.nodes = {node.name()};
  request.act = static_cast<aggregator::PowerRequest::Act>(random_.below(3));
  request.how = static_cast<PowerHow>(random_.below(3));
  request.reason = "sim";
  head_.ask(request);
}

void SimPower::break_something() {
  Line& line = lines_[random_.below(lines_.size())];
  if (random_.chance(0.3)) return line.node->freeze();
  if (line.spec.role != LineRole::supply) return break_something();  // every cluster has some
  (random_.chance(0.5) ? line.sticks : line.welded) = true;
  timeline_.after(random_.between(10'000, 120'000), [this, &line] { mend(line); });
}

// A contact that was welded opens; a coil that stuck is taken as it stands.
void SimPower::mend(Line& line) {
  if (line.sticks) line.commanded = line.powered;
  if (line.welded && !line.commanded && line.powered) {
    line.powered = false;
    line.node->lose_supply();
  }
  line.sticks = line.welded = false;
}

void SimPower::look_after_it() {
  if (!calm_) {
    calm_ = true;
    for (Line& line : lines_) mend(line);
  }
  if (head_.store().disk().power_pause.paused) head_.ask(aggregator::PowerPauseRequest{false, "sim"});
  for (const SimNode* node : nodes_) {
    const PowerRecord& record = record_of(node->name());
    if (record.state == PowerState::fault) head_.ask(aggregator::ClearFaultRequest{{node->name()}, "sim"});
    // Too few are well for recovery, or it cannot be told whether it has halted: a person is needed.
    const bool is_stuck = record.state == PowerState::stopped || record.state == PowerState::unknown ||
                          record.state == PowerState::suspect;
    const bool is_up = record.state == PowerState::on || record.state == PowerState::starting;
    if (!is_stuck && (is_up || record.wish == PowerWish::on) && record.wish != PowerWish::off) continue;
    aggregator::PowerRequest request;
    request.nodes = {node->name()};
    request.act = is_stuck ? aggregator::PowerRequest::Act::cycle : aggregator::PowerRequest::Act::on;
    request.how = is_stuck ? PowerHow::force : PowerHow::clean;
    request.reason = "sim";
    head_.ask(request);
  }
}

}  // namespace bramble::sim
