#include "common/wire/containment.hpp"

#include <array>
#include <utility>

#include "common/base/utf8.hpp"
#include "common/wire/json_parts.hpp"

namespace bramble::wire {
namespace {

constexpr std::array<std::pair<Enforcement, std::string_view>, 4> kEnforcements{{
    {Enforcement::unknown, "unknown"},
    {Enforcement::none, "none"},
    {Enforcement::polled, "polled"},
    {Enforcement::kernel, "kernel"},
}};

Status read_enforcement(const Json& json, Enforcement& into) {
  std::string text;
  if (Status got = Text{}(json, text); !got) return got;
  into = parse_enforcement(text);
  return {};
}

std::string in_words(std::string_view what, Enforcement enforcement) {
  const std::string name(what);
  if (enforcement == Enforcement::kernel) return name + " by the kernel";
  return name + (enforcement == Enforcement::polled ? " polled" : " not");
}

}  // namespace

std::string_view to_string(Enforcement enforcement) {
  for (const auto& [value, name] : kEnforcements) {
    if (value == enforcement) return name;
  }
  return "unknown";
}

Enforcement parse_enforcement(std::string_view text) {
  for (const auto& [value, name] : kEnforcements) {
    if (name == text) return value;
  }
  return Enforcement::unknown;
}

std::string limits_text(const Containment& containment) {
  if (containment.memory == Enforcement::unknown) return {};
  return in_words("memory", containment.memory) + ", " + in_words("cpus", containment.cpus) + ", " +
         in_words("processes", containment.processes);
}

OutJson to_json(const Containment& containment) {
  OutJson json = OutJson::object();
  const auto put = [&json](const char* name, Enforcement enforcement) {
    if (enforcement != Enforcement::unknown) json[name] = to_string(enforcement);
  };
  put("memory", containment.memory);
  put("cpus", containment.cpus);
  put("processes", containment.processes);
  if (containment.sandbox) json["sandbox"] = true;
  if (!containment.no_sandbox.empty()) json["no_sandbox"] = to_utf8(containment.no_sandbox, kMaxShortTextBytes);
  if (containment.files) json["files"] = true;
  return json;
}

Status read_containment(const Json& json, Containment& containment) {
  return Fields(json)
      .optional("memory", containment.memory, read_enforcement)
      .optional("cpus", containment.cpus, read_enforcement)
      .optional("processes", containment.processes, read_enforcement)
      .optional("sandbox", containment.sandbox, read_bool)
      .optional("no_sandbox", containment.no_sandbox, Text{})
      .optional("files", containment.files, read_bool)
      .status();
}

std::string encode_containment(const Containment& containment) { return to_text(to_json(containment)); }

Result<Containment> decode_containment(std::string_view json) {
  return read_payload<Containment>("containment", json, read_containment);
}

}  // namespace bramble::wire
