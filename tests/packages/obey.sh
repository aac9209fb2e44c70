#!/usr/bin/env bash
# Runs on a node of in_containers.sh: each line that the head writes is a command; what it says goes back, with its status in
# the last line. Until the line "end".
set -euo pipefail

name=$(hostname)
while read -r order <"/mnt/carry/$name.order" && [ "$order" != end ]; do
  printf '$ %s\n' "$order"
  { timeout 120 bash -c "$order" 2>&1 && echo 0 || echo $?; } >"/mnt/carry/$name.answer"
done
