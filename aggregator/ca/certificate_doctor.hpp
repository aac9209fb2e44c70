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

// The operator's own certificate, by its file's name. Nothing where it does not end soon. Pure.
std::vector<NodeFinding> judge_head_certificate(const std::string& file, WallTime not_after, WallTime now);

// What the operator has the API serve with.
struct OwnCertificate {
  std::string certificate_file;  // empty: none
  std::string key_file;
};

// Reads the files; authority_dir empty: there is no authority. A file that cannot be read and a key that does not
// belong to its certificate are findings, too. Thread-safe.
std::vector<NodeFinding> examine_certificates(const std::string& authority_dir, const OwnCertificate& own,
                                              WallTime now);

}  // namespace bramble::aggregator
