// What a power cut does to the processes and to the disk of a node.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "plan.hpp"

namespace bramble::test::chaos {

// These and all that descends from them, frozen before the first dies: none sees another one's death, and none writes
// a last word. They are dead when it returns; those that are this process' children are not waited for.
void kill_at_once(const std::vector<pid_t>& roots);

// What an ext4 may hold after it: a file that was written in the last 30 s is there, empty, cut short or gone; a record
// (.json: they are written in place) may hold another one's words; a directory that was made then may be missing. In
// one of three cuts all had just been written back. `synced` names the files that their daemon syncs: they stay. Not
// played: a removal or renaming that is undone, half a sector, damage to the file system itself.
void forget_unsynced(const std::string& directory, const std::vector<std::string>& synced, Random& random);

}  // namespace bramble::test::chaos
