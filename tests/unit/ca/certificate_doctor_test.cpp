#include "aggregator/ca/certificate_doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/duration.hpp"
#include "common/identity/certificate.hpp"
#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::FindingState;

constexpr WallTime kBegin{1'800'000'000'000};

WallTime day(int64_t number) { return {kBegin.ms + number * kDayMs}; }

IssuedList of(std::vector<IssuedCertificate> certificates) { return {1, std::move(certificates)}; }

TEST(CertificateDoctor, ACertificateThatIsDueToBeRenewedIsNotComplainedOfAtOnce) {
  const IssuedList list = of({{"pi01", "a", day(0), day(300), {}}});
  EXPECT_THAT(judge_issued(list, day(0)), IsEmpty());
  EXPECT_THAT(judge_issued(list, day(249)), IsEmpty());
}

TEST(CertificateDoctor, OneThatWasNotRenewedIsTold) {
  const auto findings = judge_issued(of({{"pi01", "a", day(0), day(300), {}}}), day(260));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].node, "pi01");
  EXPECT_EQ(findings[0].finding.state, FindingState::warning);
  EXPECT_THAT(findings[0].finding.text, HasSubstr("ends in 40d"));
}

TEST(CertificateDoctor, OneThatHasEndedSaysHowTheNodeComesBack) {
  const auto findings = judge_issued(of({{"pi01", "a", day(0), day(300), {}}}), day(302));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].finding.state, FindingState::problem);
  EXPECT_THAT(findings[0].finding.text, AllOf(HasSubstr("ended 2d ago"), HasSubstr("bramble node add pi01 --replace")));
}

TEST(CertificateDoctor, WhatCountsIsTheLastOfANodeThatIsNotRevoked) {
  EXPECT_THAT(judge_issued(of({{"pi01", "a", day(0), day(300), {}}, {"pi01", "b", day(200), day(500), {}}}), day(299)),
              IsEmpty());
  EXPECT_EQ(
      judge_issued(of({{"pi01", "a", day(0), day(300), {}}, {"pi01", "b", day(0), day(900), day(1)}}), day(299)).size(),
      1U);
  EXPECT_THAT(judge_issued(of({{"pi01", "a", day(0), day(300), day(1)}}), day(299)), IsEmpty());
}

TEST(CertificateDoctor, TheOperatorsOwnIsToldInTime) {
  EXPECT_THAT(judge_head_certificate("/x.pem", day(90), day(60)), IsEmpty());
  const auto soon = judge_head_certificate("/x.pem", day(90), day(80));
  ASSERT_EQ(soon.size(), 1U);
  EXPECT_EQ(soon[0].node, "");
  EXPECT_EQ(soon[0].finding.state, FindingState::warning);
  EXPECT_THAT(soon[0].finding.text, AllOf(HasSubstr("/x.pem"), HasSubstr("ends in 10d")));
  EXPECT_EQ(judge_head_certificate("/x.pem", day(90), day(90))[0].finding.state, FindingState::problem);
}

TEST(CertificateDoctor, FilesThatCannotBeReadAreFindings) {
  const test::TempDir dir;
  EXPECT_THAT(examine_certificates("", {}, kBegin), IsEmpty());
  EXPECT_THAT(examine_certificates(dir.path(), {}, kBegin), IsEmpty());  // nothing was issued yet
  ASSERT_TRUE(posix::write_file_atomically(dir / "issued.json", "{"));
  ASSERT_TRUE(posix::write_file_atomically(dir / "own.pem", "no certificate"));
  const auto findings = examine_certificates(dir.path(), {dir / "own.pem", dir / "own.key"}, kBegin);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_THAT(findings[0].finding.text, HasSubstr("own.pem holds no certificate"));
  EXPECT_THAT(findings[1].finding.text, HasSubstr("issued.json is damaged"));
}

TEST(CertificateDoctor, AnOwnCertificateWithoutItsKeyIsAFinding) {
  const test::TempDir dir;
  const auto mine = identity::make_authority("mine", day(900));
  const auto other = identity::make_authority("other", day(900));
  ASSERT_TRUE(mine && other);
  ASSERT_TRUE(posix::write_file_atomically(dir / "own.pem", mine->certificate_pem));
  const OwnCertificate own{dir / "own.pem", dir / "own.key"};
  EXPECT_THAT(examine_certificates("", own, kBegin).at(0).finding.text, HasSubstr("own.key"));
  ASSERT_TRUE(posix::write_file_atomically(dir / "own.key", other->key_pem));
  EXPECT_THAT(examine_certificates("", own, kBegin).at(0).finding.text, HasSubstr("does not belong"));
  ASSERT_TRUE(posix::write_file_atomically(dir / "own.key", mine->key_pem));
  EXPECT_THAT(examine_certificates("", own, kBegin), IsEmpty());
}

TEST(IssuedList, IsReadAsItWasWritten) {
  const test::TempDir dir;
  ASSERT_TRUE(posix::write_file_atomically(
      dir / "list", to_text({7, {{"pi01", "0a", day(0), day(9), {}}, {"pi02", "0b", day(1), day(8), day(2)}}})));
  const auto list = read_issued_list(dir / "list");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->number, 7U);
  ASSERT_EQ(list->certificates.size(), 2U);
  EXPECT_EQ(list->certificates[0].revoked.ms, 0);
  EXPECT_EQ(list->certificates[1].serial, "0b");
  EXPECT_EQ(list->certificates[1].revoked, day(2));
}

}  // namespace
}  // namespace bramble::aggregator
