// Who may ask what, said a second time: whoever adds an endpoint says here, too, who may use it.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "aggregator/http/routes.hpp"

namespace bramble::aggregator::http {
namespace {

const std::map<Role, std::set<std::string>> kExpected = {
    {Role::viewer,
     {"GET /api/v1/health", "GET /api/v1/jobs", "GET /api/v1/jobs/#", "GET /api/v1/jobs/#/tasks",
      "GET /api/v1/jobs/#/checkpoint", "GET /api/v1/jobs/#/explain", "GET /api/v1/jobs/#/watch",
      "GET /api/v1/jobs/#/tasks/#/output/stdout", "GET /api/v1/jobs/#/tasks/#/output/stderr", "GET /api/v1/nodes",
      "GET /api/v1/nodes/doctor", "POST /api/v1/query", "POST /api/v1/query/cancel", "GET /api/v1/query/tables",
      "GET /api/v1/telemetry", "GET /api/v1/energy", "GET /api/v1/power", "GET /api/v1/audit", "GET /metrics"}},
    {Role::submitter,
     {"POST /api/v1/jobs", "POST /api/v1/jobs/cancel", "POST /api/v1/jobs/retry", "POST /api/v1/jobs/forget",
      "POST /api/v1/jobs/#/tasks", "POST /api/v1/jobs/#/close", "POST /api/v1/jobs/#/checkpoint", "POST /api/v1/blobs",
      "POST /api/v1/blobs/keep", "POST /api/v1/blobs/gather"}},
    {Role::operator_,
     {"POST /api/v1/nodes/add", "POST /api/v1/nodes/remove", "POST /api/v1/nodes/calibrate", "POST /api/v1/nodes/drain",
      "POST /api/v1/nodes/resume", "POST /api/v1/power/switch", "POST /api/v1/power/pause", "POST /api/v1/power/resume",
      "POST /api/v1/power/clear", "GET /api/v1/tokens", "POST /api/v1/tokens", "POST /api/v1/tokens/remove"}}};

TEST(Rules, SayOfEveryEndpointWhoMayUseIt) {
  std::map<Role, std::set<std::string>> found;
  for (const Rule& rule : rules()) found[rule.role].insert(std::string(rule.method) + " " + std::string(rule.path));
  EXPECT_EQ(found, kExpected);
}

TEST(Rules, GiveOneEndpointOneRole) {
  for (const Rule& rule : rules()) EXPECT_EQ(role_for(rule.endpoint), rule.role) << rule.path;
}

TEST(Rules, WhatOnlyReadsIsForViewersAndWhatChangesIsNot) {
  const std::set<Endpoint> questions = {Endpoint::query, Endpoint::cancel_query};
  for (const Rule& rule : rules()) {
    if (rule.endpoint == Endpoint::list_tokens) continue;  // who holds them is the operators' business
    const bool reads = rule.method == "GET" || questions.contains(rule.endpoint);
    EXPECT_EQ(rule.role == Role::viewer, reads) << rule.method << ' ' << rule.path;
  }
}

TEST(Roles, HaveNamesThatAreReadBack) {
  for (const Role role : {Role::viewer, Role::submitter, Role::operator_}) EXPECT_EQ(parse_role(to_string(role)), role);
  for (const char* other : {"", "none", "Viewer", "root"}) EXPECT_EQ(parse_role(other), std::nullopt) << other;
}

}  // namespace
}  // namespace bramble::aggregator::http
