#include "common/identity/join_file.hpp"

#include <limits>

#include "common/base/ids.hpp"
#include "common/identity/certificate.hpp"
#include "common/posix/config_file.hpp"

namespace bramble::identity {
namespace {

// A literal of several lines; the first line break in it does not count.
std::string quoted(const std::string& pem) { return "'''\n" + pem + (pem.ends_with('\n') ? "" : "\n") + "'''\n"; }

Status check(const JoinFile& join) {
  if (!is_valid_name(join.node) || !is_valid_name(join.cluster) || join.broker_url.empty() || join.store.empty()) {
    return fail("it is not whole: node, cluster, store and broker_url must be there");
  }
  const auto facts = read_certificate(join.certificate_pem);
  if (!facts) return tl::unexpected<Error>(facts.error());
  if (facts->name != join.node) {
    return fail("the certificate is for '" + facts->name + "', but the node is '" + join.node + "'");
  }
  if (Status key = check_key(join.certificate_pem, join.key_pem); !key) return key;
  return check_node_certificate(join.certificate_pem, join.ca_pem);
}

}  // namespace

std::string format_join_file(const JoinFile& join) {
  return "# The identity of node " + join.node + " in the bramble cluster " + join.cluster +
         ". Secret: who has it can act as this node.\n"
         "# On the node, as root: bramble-agent --join THIS_FILE, then remove the file.\n"
         "node = \"" +
         join.node + "\"\ncluster = \"" + join.cluster + "\"\nstore = \"" + join.store + "\"\nbroker_url = \"" +
         join.broker_url + "\"\nrenew_after_ms = " + std::to_string(join.renew_after.ms) +
         "\nauthority = " + quoted(join.ca_pem) + "certificate = " + quoted(join.certificate_pem) +
         "key = " + quoted(join.key_pem);
}

Result<JoinFile> parse_join_file(const std::string& text, const std::string& source) {
  auto file = posix::ConfigFile::parse(text, source);
  if (!file) return fail(file.error().message + "; is this what 'bramble node add' has made?");
  JoinFile join;
  file->text("node", join.node);
  file->text("cluster", join.cluster);
  file->text("store", join.store);
  file->text("broker_url", join.broker_url);
  file->integer("renew_after_ms", join.renew_after.ms, 0, std::numeric_limits<int64_t>::max());
  file->text("authority", join.ca_pem);
  file->text("certificate", join.certificate_pem);
  file->text("key", join.key_pem);
  if (Status known = file->finish(); !known) return tl::unexpected<Error>(known.error());
  if (Status whole = check(join); !whole) {
    return fail(source + ": " + whole.error().message + "; make it anew with 'bramble node add'");
  }
  return join;
}

}  // namespace bramble::identity
