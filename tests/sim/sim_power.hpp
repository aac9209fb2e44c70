// The power of the simulated machines: relays, buttons, resets, halt lines and meters, people who switch them, and the
// judge of every edge.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "sim_head.hpp"
#include "sim_node.hpp"

namespace bramble::sim {

struct PowerCounts {
  uint64_t starts = 0;  // edges and presses that started a machine
  uint64_t cuts = 0;
  uint64_t presses = 0;
  uint64_t fenced = 0;
  uint64_t faults = 0;
  uint64_t restarts = 0;  // of the head, with a node in a state that switches something
};

class SimPower {
 public:
  SimPower(Timeline& timeline, uint64_t seed, SimHead& head, std::vector<SimNode*> nodes, Bug bug,
           std::function<void(std::string)> violation);

  void ask_something();    // a person
  void break_something();  // a relay, an answer, a machine's kernel
  void look_after_it();    // the bad time is over: all is mended, and switched on again
  std::string describe();  // for a person who looks for the reason of a violation
  const PowerCounts& counts() const { return counts_; }

 private:
  struct Line {
    aggregator::LineSpec spec;
    SimNode* node = nullptr;
    bool commanded = true;  // supply
    bool powered = true;    // supply: the contact, whatever the coil does
    bool reported = false;  // in this life of the head
    bool sticks = false;    // stays as it is, and reads so
    bool welded = false;    // stays on, and reads as it was commanded
    int64_t free_ms = 0;    // its operations are done in their order
  };

  void add_lines(SimNode* node, size_t kind);
  void add(SimNode* node, aggregator::LineRole role);
  aggregator::PowerConfig config();
  void begin_life();
  void drive(const aggregator::LineOp& op);
  void work(const aggregator::LineOp& op);
  void answer(const aggregator::LineOp& op);
  void act(const aggregator::LineOp& op, Line& line);
  void forge();
  void press(Line& line, bool is_long);
  void start(SimNode& node);

  void check_asked(const aggregator::LineOp& op);
  void check_press(const aggregator::PowerRecord& record);
  void check_cut(const aggregator::PowerRecord& record, const SimNode& node);
  void mend(Line& line);
  void check_start();
  void check_budget(const Line& started);
  void check_change(const aggregator::PowerRecord& from, const aggregator::PowerRecord& to);
  const aggregator::PowerRecord& record_of(const std::string& node);

  Timeline& timeline_;
  Random random_;
  SimHead& head_;
  const std::vector<SimNode*> nodes_;
  const Bug bug_;
  std::function<void(std::string)> violation_;
  std::vector<Line> lines_;
  uint64_t life_ = 0;
  bool calm_ = false;
  int64_t started_ms_ = -1'000'000;
  std::map<std::string, uint64_t> pressed_;  // the number of the last press
  std::set<std::string> forced_;             // nodes that are being cut, which somebody forced
  PowerCounts counts_;
};

}  // namespace bramble::sim
