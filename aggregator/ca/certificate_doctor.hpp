// What `bramble node doctor` says of certificates that end.
#pragma once

#include <string>
#include <vector>

#include "aggregator/ca/issued_list.hpp"
#include "aggregator/core/api.hpp"

namespace bramble::aggregator {

// Of each node the certificate that ends last, where it has ended or the node should have renewed it long ago: with
// less than a sixth of its life left, where it asks for another with a third. Pure.
std::vector<NodeFinding> judge_issued(const IssuedList& list, WallTime now);

// The certificate that callers of the API or nodes meet, by its file's name. Nothing where it is not due. Pure.
std::vector<NodeFinding> judge_head_certificate(const std::string& file, WallTime not_after, WallTime now);

// Reads the files. Empty names: there is no authority, no certificate of the operator's own. A file that cannot be read
// is a finding, too. Thread-safe.
struct OwnCertificate {
  std::string certificate_file;  // empty: none
  std::string key_file;
};

std::vector<NodeFinding> examine_certificates(const std::string& authority_dir, const OwnCertificate& own,
                                              WallTime now);

}  // namespace bramble::aggregator
