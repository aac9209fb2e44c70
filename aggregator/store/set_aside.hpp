// telemetry.db where it is damaged: history that cannot be read must not keep new readings from being stored.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregator/store/telemetry_table.hpp"

namespace bramble::aggregator {

using TellPeople = std::function<void(const std::string&)>;

// Opens it, or, where it is damaged, moves it to PATH.damaged-TIME and opens a new one, and tells that. One that a
// newer bramble wrote is refused and left alone.
Result<std::unique_ptr<TelemetryTable>> open_or_set_aside(const std::string& path, size_t max_others,
                                                          const TellPeople& tell);

// The same for one that was found damaged while it was in use; nothing of this process may have it open for writing.
Result<std::unique_ptr<TelemetryTable>> set_aside_and_open(const std::string& path, const Error& damage,
                                                           size_t max_others, const TellPeople& tell);

}  // namespace bramble::aggregator
