// Brings a database to the newest schema. Its version is SQLite's user_version; script N (schema/<database>_00N.sql)
// takes it from N - 1 to N.
#pragma once

#include <span>
#include <string_view>

#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

using Scripts = std::span<const std::string_view>;

Scripts jobs_schema();
Scripts telemetry_schema();

// Each script in a transaction of its own. A database of a version that has no script here is refused (corrupt).
Status migrate(sqlite::Connection& connection, Scripts scripts);

}  // namespace bramble::aggregator
