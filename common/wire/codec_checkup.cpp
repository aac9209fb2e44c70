// What a node finds when it looks at itself.
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/json_fields.hpp"

namespace bramble::wire {
namespace {

constexpr size_t kMaxFindingBytes = 1024;

Status read_state(const Json& json, FindingState& into) {
  if (!json.is_string()) return fail("must be text");
  auto state = parse_finding_state(json.get_ref<const std::string&>());
  if (!state) return tl::unexpected(std::move(state.error()));
  into = *state;
  return {};
}

Status read_finding(const Json& json, Finding& finding) {
  return Fields(json)
      .required("check", finding.check, read_name)
      .required("state", finding.state, read_state)
      .optional("text", finding.text, Text{kMaxFindingBytes})
      .status();
}

Status read_findings(const Json& json, std::vector<Finding>& findings) {
  if (json.size() > kMaxFindings) return fail("more than " + std::to_string(kMaxFindings) + " findings");
  return ListOf{read_finding}(json, findings);
}

Status read_checkup(const Json& json, Checkup& checkup) {
  return Fields(json)
      .required("session", checkup.session, Whole<uint64_t>{})
      .required("findings", checkup.findings, read_findings)
      .status();
}

}  // namespace

std::string encode(const Checkup& checkup) {
  OutJson json = {{"session", checkup.session}, {"findings", OutJson::array()}};
  for (const Finding& finding : checkup.findings) {
    json["findings"].push_back({{"check", finding.check},
                                {"state", to_string(finding.state)},
                                {"text", to_utf8(finding.text, kMaxFindingBytes)}});
  }
  return to_text(json);
}

template <>
Result<Checkup> decode<Checkup>(std::string_view payload) {
  return read_payload<Checkup>("checkup", payload, read_checkup);
}

}  // namespace bramble::wire
