#!/usr/bin/env bash
# The packages in a virtual machine with a kernel and a systemd of its own, where limits are real: installed and joined by
# the commands of the README, then what scenario_limits.sh tries.
set -euo pipefail

usage='usage: tests/packages/in_vm.sh DIR [ARCHITECTURE]

DIR holds the packages bramble-agent, bramble-aggregator and bramble (./bootstrap packages makes them in
build/packages/packages) for ARCHITECTURE, amd64 or arm64; default: that of the packages. Needs root and what ./bootstrap vm
installs: mmdebstrap, QEMU, for another architecture qemu-user-static, and once a Debian mirror. BRAMBLE_VM=DIR keeps the
minimal Debian (350 MB; default: build/vm/ARCHITECTURE), KEEP=1 the disk. Status 77: this machine lacks something.'

# Where there are several: this machine's.
architecture_of() {
  local found
  found=$(find "$1" -maxdepth 1 -name 'bramble-agent*_*.deb' 2>/dev/null | sed 's/.*_\(.*\)\.deb$/\1/' | sort -u) || true
  if [ "$(wc -w <<<"$found")" = 1 ]; then echo "$found"; else dpkg --print-architecture; fi
}

[ $# = 1 ] || [ $# = 2 ] || { echo "$usage" >&2; exit 2; }
packages=$(realpath "$1")
architecture=${2:-$(architecture_of "$packages")}
here=$(dirname "$(readlink -f "$0")")
machine=${BRAMBLE_VM:-$here/../../build/vm/$architecture}

skip() {
  echo "skipped: $1"
  exit 77
}
say() { printf '### %s\n' "$*"; }

case "$architecture" in
  amd64) qemu=(qemu-system-x86_64 -M q35 -cpu Nehalem) console=ttyS0 ;;
  arm64) qemu=(qemu-system-aarch64 -M virt -cpu cortex-a53) console=ttyAMA0 ;;
  *) skip "there is no virtual machine for $architecture, only for amd64 and arm64" ;;
esac
[ "$(id -u)" = 0 ] || skip "needs root"
for program in "${qemu[0]}" mke2fs dpkg-deb; do
  command -v "$program" >/dev/null || skip "$program is not installed (./bootstrap vm installs what is needed)"
done
debs=()
for name in bramble bramble-aggregator bramble-agent; do
  for deb in "$packages/$name"_*_"$architecture.deb"; do
    [ -e "$deb" ] || { echo "there is no $deb: make the packages first (./bootstrap packages, or the workflow of rpi-aarch64)" >&2; exit 1; }
    debs+=("$deb")
  done
done

work=$(mktemp -d "${TMPDIR:-/var/tmp}/bramble-vm-XXXXXX")
root=$work/root
mkdir "$root"
leave() {
  if [ "${KEEP:-0}" = 1 ]; then say "kept: $work"; else rm -rf --one-file-system "$work"; fi
}
trap leave EXIT

# What the packages want of Debian, and the machine has therefore before they come.
wanted() {
  local deb
  for deb in "${debs[@]}"; do
    dpkg-deb -f "$deb" Depends
    echo
  done | tr ',' '\n' | sed -E 's/[(|].*//; s/ //g; /^$/d; /^bramble/d' | LC_ALL=C sort -u
}

# The machine has no network; what it needs is on its disk.
install_scenario() {
  cp "${debs[@]}" "$root/root/"
  mkdir "$root/scenario"
  cp "$here/scenario_words.sh" "$here/scenario_limits.sh" "$root/scenario/"
  # The commands of the README as they stand there; root needs no sudo, and the head is the node.
  awk '/^## Install/ { on = 1 } /^## Several/ { on = 0 } on && /^```/ { code = !code; next } on && code' "$here/../../README.md" |
    sed -e 's/sudo //g' >"$root/scenario/readme.sh"
  cat >"$root/etc/systemd/system/scenario.service" <<'END'
[Unit]
Description=the test
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /scenario/scenario_limits.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=45min
END
  mkdir -p "$root/etc/systemd/system/default.target.wants"
  ln -s ../scenario.service "$root/etc/systemd/system/default.target.wants/scenario.service"
}

make_disk() {
  local unit
  say "making the disk"
  tar -C "$root" -xf "$machine/root.tar"
  echo pi01 >"$root/etc/hostname"
  printf '127.0.0.1 localhost pi01\n' >"$root/etc/hosts"
  # Nothing that would only take the emulator's time.
  for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer getty.target; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  install_scenario
  mke2fs -q -t ext4 -d "$root" "$work/disk" 2G
  rm -rf --one-file-system "$root"
}

# Emulated in full, so that a machine without KVM does it too; two processors, no network.
boot() {
  timeout "${BRAMBLE_VM_LIMIT:-45m}" "${qemu[@]}" -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -no-user-config \
    -display none -no-reboot -nic none -serial stdio -kernel "$machine/kernel" -initrd "$machine/initrd" \
    -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" -device virtio-rng-pci \
    -append "console=$console panic=-1 quiet loglevel=1 audit=0 mitigations=off tsc=unstable nowatchdog systemd.show_status=0" \
    </dev/null 2>&1 | sed -u 's|\r||g' | tee "$work/out"
}

mapfile -t depends < <(wanted)
"$here/make_vm.sh" "$architecture" "$machine" "${depends[@]}" || exit
make_disk
say "booting"
boot || true
grep -qx 'all good' "$work/out" || {
  echo "the scenario failed: its last lines stand above" >&2
  exit 1
}
