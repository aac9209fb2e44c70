#include "agent/sensors/drop_ins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::sensors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(DropInLines, MakeMetricsOfNameValueAndUnit) {
  std::string complaint;
  const auto values =
      parse_drop_in("# my sensors\n\ngreenhouse 21.5 celsius\r\n  door\t1\nrain -0.5e1 mm\n", complaint);
  EXPECT_THAT(values, ElementsAre(Pair("door", 1), Pair("greenhouse_celsius", 21.5), Pair("rain_mm", -5)));
  EXPECT_EQ(complaint, "");
}

TEST(DropInLines, ThatAreBadAreToldAndTheOthersCount) {
  for (const char* bad : {"greenhouse", "greenhouse warm celsius", "greenhouse 1 2 3", "a/b 1 celsius", "x 1 m^2",
                          "x nan", "x inf w", "power 4 w", "\xFF\xFE 1 w"}) {
    std::string complaint;
    const auto values = parse_drop_in(std::string("good 1\n") + bad + "\nfine 2\n", complaint);
    EXPECT_THAT(values, ElementsAre(Pair("fine", 2), Pair("good", 1))) << bad;
    EXPECT_THAT(complaint, HasSubstr("its line '")) << bad;
  }
  std::string complaint;
  parse_drop_in("power 4 w\n", complaint);
  EXPECT_EQ(complaint, "its line 'power 4 w' names a metric that bramble tells itself");
}

class DropIns : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& script, mode_t mode = 0755) {
    std::ofstream(dir_ / name) << "#!/bin/sh\n" << script << "\n";
    ASSERT_EQ(::chmod((dir_ / name).c_str(), mode), 0);
  }
  // Looks until `done`, as the agent does with each reading; the time that the source sees goes as fast as it is told.
  template <typename Done>
  void look_until(DropInSource& source, Done done, int64_t step_ms = 10) {
    for (int i = 0; i < 2000; ++i) {
      reading_ = {};
      now_ = now_ + step_ms;
      Probe probe(roots_, now_, reading_);
      source.read(probe);
      complaint_ = probe.complaint();
      if (done()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "did not come; complaint: " << complaint_;
  }
  DropInOptions options() const { return {dir_.path(), 30'000, 5'000}; }
  bool told(const std::string& metric) const { return reading_.values.contains(metric); }

  test::TempDir dir_;
  Roots roots_;
  MonoTime now_{1000};
  agent::Reading reading_;
  std::string complaint_;
};

TEST_F(DropIns, TellTheirValues) {
  add("one", "echo greenhouse 21.5 celsius");
  add("two", "echo door 1; echo rain 3 mm");
  add("notes.txt", "echo never 1", 0644);
  add("two~", "echo never 1");
  add(".hidden", "echo never 1");
  DropInSource source(options());
  look_until(source, [&] { return told("greenhouse_celsius") && told("rain_mm"); });
  EXPECT_EQ(reading_.values.size(), 3U);
  EXPECT_EQ(complaint_, "");
}

TEST_F(DropIns, RunAgainAtTheirInterval) {
  add("count", "echo x >>" + (dir_ / "runs.log") + "; echo runs $(wc -l <" + (dir_ / "runs.log") + ")");
  DropInSource source(options());
  look_until(source, [&] { return told("runs"); });
  EXPECT_EQ(reading_.values.at("runs"), 1);
  now_ = now_ + 30'000;
  look_until(source, [&] { return told("runs") && reading_.values.at("runs") == 2; });
}

TEST_F(DropIns, OneThatHangsIsEndedAndTheOthersGoOn) {
  add("a-hangs", "sleep 1000 & wait");
  add("b-works", "echo door 1");
  DropInSource source(options());
  look_until(
      source, [&] { return told("door"); }, 200);
  EXPECT_THAT(complaint_, HasSubstr("/a-hangs: it was ended at its time limit of 5 s"));
}

TEST_F(DropIns, OneThatPrintsWithoutEndIsEnded) {
  add("yes", "exec yes door 1");
  DropInSource source(options());
  look_until(source, [&] { return !complaint_.empty(); });
  EXPECT_THAT(complaint_, HasSubstr("/yes: it printed more than 8192 bytes and was ended"));
  EXPECT_THAT(reading_.values, IsEmpty());
}

TEST_F(DropIns, OneThatFailsSaysSo) {
  add("fails", "echo door 1; exit 3");
  DropInSource source(options());
  look_until(source, [&] { return !complaint_.empty(); });
  EXPECT_THAT(complaint_, HasSubstr("/fails: it ended with status 3"));
  EXPECT_THAT(reading_.values, IsEmpty());
}

TEST_F(DropIns, OneThatFailsEachTimeDoesNotSayBetweenThatItWorks) {
  add("fails", "echo x >>" + dir_ / "runs.txt" + "; exit 3");
  DropInSource source(options());
  look_until(source, [&] { return !complaint_.empty(); });
  const auto runs = [&] { return posix::read_file(dir_ / "runs.txt", 100).value_or("").size() / 2; };
  look_until(
      source,
      [&] {
        // Its time limit is one, too: the time that it sees goes fast.
        EXPECT_THAT(complaint_, HasSubstr("/fails: it "));
        return runs() == 3;
      },
      15'000);
}

TEST_F(DropIns, AllThatFailAreNamed) {
  add("one", "exit 3");
  add("two", "exit 4");
  DropInSource source(options());
  look_until(source, [&] { return complaint_.find("/two") != std::string::npos; });
  EXPECT_THAT(complaint_, HasSubstr("/one: it ended with status 3; "));
  EXPECT_THAT(complaint_, HasSubstr("/two: it ended with status 4"));
}

TEST_F(DropIns, OneThatCannotBeRunSaysSo) {
  std::ofstream(dir_ / "broken") << "#!/no/such/interpreter\n";
  ASSERT_EQ(::chmod((dir_ / "broken").c_str(), 0755), 0);
  DropInSource source(options());
  look_until(source, [&] { return !complaint_.empty(); });
  EXPECT_THAT(complaint_, HasSubstr("/broken: cannot start "));
}

TEST_F(DropIns, OneThatOthersMayChangeIsNotRun) {
  add("open", "echo door 1", 0777);
  DropInSource source(options());
  look_until(source, [&] { return !complaint_.empty(); });
  EXPECT_THAT(complaint_, HasSubstr("/open: is not run, for others than its owner may write to it: chmod go-w"));
}

TEST_F(DropIns, AreLimitedInNumber) {
  for (size_t i = 0; i <= kMaxDropIns; ++i) add("p" + std::to_string(100 + i), "echo m" + std::to_string(i) + " 1");
  DropInSource source(options());
  look_until(source, [&] { return reading_.values.size() == kMaxDropIns; });
  EXPECT_THAT(complaint_, HasSubstr("holds more than 16 programs"));
}

TEST_F(DropIns, AreLimitedInMetrics) {
  add("many", "i=0; while [ $i -lt 100 ]; do echo m$i 1; i=$((i+1)); done");
  DropInSource source(options());
  look_until(source, [&] { return !reading_.values.empty(); });
  EXPECT_EQ(reading_.values.size(), kMaxDropInMetrics);
  EXPECT_THAT(complaint_, HasSubstr("tell more than 64 metrics"));
}

TEST_F(DropIns, AreForgottenWhenTheyAreTakenAway) {
  add("one", "echo door 1");
  DropInSource source(options());
  look_until(source, [&] { return told("door"); });
  std::filesystem::remove(dir_ / "one");
  now_ = now_ + 30'000;
  look_until(source, [&] { return !told("door"); });
  EXPECT_EQ(complaint_, "");
}

TEST_F(DropIns, NeedNoDirectory) {
  DropInSource source({dir_ / "none"});
  look_until(source, [] { return true; });
  EXPECT_EQ(complaint_, "");
}

}  // namespace
}  // namespace bramble::sensors
