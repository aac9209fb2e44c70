// A libgpiod that is no library: chips of the test's own, and a record of what was done to their lines.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "aggregator/power/gpio_api.hpp"

namespace bramble::test {

using namespace bramble::aggregator;

struct FakeWire {
  std::string name = {};
  bool high = false;
  bool output = false;
  std::string used_by = {};  // not empty: busy
};

struct FakeChip {
  std::string path = {};
  std::string label = {};
  std::vector<FakeWire> wires = {};
  bool denied = false;
};

// `record` holds "PATH OFFSET: what" of every call that could touch a wire, in order. An edge is recorded when a wire's
// level changes. A chip that is taken out of `chips` is gone: what was requested of it fails from then on.
class FakeGpio : public GpioApi {
 public:
  std::vector<FakeChip> chips;
  std::vector<std::string> record;
  bool sticks = false;  // wires keep their level whatever is driven

  FakeWire* wire(const std::string& path, int64_t offset) {
    for (FakeChip& chip : chips) {
      if (chip.path == path) return &chip.wires.at(static_cast<size_t>(offset));
    }
    return nullptr;
  }

  void note(const std::string& path, int64_t offset, const std::string& what) {
    record.push_back(path + " " + std::to_string(offset) + ": " + what);
  }

  void drive(const std::string& path, int64_t offset, bool high) {
    FakeWire& driven = *wire(path, offset);
    if (sticks || driven.high == high) return;
    driven.high = high;
    note(path, offset, high ? "rises" : "falls");
  }

  std::vector<std::string> chip_paths() override {
    std::vector<std::string> paths;
    for (const FakeChip& chip : chips) paths.push_back(chip.path);
    return paths;
  }

  Result<GpioChipInfo> chip(const std::string& path) override {
    for (const FakeChip& chip : chips) {
      if (chip.path != path) continue;
      if (chip.denied) return fail(ErrorCode::denied, "cannot open " + path + ": permission denied");
      return GpioChipInfo{chip.label, static_cast<int64_t>(chip.wires.size())};
    }
    return fail(ErrorCode::not_found, "there is no " + path);
  }

  Result<GpioLineInfo> line(const std::string& path, int64_t offset) override {
    const FakeWire* asked = wire(path, offset);
    if (asked == nullptr) return fail(ErrorCode::io, "gone");
    return GpioLineInfo{asked->name, asked->used_by, !asked->used_by.empty()};
  }

  Result<std::unique_ptr<GpioRequest>> request(const std::string& path, const GpioRequestOptions& options) override;
};

class FakeRequest : public GpioRequest {
 public:
  FakeRequest(FakeGpio& gpio, std::string path, const GpioRequestOptions& options)
      : gpio_(gpio), path_(std::move(path)), options_(options) {}
  ~FakeRequest() override {
    if (FakeWire* wire = mine()) wire->used_by.clear();
    gpio_.note(path_, options_.offset, "released");
  }

  Result<bool> get() override {
    if (mine() == nullptr) return fail(ErrorCode::io, "cannot read the line: no such device");
    gpio_.note(path_, options_.offset, "read");
    return mine()->high != options_.active_low;
  }
  Status make_output(bool level) override {
    if (mine() == nullptr) return fail(ErrorCode::io, "cannot make the line an output: no such device");
    gpio_.note(path_, options_.offset, std::string("output ") + (level ? "1" : "0"));
    mine()->output = true;
    gpio_.drive(path_, options_.offset, level != options_.active_low);
    return {};
  }
  Status set(bool level) override {
    if (mine() == nullptr) return fail(ErrorCode::io, "cannot switch the line: no such device");
    EXPECT_TRUE(mine()->output) << "an input is driven";
    gpio_.drive(path_, options_.offset, level != options_.active_low);
    return {};
  }
  int descriptor() const override { return -1; }

 private:
  FakeWire* mine() const { return gpio_.wire(path_, options_.offset); }

  FakeGpio& gpio_;
  const std::string path_;
  const GpioRequestOptions options_;
};

inline Result<std::unique_ptr<GpioRequest>> FakeGpio::request(const std::string& path,
                                                              const GpioRequestOptions& options) {
  FakeWire* wanted = wire(path, options.offset);
  if (wanted == nullptr) return fail(ErrorCode::io, "gone");
  if (!wanted->used_by.empty()) return fail(ErrorCode::conflict, "cannot take the line: device or resource busy");
  wanted->used_by = kGpioConsumer;
  note(path, options.offset, options.input ? "requested as an input" : "requested as it is");
  if (options.input) wanted->output = false;
  return std::make_unique<FakeRequest>(*this, path, options);
}

inline std::shared_ptr<FakeGpio> pi_five() {
  auto gpio = std::make_shared<FakeGpio>();
  gpio->chips = {{"/dev/gpiochip0", "pinctrl-rp1", {{"ID_SDA"}, {"GPIO4"}, {"GPIO17"}}},
                 {"/dev/gpiochip10", "gpio-brcmstb@107d508500", {{"-"}}}};
  return gpio;
}

}  // namespace bramble::test
