#include <unistd.h>

#include "aggregator/cli/app.hpp"

int main(int argc, char** argv) {
  bramble::cli::Console console(STDOUT_FILENO, STDERR_FILENO);
  return bramble::cli::run_bramble({argv + 1, argv + argc}, console);
}
