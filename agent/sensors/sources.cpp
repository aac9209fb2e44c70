#include "agent/sensors/sources.hpp"

#include "agent/sensors/board.hpp"

namespace bramble::sensors {
namespace {

constexpr int64_t kSeldomMs = 30'000;

}  // namespace

std::vector<std::unique_ptr<Source>> all_sources(const Roots& roots, std::shared_ptr<Firmware> firmware,
                                                 DropInOptions drop_ins, std::optional<CheckupOptions> checkup) {
  std::vector<std::unique_ptr<Source>> sources;
  const auto plain = [&](const char* name, void (*look)(Probe&)) {
    sources.push_back(std::make_unique<PlainSource>(name, look));
  };
  const auto seldom = [&](const char* name, void (*look)(Probe&)) {
    sources.push_back(std::make_unique<SeldomSource>(name, kSeldomMs, look));
  };
  sources.push_back(std::make_unique<CpuSource>());
  plain("load", read_load);
  plain("memory", read_memory);
  plain("pressure", read_pressure);
  plain("uptime", read_uptime);
  plain("network", read_network);
  plain("wifi", read_wifi);
  plain("disks", read_disks);
  seldom("link", read_link);
  seldom("space", read_space);
  seldom("card", read_card);
  sources.push_back(std::make_unique<FrequencySource>());
  plain("temperature", read_temperature);
  sources.push_back(std::make_unique<ThrottlingSource>(firmware));
  sources.push_back(std::make_unique<PowerSource>(firmware, read_board(roots).has_pmic));
  if (!drop_ins.directory.empty()) sources.push_back(std::make_unique<DropInSource>(std::move(drop_ins)));
  if (checkup) sources.push_back(std::make_unique<CheckupSource>(firmware, std::move(*checkup)));
  return sources;
}

}  // namespace bramble::sensors
