#include "common/posix/digest.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/base/ids.hpp"
#include "common/posix/uuid.hpp"
#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

// From FIPS 180-2.
const std::string kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Sha256, GivesTheStandardsValues) {
  EXPECT_EQ(sha256_hex("abc"), kAbc);
  EXPECT_EQ(sha256_hex(""), kEmpty);
}

TEST(Sha256, IsTheSameInPiecesAndStartsAgainAfterwards) {
  Sha256 digest;
  digest.update("a");
  digest.update("");
  digest.update("bc");
  EXPECT_EQ(digest.hex(), kAbc);
  EXPECT_EQ(digest.hex(), kEmpty);
}

TEST(Sha256, ReadsAFileLargerThanItsBuffer) {
  const test::TempDir dir;
  const std::string text(300'000, 'x');
  std::ofstream(dir / "file") << text;
  EXPECT_EQ(sha256_hex_of_file(dir / "file").value(), sha256_hex(text));
  EXPECT_EQ(sha256_hex_of_file(dir / "missing").error().code, ErrorCode::not_found);
}

TEST(Uuid, IsAUuidAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = random_uuid();
    EXPECT_TRUE(is_uuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace bramble::posix
