#include "aggregator/ca/issued_list.hpp"

#include <nlohmann/json.hpp>

#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

constexpr size_t kMaxIndexBytes = 64 << 20;

json to_json(const IssuedCertificate& entry) {
  json row{{"node", entry.node},
           {"serial", entry.serial},
           {"issued_ms", entry.issued.ms},
           {"not_after_ms", entry.not_after.ms}};
  if (entry.revoked.ms != 0) row["revoked_ms"] = entry.revoked.ms;
  return row;
}

IssuedCertificate from_json(const json& row) {
  return {row.at("node"),
          row.at("serial"),
          {row.at("issued_ms").get<int64_t>()},
          {row.at("not_after_ms").get<int64_t>()},
          {row.value("revoked_ms", int64_t{0})}};
}

}  // namespace

Result<IssuedList> read_issued_list(const std::string& path) {
  const auto text = posix::read_file(path, kMaxIndexBytes);
  if (!text && text.error().code == ErrorCode::not_found) return IssuedList{};
  if (!text) return tl::unexpected<Error>(text.error());
  try {
    const json index = json::parse(*text);
    IssuedList list{index.at("list_number").get<uint64_t>(), {}};
    for (const json& row : index.at("issued")) list.certificates.push_back(from_json(row));
    return list;
  } catch (const json::exception& error) {
    return fail(ErrorCode::corrupt, path + " is damaged (" + error.what() +
                                        "): restore it from a backup; without it no certificate can be revoked");
  }
}

std::string to_text(const IssuedList& list) {
  json rows = json::array();
  for (const IssuedCertificate& entry : list.certificates) rows.push_back(to_json(entry));
  return json{{"list_number", list.number}, {"issued", rows}}.dump(1) + "\n";
}

}  // namespace bramble::aggregator
