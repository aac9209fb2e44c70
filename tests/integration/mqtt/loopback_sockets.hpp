// The TCP sockets of this process whose other end is a given port.
#pragma once

#include <vector>

namespace bramble::test {

std::vector<int> sockets_to(int port);
bool no_delay(int fd);

// The peer sees what it would see of a process that was killed: the stream ends without a word.
void cut_connections_to(int port);

}  // namespace bramble::test
