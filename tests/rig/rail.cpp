// In the head: tells the host of every level of the lines that are the nodes' power.
//
// rail PORT LINES NUMBER...: writes "NUMBER LEVEL" to PORT at the start and at each change. LINES is the simulated
// chip's folder in sysfs. Levels are looked at every 2 ms: sysfs tells of no change.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr useconds_t kLookUs = 2000;

struct Line {
  std::string number;
  int value = -1;  // descriptor of its level
  char told = ' ';
};

char level_of(const Line& line) {
  char level = ' ';
  return ::pread(line.value, &level, 1, 0) == 1 ? level : ' ';
}

// Until the host has taken it: before that nobody listens, or the queue is full.
void tell(int port, const std::string& text) {
  while (::write(port, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::usleep(kLookUs);
}

void look(int port, Line& line) {
  const char level = level_of(line);
  if (level == line.told || level == ' ') return;
  tell(port, line.number + " " + level + "\n");
  line.told = level;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: rail PORT LINES NUMBER...\n");
    return 2;
  }
  const int port = ::open(argv[1], O_WRONLY | O_CLOEXEC);
  std::vector<Line> lines;
  for (int i = 3; i < argc; ++i) {
    const std::string path = std::string(argv[2]) + "/sim_gpio" + argv[i] + "/value";
    lines.push_back({argv[i], ::open(path.c_str(), O_RDONLY | O_CLOEXEC)});
    if (lines.back().value < 0) std::perror(path.c_str());
  }
  if (port < 0) std::perror(argv[1]);
  while (port >= 0) {
    for (Line& line : lines) look(port, line);
    ::usleep(kLookUs);
  }
  return 1;
}
