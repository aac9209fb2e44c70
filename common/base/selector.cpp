#include "common/base/selector.hpp"

#include <algorithm>
#include <charconv>

#include "common/base/utf8.hpp"

namespace bramble {
namespace {

bool parse_job(std::string_view text, JobId& job) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), job);
  return error == std::errc{} && end == text.data() + text.size() && job != 0;
}

Status add_item(std::string_view item, JobSelector& selector) {
  if (item == "all") {
    selector.all = true;
    return {};
  }
  if (item == "last") {
    selector.last = true;
    return {};
  }
  const size_t dash = item.find('-');
  JobId first = 0, last = 0;
  const bool good = parse_job(item.substr(0, dash), first) &&
                    parse_job(dash == std::string_view::npos ? item : item.substr(dash + 1), last);
  if (!good) return fail("not a job: '" + to_utf8(item, 64) + "'; name jobs like 12, 3-7, last or all");
  if (last < first) return fail("the range '" + to_utf8(item, 64) + "' goes backwards");
  if (selector.ranges.size() == kMaxSelectorRanges) {
    return fail(ErrorCode::limit, "more than " + std::to_string(kMaxSelectorRanges) + " jobs and ranges named");
  }
  selector.ranges.emplace_back(first, last);
  return {};
}

}  // namespace

bool JobSelector::names(JobId job) const {
  return all || std::any_of(ranges.begin(), ranges.end(),
                            [job](const auto& range) { return job >= range.first && job <= range.second; });
}

Result<JobSelector> parse_job_selector(std::string_view text) {
  JobSelector selector;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    if (Status added = add_item(text.substr(begin, comma - begin), selector); !added) {
      return tl::unexpected(std::move(added.error()));
    }
    begin = comma + 1;
  }
  return selector;
}

std::string to_string(const JobSelector& selector) {
  std::string text;
  const auto add = [&text](const std::string& item) { text += (text.empty() ? "" : ",") + item; };
  if (selector.all) add("all");
  if (selector.last) add("last");
  for (const auto& [first, last] : selector.ranges) {
    add(first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last));
  }
  return text;
}

}  // namespace bramble
