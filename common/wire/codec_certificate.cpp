// A node's certificate is renewed over the connection that the old one has opened.
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/json_fields.hpp"

namespace bramble::wire {
namespace {

constexpr size_t kMaxPemBytes = 8 << 10;
constexpr size_t kMaxErrorBytes = 1024;

Status read_request(const Json& json, CertificateRequest& message) {
  return Fields(json).required("request", message.request_pem, Text{kMaxPemBytes}).status();
}

Status read_certificate(const Json& json, NewCertificate& message) {
  Status status = Fields(json)
                      .optional("certificate", message.certificate_pem, Text{kMaxPemBytes})
                      .optional("renew_after_ms", message.renew_after_ms, Whole<int64_t>{})
                      .optional("error", message.error, Text{kMaxErrorBytes})
                      .status();
  if (status && message.certificate_pem.empty() && message.error.empty())
    return fail("certificate is missing, and error too");
  return status;
}

}  // namespace

std::string encode(const CertificateRequest& message) { return to_text(OutJson{{"request", message.request_pem}}); }

std::string encode(const NewCertificate& message) {
  OutJson json = {{"renew_after_ms", message.renew_after_ms}};
  if (!message.certificate_pem.empty()) json["certificate"] = message.certificate_pem;
  if (!message.error.empty()) json["error"] = to_utf8(message.error, kMaxErrorBytes);
  return to_text(json);
}

template <>
Result<CertificateRequest> decode<CertificateRequest>(std::string_view payload) {
  return read_payload<CertificateRequest>("certificate request", payload, read_request);
}

template <>
Result<NewCertificate> decode<NewCertificate>(std::string_view payload) {
  return read_payload<NewCertificate>("certificate", payload, read_certificate);
}

}  // namespace bramble::wire
