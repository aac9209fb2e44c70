#include "common/wire/codec.hpp"
#include "common/wire/json_fields.hpp"

namespace bramble::wire {
namespace {

Status read_blobs(const Json& json, std::vector<std::string>& blobs) {
  if (json.is_array() && json.size() > kMaxBlobsHeld) return fail("more than " + std::to_string(kMaxBlobsHeld));
  return ListOf{read_sha256}(json, blobs);
}

Status read_blob_have(const Json& json, BlobHave& have) {
  return Fields(json)
      .required("session", have.session, Whole<uint64_t>{})
      .required("blobs", have.blobs, read_blobs)
      .status();
}

}  // namespace

std::string encode(const BlobHave& have) { return to_text({{"session", have.session}, {"blobs", have.blobs}}); }

template <>
Result<BlobHave> decode<BlobHave>(std::string_view payload) {
  return read_payload<BlobHave>("blob/have", payload, read_blob_have);
}

}  // namespace bramble::wire
