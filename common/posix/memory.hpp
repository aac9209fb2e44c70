// Memory that a process took for its start and does not need to go on.
#pragma once

namespace bramble::posix {

// Gives freed heap back to the kernel, and lets go of the pages of code and constants that were mapped until now: what
// is still in use comes back from the page cache as it is reached. For a daemon that has just connected: a TLS
// handshake is the largest part of what it ever runs. Takes about a millisecond; any thread, and the others go on
// meanwhile.
void give_back_memory();

}  // namespace bramble::posix
