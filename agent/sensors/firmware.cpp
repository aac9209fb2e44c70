// A property message through the mailbox driver: size, 0 (a request), then one tag: its number, the bytes of its
// buffer, 0, and in the buffer an error word and the text, which the answer overwrites; 0 ends the tags.
#include "agent/sensors/firmware.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::sensors {
namespace {

constexpr uint32_t kGetGencmdResult = 0x0003'0080;
constexpr size_t kTextBytes = 4096;  // the driver's limit is a page
constexpr size_t kHeaderWords = 6;
constexpr size_t kWords = kHeaderWords + kTextBytes / 4 / 2 + 1;  // half a page is enough for the longest answer
constexpr size_t kBufferBytes = (kWords - kHeaderWords - 1) * 4;
const unsigned long kMailboxProperty = _IOWR(100, 0, char*);

class Vcio : public Firmware {
 public:
  explicit Vcio(std::string dev) : dev_(std::move(dev)) {}

  Result<std::string> command(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    if (text.size() >= kBufferBytes) return fail("a firmware command of " + std::to_string(text.size()) + " bytes");
    if (Status opened = open(); !opened) return tl::unexpected<Error>(opened.error());
    std::array<uint32_t, kWords> message{};
    message[0] = sizeof message;
    message[2] = kGetGencmdResult;
    message[3] = kBufferBytes;
    std::memcpy(&message[kHeaderWords], text.c_str(), text.size() + 1);
    if (::ioctl(device_.get(), kMailboxProperty, message.data()) < 0) {
      const int error = errno;
      device_.reset();
      return posix::system_failure("the firmware does not take '" + text + "'", error);
    }
    if (message[5] != 0) return fail("the firmware answers '" + text + "' with error " + std::to_string(message[5]));
    const char* const answer = reinterpret_cast<const char*>(&message[kHeaderWords]);
    return std::string(answer, ::strnlen(answer, kBufferBytes));
  }

 private:
  Status open() {
    if (device_) return {};
    int error = ENOENT;
    for (const char* name : {"/vcio_gencmd", "/vcio"}) {
      device_.reset(::open((dev_ + name).c_str(), O_RDWR | O_CLOEXEC));
      if (device_) return {};
      if (errno != ENOENT) error = errno;
    }
    if (error == ENOENT) return fail(ErrorCode::not_found, "there is no " + dev_ + "/vcio");
    if (error != EACCES) return posix::system_failure("cannot open " + dev_ + "/vcio", error);
    return fail(ErrorCode::denied, dev_ + "/vcio may not be opened: put the agent's user into the group video");
  }

  const std::string dev_;
  std::mutex mutex_;
  posix::UniqueFd device_;
};

}  // namespace

std::unique_ptr<Firmware> open_firmware(const std::string& dev) { return std::make_unique<Vcio>(dev); }

}  // namespace bramble::sensors
