#include "aggregator/power/gpio_find.hpp"

#include "common/base/nearest.hpp"

namespace bramble::aggregator {
namespace {

struct OpenChip {
  std::string path;
  GpioChipInfo info;
};

struct OpenChips {
  std::vector<OpenChip> open;
  std::optional<Error> refused;  // the first that could not be opened
};

OpenChips all_chips(GpioApi& api) {
  OpenChips chips;
  for (const std::string& path : api.chip_paths()) {
    auto info = api.chip(path);
    if (info) {
      chips.open.push_back({path, std::move(*info)});
    } else if (!chips.refused) {
      chips.refused = info.error();
    }
  }
  return chips;
}

std::string listed(const std::vector<OpenChip>& chips) {
  std::string text;
  for (const OpenChip& chip : chips) text += (text.empty() ? "" : ", ") + chip.info.label + " (" + chip.path + ")";
  return text;
}

Error no_such_chip(const std::string& label, const OpenChips& chips) {
  std::string text = "there is no GPIO chip with the label '" + label + "'";
  if (!chips.open.empty()) text += "; there are " + listed(chips.open);
  if (chips.refused) return {chips.refused->code, text + "; " + chips.refused->message};
  if (chips.open.empty()) text += ": this machine has no GPIO chips";
  return {ErrorCode::not_found, text};
}

Result<OpenChip> find_chip(GpioApi& api, const std::string& label) {
  const OpenChips chips = all_chips(api);
  std::vector<OpenChip> found;
  for (const OpenChip& chip : chips.open) {
    if (chip.info.label == label) found.push_back(chip);
  }
  if (found.empty()) return tl::unexpected<Error>(no_such_chip(label, chips));
  if (found.size() > 1) {
    return fail(ErrorCode::conflict, "more than one GPIO chip has the label '" + label + "': " + listed(found));
  }
  return found.front();
}

FoundGpio found_in(const OpenChip& chip, int64_t offset, GpioLineInfo info) {
  return {chip.path, chip.info.label, offset, std::move(info)};
}

Result<FoundGpio> find_offset(GpioApi& api, const OpenChip& chip, int64_t offset) {
  if (offset >= chip.info.lines) {
    return fail(ErrorCode::not_found, chip.info.label + " has no line " + std::to_string(offset) + ", only 0 to " +
                                          std::to_string(chip.info.lines - 1));
  }
  auto info = api.line(chip.path, offset);
  if (!info) return tl::unexpected<Error>(info.error());
  return found_in(chip, offset, std::move(*info));
}

Result<FoundGpio> find_name(GpioApi& api, const OpenChip& chip, const std::string& name) {
  std::vector<std::string> names;
  std::optional<FoundGpio> found;
  for (int64_t offset = 0; offset < chip.info.lines; ++offset) {
    auto info = api.line(chip.path, offset);
    if (!info) return tl::unexpected<Error>(info.error());
    names.push_back(info->name);
    if (info->name != name) continue;
    if (found) return fail(ErrorCode::conflict, chip.info.label + " has two lines '" + name + "': give the offset");
    found = found_in(chip, offset, std::move(*info));
  }
  if (!found) return fail(ErrorCode::not_found, chip.info.label + ": " + unknown("line", name, names));
  return std::move(*found);
}

}  // namespace

Result<FoundGpio> find_gpio(GpioApi& api, const GpioPlace& place) {
  const auto chip = find_chip(api, place.chip);
  if (!chip) return tl::unexpected<Error>(chip.error());
  return place.offset ? find_offset(api, *chip, *place.offset) : find_name(api, *chip, place.line);
}

std::string gpio_place_id(const FoundGpio& found) { return found.path + " line " + std::to_string(found.offset); }

std::string in_use_by(const std::string& consumer) {
  return "in use by " + (consumer.empty() ? "the kernel or another program" : "'" + consumer + "'") +
         ": end that, or configure another line";
}

}  // namespace bramble::aggregator
