#!/usr/bin/env bash
# Makes the whole file system of a guest: busybox, modules, a program that it runs, and further files and programs with
# the libraries that they want.
set -euo pipefail

usage='usage: make_initrd.sh RIG OUT PROGRAM [FILE...]     (RIG: what prepare.sh made; files go to /rig/bin)'

[ $# -ge 3 ] || { echo "$usage" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
rig=$(readlink -f "$1")
out=$(readlink -m "$2")
program=$(readlink -f "$3")
shift 3
root=$(mktemp -d)
chmod 755 "$root" # it becomes the guest's /
trap 'rm -rf "$root"' EXIT

libraries_of() { ldd "$1" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' || true; }

add() { # FILE TARGET
  cp -L "$1" "$root/$2"
  chmod +x "$root/$2"
  strip "$root/$2" 2>/dev/null || true # a script cannot be stripped
  libraries_of "$1" | xargs -r -I{} cp -Lu {} "$root/rig/lib/"
}

mkdir -p "$root"/{bin,dev,etc,lib64,proc,root,sys,rig/bin,rig/lib}
cp "$rig/busybox" "$root/bin/busybox"
cp -r "$rig/modules" "$root/rig/modules"
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
add "$here/init" init
add "$program" rig/program
for file in "$@"; do add "$file" "rig/bin/${file##*/}"; done
printf 'root:x:0:0::/root:/bin/sh\nbramble:x:999:999::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\ngpio:x:997:\nbramble:x:999:\nnogroup:x:65534:\n' >"$root/etc/group"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
(cd "$root" && find . | "$rig/busybox" cpio -o -H newc 2>/dev/null) >"$out"
