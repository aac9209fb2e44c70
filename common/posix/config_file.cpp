#include "common/posix/config_file.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>

#include "common/base/nearest.hpp"
#include "common/posix/files.hpp"

namespace bramble::posix {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

// With as few digits as make this number and no other: 1e-09, 0.5, 1000. Not by std::to_chars, whose tables would make
// the agent 120 KB larger.
std::string short_text(double number) {
  constexpr int kFewestDigits = 6;  // with fewer, 1000 would be 1e+03
  std::array<char, 32> text{};
  for (int digits = kFewestDigits; digits <= std::numeric_limits<double>::max_digits10; ++digits) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, number);
    if (std::strtod(text.data(), nullptr) == number) break;
  }
  return text.data();
}

}  // namespace

struct ConfigFile::Impl {
  std::string path;
  toml::table table;
  std::vector<std::string> known;
  std::optional<Error> error;
  std::optional<Error> complaint;  // told where no single key is wrong: what is missing may only be misspelt

  Error error_at(const toml::node& node, const std::string& what) const {
    return {ErrorCode::invalid, path + ":" + std::to_string(node.source().begin.line) + ": " + what};
  }

  void complain(const toml::node& node, const std::string& what) {
    if (!error) error = error_at(node, what);
  }

  const toml::node* find(const char* key) {
    known.emplace_back(key);
    return table.get(key);
  }

  std::optional<int64_t> integer(const toml::node& node, const std::string& key, int64_t least, int64_t most) {
    const auto value = node.value_exact<int64_t>();
    if (value && *value >= least && *value <= most) return value;
    complain(node, key + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return {};
  }

  std::optional<std::string> text(const toml::node& node, const std::string& key) {
    auto value = node.value_exact<std::string>();
    if (!value) complain(node, key + " must be a text in quotes");
    return value;
  }

  const toml::table* sub_table(const char* key) {
    const toml::node* node = find(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) complain(*node, std::string(key) + " must be a table: [" + key + "]");
    return node->as_table();
  }

  void take_inner(toml::table& inner_table, const std::function<void(ConfigFile&)>& take) {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->table = std::move(inner_table);  // moved: a copy does not know its lines
    ConfigFile inner(std::move(impl));
    take(inner);
    if (Status status = inner.finish(); !status && !error) error = status.error();
  }
};

ConfigFile::ConfigFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

Result<ConfigFile> ConfigFile::read(const std::string& path) {
  auto text = read_file(path, kMaxFileBytes);
  if (!text) return fail(text.error().code, "cannot read the configuration: " + text.error().message);
  return parse(*text, path);
}

Result<ConfigFile> ConfigFile::parse(const std::string& text, const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  try {
    impl->table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(path + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
  return ConfigFile(std::move(impl));
}

void ConfigFile::text(const char* key, std::string& into) {
  if (const auto* node = impl_->find(key)) {
    if (auto value = impl_->text(*node, key)) into = std::move(*value);
  }
}

void ConfigFile::integer(const char* key, int64_t& into, int64_t least, int64_t most) {
  if (const auto* node = impl_->find(key)) into = impl_->integer(*node, key, least, most).value_or(into);
}

void ConfigFile::name_or_integer(const char* key, std::string& name, int64_t& number, int64_t least, int64_t most) {
  const auto* node = impl_->find(key);
  if (node == nullptr) return;
  if (auto text = node->value_exact<std::string>()) {
    name = std::move(*text);
  } else if (const auto value = node->value_exact<int64_t>(); value && *value >= least && *value <= most) {
    number = *value;
  } else {
    impl_->complain(*node, std::string(key) + " must be a name in quotes, or a whole number from " +
                               std::to_string(least) + " to " + std::to_string(most));
  }
}

void ConfigFile::real(const char* key, double& into, double least, double most) {
  const auto* node = impl_->find(key);
  if (node == nullptr) return;
  const auto value = node->value<double>();
  if (value && *value >= least && *value <= most) {
    into = *value;
  } else {
    impl_->complain(*node,
                    std::string(key) + " must be a number from " + short_text(least) + " to " + short_text(most));
  }
}

void ConfigFile::flag(const char* key, bool& into) {
  const auto* node = impl_->find(key);
  if (node == nullptr) return;
  if (const auto value = node->value_exact<bool>()) {
    into = *value;
  } else {
    impl_->complain(*node, std::string(key) + " must be true or false");
  }
}

void ConfigFile::list(const char* key, std::vector<std::string>& into) {
  const auto* node = impl_->find(key);
  if (node == nullptr) return;
  if (node->as_array() == nullptr)
    return impl_->complain(*node, std::string(key) + " must be a list: [\"...\", \"...\"]");
  into.clear();
  for (const auto& element : *node->as_array()) {
    if (auto value = impl_->text(element, std::string("each of ") + key)) into.push_back(std::move(*value));
  }
}

void ConfigFile::texts(const char* table, std::map<std::string, std::string>& into) {
  const auto* entries = impl_->sub_table(table);
  if (entries == nullptr) return;
  for (const auto& [key, node] : *entries) {
    const std::string name(key.str());
    if (auto value = impl_->text(node, std::string(table) + "." + name)) into[name] = std::move(*value);
  }
}

void ConfigFile::integers(const char* table, std::map<std::string, int64_t>& into, int64_t least, int64_t most) {
  const auto* entries = impl_->sub_table(table);
  if (entries == nullptr) return;
  for (const auto& [key, node] : *entries) {
    const std::string name(key.str());
    if (auto value = impl_->integer(node, std::string(table) + "." + name, least, most)) into[name] = *value;
  }
}

void ConfigFile::tables(const char* key, size_t most, const std::function<void(ConfigFile&)>& take) {
  impl_->known.emplace_back(key);
  toml::node* node = impl_->table.get(key);
  if (node == nullptr) return;
  toml::array* entries = node->as_array();
  if (entries == nullptr || !entries->is_homogeneous(toml::node_type::table)) {
    return impl_->complain(*node, std::string(key) + " must be tables: [[" + key + "]]");
  }
  if (entries->size() > most) {
    return impl_->complain(*node, "there are more than " + std::to_string(most) + " [[" + key + "]]");
  }
  for (toml::node& entry : *entries) impl_->take_inner(*entry.as_table(), take);
}

void ConfigFile::table(const char* key, const std::function<void(ConfigFile&)>& take) {
  if (impl_->sub_table(key) != nullptr) impl_->take_inner(*impl_->table.get(key)->as_table(), take);
}

void ConfigFile::complain(const std::string& what) {
  if (!impl_->complaint) impl_->complaint = impl_->error_at(impl_->table, what);
}

void ConfigFile::complain_of(const char* key, const std::string& what) {
  const toml::node* node = impl_->table.get(key);
  impl_->complain(node == nullptr ? impl_->table : *node, what);
}

void ConfigFile::complain_of(const char* key, size_t element, const std::string& what) {
  const toml::node* node = impl_->table.get(key);
  const toml::array* list = node == nullptr ? nullptr : node->as_array();
  if (list == nullptr || element >= list->size()) return complain_of(key, what);
  impl_->complain(*list->get(element), what);
}

Status ConfigFile::finish() {
  for (const auto& [key, node] : impl_->table) {
    const std::string name(key.str());
    if (std::find(impl_->known.begin(), impl_->known.end(), name) != impl_->known.end()) continue;
    impl_->complain(node, unknown("key", name, impl_->known));
  }
  if (!impl_->error) impl_->error = impl_->complaint;
  if (impl_->error) return tl::unexpected<Error>(*impl_->error);
  return {};
}

}  // namespace bramble::posix
