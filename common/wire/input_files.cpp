#include "common/wire/input_files.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "common/base/utf8.hpp"

namespace bramble::wire {
namespace {

constexpr unsigned char kDelete = 0x7f;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == kDelete;
}

}  // namespace

Status check_file_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= kMaxFileNameBytes && name != "." && name != ".." &&
                     name.find('/') == std::string_view::npos && is_utf8(name) &&
                     std::none_of(name.begin(), name.end(), is_control);
  if (plain) return {};
  return fail("'" + to_utf8(name, kMaxFileNameBytes) + "' is no name for an input file: 1 to " +
              std::to_string(kMaxFileNameBytes) + " bytes of text without '/'");
}

Status check_file_names(const std::vector<InputFile>& files, const std::vector<InputFile>& more) {
  if (files.size() > kMaxInputFiles) {
    return fail("there are " + std::to_string(files.size()) + " input files; at most " +
                std::to_string(kMaxInputFiles) + " are allowed");
  }
  std::set<std::string_view> names;
  for (const InputFile& file : more) names.insert(file.name);
  for (const InputFile& file : files) {
    if (!names.insert(file.name).second) return fail("two input files are named " + file.name);
  }
  return {};
}

}  // namespace bramble::wire
