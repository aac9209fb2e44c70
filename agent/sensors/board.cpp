#include "agent/sensors/board.hpp"

#include "agent/core/reading.hpp"
#include "agent/sensors/parse.hpp"
#include "agent/sensors/probe.hpp"

namespace bramble::sensors {
namespace {

constexpr size_t kMaxModelBytes = 200;

struct Known {
  std::string_view compatible;
  double idle_w;
  double busy_w;
};

// Idle and stress, from published measurements; where reports differ, their middle.
constexpr Known kKnown[] = {
    {"raspberrypi,model-zero-2-w", 0.6, 2.5},
    {"raspberrypi,model-zero-2", 0.6, 2.5},
    {"raspberrypi,3-model-b-plus", 2.5, 5.3},
    {"raspberrypi,3-model-b", 2.1, 4.4},
    {"raspberrypi,3-model-a-plus", 1.7, 4.3},
    {"raspberrypi,4-model-b", 2.6, 5.0},
    {"raspberrypi,400", 3.0, 6.0},
    {"raspberrypi,4-compute-module", 2.5, 4.6},
    {"raspberrypi,4-compute-module-s", 2.5, 4.6},
    {"raspberrypi,5-compute-module", 2.4, 8.5},
    {"raspberrypi,5-model-b", 3.1, 9.0},
    {"raspberrypi,500", 3.1, 9.0},
};
constexpr wire::PowerModel kUnknown = {5.0, 15.0};

template <typename Handle>
void for_each_name(std::string_view compatible, Handle handle) {
  while (!compatible.empty()) {
    const size_t end = std::min(compatible.find('\0'), compatible.size());
    handle(compatible.substr(0, end));
    compatible.remove_prefix(std::min(end + 1, compatible.size()));
  }
}

std::string processor_name(Probe& probe) {
  std::string name;
  for_each_line(probe.text_if_told(probe.roots.proc + "/cpuinfo").value_or(""), [&](std::string_view line) {
    const size_t colon = line.find(": ");
    if (name.empty() && line.starts_with("model name") && colon != std::string_view::npos)
      name = line.substr(colon + 2);
  });
  return name;
}

std::string read_model(Probe& probe) {
  for (const std::string& path :
       {probe.roots.proc + "/device-tree/model", probe.roots.sys + "/class/dmi/id/product_name"}) {
    const auto text = probe.text_if_told(path);
    if (text && !first_line(*text).empty()) return std::string(first_line(*text).substr(0, kMaxModelBytes));
  }
  return processor_name(probe);
}

}  // namespace

Board recognise_board(std::string_view compatible, std::string model) {
  Board board{std::move(model), kUnknown, false};
  bool found = false;
  for_each_name(compatible, [&](std::string_view name) {
    if (name == "brcm,bcm2712") board.has_pmic = true;
    for (const Known& known : kKnown) {
      if (found || known.compatible != name) continue;
      board.power = {known.idle_w, known.busy_w};
      found = true;
    }
  });
  return board;
}

Board read_board(const Roots& roots) {
  agent::Reading unused;
  Probe probe(roots, {}, unused);
  std::string model = read_model(probe);
  const auto compatible = probe.text_if_told(roots.proc + "/device-tree/compatible");
  return recognise_board(compatible.value_or(""), std::move(model));
}

}  // namespace bramble::sensors
