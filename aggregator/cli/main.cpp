#include <fcntl.h>
#include <unistd.h>

#include "aggregator/cli/app.hpp"

namespace {

// A closed standard stream would have its number taken by a socket of ours, and be read or written as one.
void open_standard_streams() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  bramble::cli::Console console(STDOUT_FILENO, STDERR_FILENO);
  return bramble::cli::run_bramble({argv + 1, argv + argc}, console);
}
