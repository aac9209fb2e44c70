#include "aggregator/http/telemetry_requests.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "aggregator/http/running_queries.hpp"

namespace bramble::aggregator::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr WallTime kNow{1'800'000'000'000};

std::string refusal(const RequestParams& params) {
  const auto question = parse_metric_question(params, kNow);
  return question ? "no error" : question.error().message;
}

TEST(MetricRequest, IsTheLastHourByTheMinuteOfAllNodesUnlessSaid) {
  const auto question = parse_metric_question({{"metric", "power_w,load1"}}, kNow);
  ASSERT_TRUE(question) << question.error().message;
  EXPECT_THAT(question->metrics, ElementsAre("power_w", "load1"));
  EXPECT_TRUE(question->nodes.empty());
  EXPECT_EQ(question->since_ms, kNow.ms - 3'600'000);
  EXPECT_EQ(question->step_ms, 60'000);
  EXPECT_EQ(question->aggregate, Aggregate::natural);
}

TEST(MetricRequest, TakesWhatIsSaid) {
  const auto question = parse_metric_question({{"metric", "energy_j"},
                                               {"nodes", "pi[01-02]"},
                                               {"since_ms", "1000"},
                                               {"until_ms", "9000"},
                                               {"step_ms", "500"},
                                               {"agg", "increase"}},
                                              kNow);
  ASSERT_TRUE(question) << question.error().message;
  EXPECT_THAT(question->nodes, ElementsAre("pi01", "pi02"));
  EXPECT_EQ(question->until_ms, 9000);
  EXPECT_EQ(question->aggregate, Aggregate::increase);
}

TEST(MetricRequest, WrongOnesSaySo) {
  EXPECT_THAT(refusal({}), HasSubstr("metric is missing"));
  EXPECT_THAT(refusal({{"metric", "a"}, {"agg", "men"}}), HasSubstr("unknown agg 'men'; did you mean 'mean'?"));
  EXPECT_THAT(refusal({{"metric", "a"}, {"stepms", "1"}}), HasSubstr("did you mean 'step_ms'?"));
  EXPECT_THAT(refusal({{"metric", "a"}, {"since_ms", "9"}, {"until_ms", "9"}}), HasSubstr("before until_ms"));
  EXPECT_THAT(refusal({{"metric", "a"}, {"step_ms", "1"}}), HasSubstr("step_ms must be a whole number from 100"));
  EXPECT_THAT(refusal({{"metric", "a"}, {"nodes", "pi[1-"}}), HasSubstr("pi[1-"));
  EXPECT_THAT(refusal({{"metric", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"}}), HasSubstr("at most 16"));
}

TEST(EnergyRequest, IsTheLastDayByNodeOrByJobWhereJobsAreNamed) {
  EXPECT_EQ(parse_energy_question({}, kNow)->question.by, EnergyQuestion::By::node);
  EXPECT_EQ(parse_energy_question({}, kNow)->question.since_ms, kNow.ms - 86'400'000);
  const auto of_jobs = parse_energy_question({{"jobs", "3-7"}}, kNow);
  EXPECT_EQ(of_jobs->question.by, EnergyQuestion::By::job);
  EXPECT_TRUE(of_jobs->jobs);
  EXPECT_THAT(parse_energy_question({{"jobs", "1"}, {"by", "node"}}, kNow).error().message, HasSubstr("by=job"));
  EXPECT_THAT(parse_energy_question({{"by", "user"}}, kNow).error().message, HasSubstr("one of node, job"));
}

TEST(RenderMetrics, SaysTheTierAndNullWhereNothingWasTold) {
  const MetricAnswer answer{
      "minute", 1000, 60'000, 2, {{"pi1", "power_w", Aggregate::mean, {2.5, std::nullopt}, 0.25}}};
  EXPECT_EQ(render_metrics(answer),
            R"({"tier":"minute","since_ms":1000,"step_ms":60000,"steps":2,"series":[)"
            R"({"node":"pi1","metric":"power_w","agg":"mean","measured_ratio":0.25,"points":[2.5,null]}]})");
}

TEST(RenderEnergy, ShowsMeasuredAndModelled) {
  EnergyAnswer answer;
  answer.rows = {{"12", "ann", 10, 4}};
  answer.nodes = {"", "", 100, 40};
  answer.unattributed_j = 90;
  const auto json = nlohmann::json::parse(render_energy(answer));
  EXPECT_EQ(json["rows"][0]["modelled_j"], 6);
  EXPECT_EQ(json["rows"][0]["owner"], "ann");
  EXPECT_EQ(json["nodes"]["energy_j"], 100);
  EXPECT_EQ(json["unattributed_j"], 90);
}

TEST(RunningQueries, AreCancelledByTheirNameWhileTheyRun) {
  RunningQueries running;
  {
    const RunningQueries::Entry entry(running, "a");
    const RunningQueries::Entry nameless(running, "");
    EXPECT_TRUE(running.cancel("a"));
    EXPECT_TRUE(*entry.flag());
    EXPECT_FALSE(*nameless.flag());
  }
  EXPECT_FALSE(running.cancel("a"));
}

TEST(RunningQueries, AreAllCancelledAtTheEndAlsoThoseThatComeLater) {
  RunningQueries running;
  const RunningQueries::Entry named(running, "a");
  const RunningQueries::Entry nameless(running, "");
  running.cancel_all();
  EXPECT_TRUE(*named.flag());
  EXPECT_TRUE(*nameless.flag());
  const RunningQueries::Entry late(running, "b");
  EXPECT_TRUE(*late.flag());
}

}  // namespace
}  // namespace bramble::aggregator::http
