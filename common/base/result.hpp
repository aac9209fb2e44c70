// Result<T>: a value, or one clear sentence about what went wrong.
//
// Expected failures (a file that is missing, bytes that do not decode) travel as Result. A broken invariant does not:
// it ends the process and the supervisor starts it again.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace bramble {

enum class ErrorCode {
  invalid,      // the input is wrong: saying it again will not help
  not_found,    // what was named does not exist
  conflict,     // it exists already, or its state forbids this
  limit,        // a stated maximum is reached
  unavailable,  // not now: the other side is away, busy or full; try again
  denied,       // the caller may not
  io,           // the operating system said no
  corrupt,      // stored data is damaged or from a newer version
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;  // one sentence for a person: what is wrong and, where known, what to do

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

inline tl::unexpected<Error> fail(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// Passes an error on as it is.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// Passes an error on with the place or thing it is about put in front: "jobs.db: disk full".
inline tl::unexpected<Error> in_context(const std::string& where, Error error) {
  error.message = where + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace bramble
