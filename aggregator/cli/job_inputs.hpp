// Files on this machine that go with a job: opened before anything is asked of the aggregator, uploaded before the job.
// What the aggregator has may be named by its hash instead: nothing of it is read here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/options.hpp"
#include "aggregator/cli/spool.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::cli {

class JobInputs {
 public:
  // `stdin_file` empty: none. An error names the file that cannot be read, or the name that is given twice.
  static Result<JobInputs> open(const std::vector<InputOption>& files, const std::string& stdin_file = {});

  // Puts them into the body of a submit request. May be said again for another job.
  Status upload(Api& api, nlohmann::json& body) const;

 private:
  struct File {
    InputOption option;
    posix::UniqueFd fd;
    std::optional<Spool> spool;  // what can be read only once
    std::string sha256;          // of what the aggregator has, which no file here stands for; else empty
  };

  static Result<File> open_file(const InputOption& option);
  static Result<wire::BlobRef> known_blob(Api& api, const File& file);
  static Result<wire::BlobRef> upload_file(Api& api, const File& file);

  std::vector<File> files_;
  std::optional<File> stdin_;
};

}  // namespace bramble::cli
