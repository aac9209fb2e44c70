#include "aggregator/core/constraints.hpp"

#include <algorithm>

#include "common/base/ids.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxTextBytes = 16 << 10;

Status read_nodes(std::string_view on, Constraints& into) {
  auto set = parse_node_set(on);
  if (!set) return tl::unexpected(std::move(set.error()));
  if (!set->groups.empty()) return fail("there are no groups of nodes yet: name the nodes, as in pi[01-04]");
  if (set->all) return {};
  into.on = fold_node_set(set->names);
  if (set->names.size() > kMaxAllowedNodes || into.on.size() > kMaxTextBytes) {
    return fail(ErrorCode::limit, "a job may name at most " + std::to_string(kMaxAllowedNodes) + " nodes, in 16 KiB");
  }
  into.nodes = std::move(set->names);
  std::sort(into.nodes.begin(), into.nodes.end());
  return {};
}

std::string_view as_nodes_say(std::string_view arch) {
  if (arch == "arm64") return "aarch64";
  if (arch == "amd64") return "x86_64";
  return arch;
}

}  // namespace

bool Constraints::allow(std::string_view node, std::string_view node_arch) const {
  if (!arch.empty() && arch != node_arch) return false;
  return nodes.empty() || std::binary_search(nodes.begin(), nodes.end(), node);
}

Result<Constraints> parse_constraints(std::string_view on, std::string_view arch) {
  Constraints constraints;
  if (!on.empty()) {
    if (Status read = read_nodes(on, constraints); !read) return tl::unexpected(std::move(read.error()));
  }
  if (!arch.empty() && !is_valid_name(arch)) return fail("not an architecture's name: write it like aarch64 or armv7l");
  constraints.arch = as_nodes_say(arch);
  return constraints;
}

}  // namespace bramble::aggregator
