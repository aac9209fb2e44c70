#!/usr/bin/env bash
# Runs a program as root in a virtual machine with GPIO chips, and ends with its status. Needs tests/rig/prepare.sh once.
set -euo pipefail

usage='usage: tests/rig/run_in_guest.sh RIG PROGRAM     (RIG: what prepare.sh made; status 77: not here)'
limit_s=${RIG_LIMIT_S:-120}

skip() {
  printf 'run_in_guest.sh: skipped: %s\n' "$*" >&2
  exit 77
}

boot() {
  timeout --foreground "$limit_s" qemu-system-x86_64 -accel tcg,tb-size=128 -cpu Nehalem -M q35 -m 256 -nodefaults \
    -no-user-config -display none -no-reboot -kernel "$rig/vmlinux" -initrd "$work/initrd" -serial stdio \
    -append "console=ttyS0 panic=-1 quiet tsc=unstable 8250.nr_uarts=1 mitigations=off audit=0" </dev/null
}

[ $# = 2 ] || { echo "$usage" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
rig=$(readlink -m "$1")
program=$(readlink -m "$2")
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
[ -e "$rig/version" ] || skip "the rig is not prepared: ./bootstrap rig prepares it and runs it all; or run tests/rig/prepare.sh once"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/make_initrd.sh" "$rig" "$work/initrd" "$program"
boot | tr -d '\r' | tee "$work/serial"
status=$(sed -n 's/^rig: status //p' "$work/serial")
[ -n "$status" ] || { echo "run_in_guest.sh: the guest did not end within $limit_s s" >&2; exit 1; }
exit "$status"
