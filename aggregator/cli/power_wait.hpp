// What becomes of nodes that were asked to be switched, look by look. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace bramble::cli {

class PowerWait {
 public:
  // to: on, off or cycle. nodes: as the aggregator answered the request.
  PowerWait(std::string to, const nlohmann::json& nodes, MonoTime now);

  // Of the nodes' power as it is now: a sentence for each that is in another state than at the last look, or has ended.
  std::vector<std::string> look(const nlohmann::json& nodes, MonoTime now);

  bool is_over() const;      // every node is where it was wanted, or will not get there
  bool has_failed() const;   // one of them will not
  std::string rest() const;  // those that are still waited for, and where they are: "pi01 is halting; ..."

 private:
  struct Waited {
    std::string name;
    std::string state;
    bool in_fault = false;  // since it was asked for, which force leaves, but not at once
    bool over = false;
  };

  std::string look_at(Waited& node, const nlohmann::json* now_is, MonoTime now);
  bool is_there(const nlohmann::json& node) const;
  std::string why_lost(Waited& node, const nlohmann::json& now_is, MonoTime now) const;

  std::string to_;
  std::vector<Waited> nodes_;
  MonoTime begun_;
  bool failed_ = false;
};

}  // namespace bramble::cli
