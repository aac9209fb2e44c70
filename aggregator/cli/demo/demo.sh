#!/usr/bin/env bash
# The demo: a cluster of four agents on this machine counts the words of a real text collection, while one agent and
# one warden are killed with pieces open on both. usage: demo.sh BUILD_DIR
#
# Ends with 0 only if the counts equal those of the same pipeline on one machine, both kills hit open pieces, the
# agent's attempts went on, and the warden's were run again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: demo.sh BUILD_DIR}
work=$(mktemp -d "${TMPDIR:-/tmp}/bramble-demo-XXXXXX")
trap 'rm -rf "$work"' EXIT

min_bytes=${DEMO_MIN_BYTES:-$((48 << 20))}

collect_text() {
  {
    cat /usr/share/common-licenses/* 2>/dev/null || true
    find /usr/share/doc -type f \( -name '*.txt' -o -name 'README*' -o -name 'copyright' -o -name 'changelog*' -o -name 'NEWS*' \) -size -2M 2>/dev/null |
      sort | head -n 4000 | while IFS= read -r file; do
        case $file in
          *.gz) gzip -dc "$file" 2>/dev/null || true ;;
          *) cat "$file" ;;
        esac
      done | head -c "$min_bytes" || true  # enough: the rest is not read
  } >"$work/once"
  [ -s "$work/once" ] || { echo "demo: no text in /usr/share/common-licenses and /usr/share/doc" >&2; exit 1; }
  once_bytes=$(stat -c %s "$work/once")
  : >"$work/text"
  repeats=0
  while [ "$(stat -c %s "$work/text")" -lt "$min_bytes" ]; do
    cat "$work/once" >>"$work/text"
    repeats=$((repeats + 1))
  done
  rm "$work/once"
  echo "text: $once_bytes bytes of /usr/share/common-licenses and /usr/share/doc, $repeats times: $(stat -c %s "$work/text") bytes"
}

export LC_ALL=C
collect_text
export PATH="$build/bin:$PATH" DEMO_WORK="$work"
status=0
bramble local --agents 4 --slots 1 --dir "$work/cluster" -- bash "$here/inside.sh" || status=$?
[ "$status" -eq 0 ] && echo "demo: good" || echo "demo: FAILED with status $status" >&2
exit "$status"
