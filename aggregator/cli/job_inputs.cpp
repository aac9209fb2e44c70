#include "aggregator/cli/job_inputs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "aggregator/cli/submission.hpp"
#include "common/base/ids.hpp"
#include "common/posix/error.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::cli {

Result<JobInputs::File> JobInputs::open_file(const InputOption& option) {
  const bool goes_by_name = !option.name.empty();  // the standard input has none, and is always a file here
  if (goes_by_name && option.path.starts_with(kBlobPrefix)) {
    const std::string sha256 = option.path.substr(std::strlen(kBlobPrefix));
    if (is_sha256(sha256)) return File{option, {}, {}, sha256};
    return fail("--input " + option.path + ": a SHA-256 has 64 hexadecimal digits in lower case, as sha256sum prints " +
                "them (a file of that name: ./" + option.path + ")");
  }
  File file{option, posix::UniqueFd(::open(option.path.c_str(), O_RDONLY | O_CLOEXEC)), {}, {}};
  struct stat about {};
  if (!file.fd || ::fstat(file.fd.get(), &about) != 0)
    return posix::system_failure("cannot read " + option.path, errno);
  if (S_ISDIR(about.st_mode)) {
    return fail(ErrorCode::io, option.path + " is a directory: pack it (tar -cf FILE) and hand over the file");
  }
  if (S_ISREG(about.st_mode)) return file;
  auto spool = Spool::create();
  if (!spool) return tl::unexpected(spool.error());
  if (auto status = spool->write_all_of(file.fd.get()); !status) return tl::unexpected(status.error());
  file.spool = std::move(*spool);
  return file;
}

Result<wire::BlobRef> JobInputs::known_blob(Api& api, const File& file) {
  auto blob = api.keep_blob(file.sha256);
  const auto is = [&blob](ErrorCode code) { return !blob && blob.error().code == code; };
  if (!is(ErrorCode::conflict) && !is(ErrorCode::invalid)) return blob;  // invalid: it is damaged there
  return fail(ErrorCode::conflict,
              "the aggregator does not have " + file.option.path +
                  " whole (inputs of 64 KiB and more usually stay for 15 minutes after their job): "
                  "name the file itself");
}

Result<wire::BlobRef> JobInputs::upload_file(Api& api, const File& file) {
  if (!file.sha256.empty()) return known_blob(api, file);
  if (file.spool) return api.offer_blob_file(file.spool->fd(), file.spool->size_bytes());
  struct stat about {};
  if (::fstat(file.fd.get(), &about) != 0) return posix::system_failure("cannot read " + file.option.path, errno);
  return api.offer_blob_file(file.fd.get(), static_cast<uint64_t>(about.st_size));
}

Result<JobInputs> JobInputs::open(const std::vector<InputOption>& files, const std::string& stdin_file) {
  std::vector<wire::InputFile> names;
  for (const InputOption& file : files) names.push_back({file.name, {}});
  if (Status good = wire::check_file_names(names); !good) return tl::unexpected(good.error());
  JobInputs inputs;
  for (const InputOption& option : files) {
    auto file = open_file(option);
    if (!file) return tl::unexpected(file.error());
    inputs.files_.push_back(std::move(*file));
  }
  if (stdin_file.empty()) return inputs;
  auto file = open_file({stdin_file, {}});
  if (!file) return tl::unexpected(file.error());
  inputs.stdin_ = std::move(*file);
  return inputs;
}

Status JobInputs::upload(Api& api, nlohmann::json& body) const {
  for (const File& file : files_) {
    const auto blob = upload_file(api, file);
    if (!blob) return tl::unexpected(blob.error());
    body["files"].push_back({{"name", file.option.name}, {"blob", blob->sha256}, {"size_bytes", blob->size_bytes}});
  }
  if (!stdin_) return {};
  const auto blob = upload_file(api, *stdin_);
  if (!blob) return tl::unexpected(blob.error());
  add_stdin(body, *blob);
  return {};
}

}  // namespace bramble::cli
