// The values that both the wire and the warden's socket carry, to JSON and back. Private to this folder.
#pragma once

#include "common/wire/json_fields.hpp"

namespace bramble::wire {

OutJson to_json(const TaskSpec& spec);
Status read_spec(const Json& json, TaskSpec& spec);

OutJson to_json(const BlobRef& blob);
Status read_blob(const Json& json, BlobRef& blob);

// At most kMaxInputFiles, each with a name that no other one has.
OutJson files_json(const std::vector<InputFile>& files);
Status read_files(const Json& json, std::vector<InputFile>& files);

OutJson to_json(const Finished& finished);
Status read_finished(const Json& json, Finished& finished);

OutJson to_json(const Containment& containment);
Status read_containment(const Json& json, Containment& containment);

// Amounts of named resources; never negative.
Status read_resources(const Json& json, std::map<std::string, int64_t>& resources);

}  // namespace bramble::wire
