#include "common/identity/join_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/identity/certificate.hpp"

namespace bramble::identity {
namespace {

using testing::HasSubstr;

constexpr WallTime kJoinEnd{1'900'000'000'000};

JoinFile sample() {
  static const JoinFile made = [] {
    const Authority authority = make_authority("bramble test", kJoinEnd).value();
    JoinFile join{"pi07",
                  "bramble",
                  "3f0c3e2e-0000-4000-8000-000000000001",
                  "ssl://head.local:8883,ssl://10.0.0.1:8883",
                  authority.certificate_pem,
                  {},
                  make_key().value(),
                  {1'850'000'000'000}};
    join.certificate_pem =
        sign_request(authority, make_request(join.key_pem, "pi07").value(), {"pi07", Purpose::client, {}, kJoinEnd})
            .value();
    return join;
  }();
  return made;
}

std::string why_refused(const JoinFile& join) {
  const auto parsed = parse_join_file(format_join_file(join), "pi07.join");
  return parsed ? "" : parsed.error().message;
}

TEST(JoinFile, ComesBackAsItWasWritten) {
  const auto parsed = parse_join_file(format_join_file(sample()), "pi07.join");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, sample());
}

TEST(JoinFile, ThatIsDamagedIsRefusedWithWhatToDo) {
  const std::string whole = format_join_file(sample());
  for (const size_t size : {size_t{0}, size_t{100}, whole.size() / 2, whole.size() - 10}) {
    const auto parsed = parse_join_file(whole.substr(0, size), "pi07.join");
    ASSERT_FALSE(parsed) << size;
    EXPECT_THAT(parsed.error().message, HasSubstr("pi07.join"));
    EXPECT_THAT(parsed.error().message, HasSubstr("bramble node add"));
  }
}

TEST(JoinFile, NamesAKeyThatItDoesNotKnow) {
  const auto parsed = parse_join_file("stor = \"x\"\n" + format_join_file(sample()), "f");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("store"));
}

TEST(JoinFile, OfAForeignKeyCertificateOrAuthorityIsRefused) {
  JoinFile join = sample();
  join.key_pem = make_key().value();
  EXPECT_THAT(why_refused(join), HasSubstr("the key does not belong to the certificate"));
  join = sample();
  join.node = "pi08";
  EXPECT_THAT(why_refused(join), HasSubstr("the certificate is for 'pi07', but the node is 'pi08'"));
  join = sample();
  join.ca_pem = make_authority("bramble test", kJoinEnd)->certificate_pem;
  EXPECT_THAT(why_refused(join), HasSubstr("not signed by the authority"));
}

}  // namespace
}  // namespace bramble::identity
