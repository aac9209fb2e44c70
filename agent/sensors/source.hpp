// A source of telemetry: one subsystem of the kernel or one chip. sources.hpp lists them all.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "agent/sensors/probe.hpp"

namespace bramble::sensors {

// Used by one thread at a time. May block: whoever calls read() expects that.
class Source {
 public:
  explicit Source(std::string name) : name_(std::move(name)) {}
  virtual ~Source() = default;

  const std::string& name() const { return name_; }  // for people: "temperature"

  // Adds to probe.reading what can be told. Trouble is noted in the probe; what was added before stays good.
  virtual void read(Probe& probe) = 0;

 private:
  std::string name_;
};

// A source without a memory.
class PlainSource : public Source {
 public:
  PlainSource(std::string name, void (*look)(Probe&)) : Source(std::move(name)), look_(look) {}
  void read(Probe& probe) override { look_(probe); }

 private:
  void (*look_)(Probe&);
};

// What hardly changes is looked at once in a while; readings in between repeat it.
class SeldomSource : public Source {
 public:
  SeldomSource(std::string name, int64_t interval_ms, void (*look)(Probe&))
      : Source(std::move(name)), interval_ms_(interval_ms), look_(look) {}
  void read(Probe& probe) override;

 private:
  int64_t interval_ms_;
  void (*look_)(Probe&);
  std::optional<MonoTime> looked_;
  std::map<std::string, double> values_;
  std::string complaint_;
};

}  // namespace bramble::sensors
