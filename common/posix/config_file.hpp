// A TOML configuration file, read strictly: every key must be asked for, and have the right type. The first thing that
// is wrong is told with file and line; for an unknown key the nearest known one is named.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::posix {

class ConfigFile {
 public:
  static Result<ConfigFile> read(const std::string& path);
  static Result<ConfigFile> parse(const std::string& text, const std::string& name);  // errors call it by the name
  ConfigFile(ConfigFile&&) noexcept;
  ~ConfigFile();

  // Each leaves `into` as it is where the key is absent.
  void text(const char* key, std::string& into);
  void integer(const char* key, int64_t& into, int64_t least, int64_t most);
  // A text into `name`, or a whole number into `number`.
  void name_or_integer(const char* key, std::string& name, int64_t& number, int64_t least, int64_t most);
  void real(const char* key, double& into, double least, double most);
  void flag(const char* key, bool& into);
  void list(const char* key, std::vector<std::string>& into);  // ["a", "b"]
  void texts(const char* table, std::map<std::string, std::string>& into);
  void integers(const char* table, std::map<std::string, int64_t>& into, int64_t least, int64_t most);

  // [[key]]: `take` is called for each, at most `most` times, and asks for what it may hold; each is finished after it.
  void tables(const char* key, size_t most, const std::function<void(ConfigFile&)>& take);
  // [key]: the same for one table; it is not called where there is none.
  void table(const char* key, const std::function<void(ConfigFile&)>& take);
  // In `take`: says, with the place, what is wrong beyond a single value; a single key that is wrong is told first.
  void complain(const std::string& what);
  // The same of a key that was asked for, with its own place; or of one of its list's texts, from 0 on.
  void complain_of(const char* key, const std::string& what);
  void complain_of(const char* key, size_t element, const std::string& what);

  // After everything was asked for: the first error, or a key that nobody asked for.
  Status finish();

 private:
  struct Impl;
  explicit ConfigFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::posix
