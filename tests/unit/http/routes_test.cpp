#include "aggregator/http/routes.hpp"

#include <gtest/gtest.h>

namespace bramble::aggregator::http {
namespace {

using ParamList = std::vector<std::pair<std::string, std::string>>;

Route route(std::string_view method, std::string_view path) {
  const auto found = find_route(method, path);
  if (const auto* none = std::get_if<NoRoute>(&found)) {
    ADD_FAILURE() << method << ' ' << path << ": " << none->sentence;
    return {};
  }
  return std::get<Route>(found);
}

NoRoute no_route(std::string_view method, std::string_view path) {
  const auto found = find_route(method, path);
  if (std::holds_alternative<Route>(found)) {
    ADD_FAILURE() << method << ' ' << path << " is a route";
    return {};
  }
  return std::get<NoRoute>(found);
}

TEST(Routes, FindEveryEndpoint) {
  const auto out = wire::Stream::stdout_;
  EXPECT_EQ(route("GET", "/api/v1/health"), (Route{Endpoint::health, 0, 0, out}));
  EXPECT_EQ(route("GET", "/metrics"), (Route{Endpoint::metrics, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs"), (Route{Endpoint::submit, 0, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs"), (Route{Endpoint::list_jobs, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs/cancel"), (Route{Endpoint::cancel, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs/retry"), (Route{Endpoint::retry, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs/forget"), (Route{Endpoint::forget, 0, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7"), (Route{Endpoint::show_job, 7, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs/7/tasks"), (Route{Endpoint::append, 7, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7/tasks"), (Route{Endpoint::list_tasks, 7, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/jobs/7/close"), (Route{Endpoint::close, 7, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7/watch"), (Route{Endpoint::watch_job, 7, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7/explain"), (Route{Endpoint::explain, 7, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7/tasks/3/output/stdout"), (Route{Endpoint::read_output, 7, 3, out}));
  EXPECT_EQ(route("GET", "/api/v1/jobs/7/tasks/3/output/stderr"),
            (Route{Endpoint::read_output, 7, 3, wire::Stream::stderr_}));
  EXPECT_EQ(route("POST", "/api/v1/blobs"), (Route{Endpoint::upload_blob, 0, 0, out}));
  EXPECT_EQ(route("GET", "/api/v1/nodes"), (Route{Endpoint::list_nodes, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/nodes/drain"), (Route{Endpoint::drain, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/nodes/resume"), (Route{Endpoint::resume, 0, 0, out}));
  EXPECT_EQ(route("POST", "/api/v1/query"), (Route{Endpoint::query, 0, 0, out}));
}

TEST(Routes, KnowNothingElse) {
  for (const char* path :
       {"", "/", "/api/v1", "/api/v1/", "/api/v2/jobs", "/api/v1/jobs/", "/api/v1/jobs/x", "/api/v1/jobs/-1",
        "/api/v1/jobs/7/", "/api/v1/jobs/7/tasks/3/output", "/api/v1/jobs//tasks", "/api/v1/jobs/99999999999999999999",
        "/api/v1/health/x", "/api/v1health", "http://other/api/v1/health", "/api/v1/jobs/7/tasks/3/output/stdin"}) {
    EXPECT_EQ(no_route("GET", path).http_status, 404) << path;
  }
}

TEST(Routes, NameTheMethodsThatAPathTakes) {
  EXPECT_EQ(no_route("DELETE", "/api/v1/jobs").http_status, 405);
  EXPECT_EQ(no_route("DELETE", "/api/v1/jobs").allow, "POST, GET");
  EXPECT_EQ(no_route("GET", "/api/v1/query").allow, "POST");
}

TEST(Routes, SayThatATaskNumberIsTooLarge) {
  const NoRoute none = no_route("GET", "/api/v1/jobs/7/tasks/5000000000/output/stdout");
  EXPECT_EQ(none.http_status, 404);
  EXPECT_EQ(none.sentence, "job 7 has no task 5000000000");
}

TEST(Params, ReadNumbersAndTexts) {
  const ParamList given{{"since", "12"}, {"owner", "ada"}};
  Params params(given, {"since", "wait_s", "owner"});
  EXPECT_EQ(params.number("since", 0, 0, 100), 12U);
  EXPECT_EQ(params.number("wait_s", 5, 0, 30), 5U);
  EXPECT_EQ(params.text("owner"), "ada");
  EXPECT_EQ(params.text("missing"), "");
  EXPECT_TRUE(params.status());
}

TEST(Params, NameTheNearestKnownOne) {
  const ParamList given{{"wait", "1"}};
  const Params params(given, {"since", "wait_s"});
  ASSERT_FALSE(params.status());
  EXPECT_EQ(params.status().error().message, "unknown parameter 'wait'; did you mean 'wait_s'?");
}

TEST(Params, RefuseWhatIsOutOfRangeOrNoNumberOrTwice) {
  for (const char* bad : {"31", "-1", "", "1x", " 1", "99999999999999999999"}) {
    const ParamList given{{"wait_s", bad}};
    Params params(given, {"wait_s"});
    params.number("wait_s", 0, 0, 30);
    ASSERT_FALSE(params.status()) << bad;
    EXPECT_EQ(params.status().error().message, "the parameter wait_s must be a whole number from 0 to 30");
  }
  const ParamList twice{{"wait_s", "1"}, {"wait_s", "2"}};
  EXPECT_FALSE(Params(twice, {"wait_s"}).status());
}

}  // namespace
}  // namespace bramble::aggregator::http
