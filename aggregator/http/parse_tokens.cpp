#include "aggregator/http/json_input.hpp"
#include "aggregator/http/requests.hpp"
#include "common/base/ids.hpp"

namespace bramble::aggregator::http {
namespace {

Status read_name(const Json& value, const std::string& name, std::string& into) {
  if (!value.is_string() || !is_valid_name(value.get_ref<const std::string&>())) {
    return fail(name + " must be a name (letters, digits, '-', '_', '.', at most " + std::to_string(kMaxNameBytes) +
                ")");
  }
  into = value.get<std::string>();
  return {};
}

Status read_digest(const Json& value, const std::string& name, std::string& into) {
  if (!value.is_string() || !is_sha256(value.get_ref<const std::string&>())) {
    return fail(name + " must be the SHA-256 of the token, 64 hexadecimal digits in lower case");
  }
  into = value.get<std::string>();
  return {};
}

Status read_role(const Json& value, const std::string& name, Role& into) {
  const auto role = value.is_string() ? parse_role(value.get_ref<const std::string&>()) : std::nullopt;
  if (!role) return fail(name + " must be viewer, submitter or operator");
  into = *role;
  return {};
}

}  // namespace

Result<AddTokenRequest> parse_token(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  AddTokenRequest request;
  int64_t lifetime_s = 0;
  Fields fields(*json, "", {"name", "role", "owner", "sha256", "lifetime_s"});
  fields.need("name")
      .need("role")
      .need("sha256")
      .with("name", [&](const Json& value, const std::string& name) { return read_name(value, name, request.name); })
      .with("role", [&](const Json& value, const std::string& name) { return read_role(value, name, request.role); })
      .with("sha256",
            [&](const Json& value, const std::string& name) { return read_digest(value, name, request.sha256); })
      .text("owner", request.owner, {1, kMaxOwnerBytes})
      .whole<int64_t>("lifetime_s", lifetime_s, 1, kMaxTokenLifetimeS);
  if (!fields.status()) return tl::unexpected(fields.status().error());
  if (lifetime_s > 0) request.lifetime_ms = lifetime_s * 1000;
  return request;
}

Result<std::string> parse_token_name(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  std::string name;
  Fields fields(*json, "", {"name"});
  fields.need("name").text("name", name, {1, kMaxNameBytes});
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return name;
}

}  // namespace bramble::aggregator::http
