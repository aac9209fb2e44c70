// A configuration file of a test's own.
#pragma once

#include <fstream>

#include "common/posix/config_file.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {

// What `read(file)` makes of the text; "" or the first error, without the path.
template <typename Read>
std::string error_in(const std::string& text, Read read) {
  const TempDir dir;
  const std::string path = dir / "a.toml";
  std::ofstream(path) << text;
  auto file = posix::ConfigFile::read(path);
  if (!file) return file.error().message;
  read(*file);
  const Status status = file->finish();
  return status ? "" : status.error().message.substr(path.size() + 1);
}

}  // namespace bramble::test
