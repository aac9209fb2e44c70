#!/usr/bin/env bash
# Makes what in_vm.sh boots, but for the packages under test: a minimal Debian, a kernel, and the little that this kernel
# needs until it has its disk. What is there already is used again.
set -euo pipefail

usage='usage: tests/packages/make_vm.sh ARCHITECTURE DIR [PACKAGE...]

ARCHITECTURE is amd64 or arm64; PACKAGEs are installed, too. Makes DIR/{root.tar,kernel,initrd}. As root; needs mmdebstrap,
a Debian mirror, and for another architecture than this machine'"'"'s qemu-user-static. Status 77: this machine lacks something.'

[ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
architecture=$1 dir=$(realpath -m "$2")
shift 2
here=$(dirname "$(readlink -f "$0")")
suite=bookworm
packages=(systemd systemd-sysv dbus udev procps jq bubblewrap ca-certificates mosquitto-clients "$@")
# In the order in which they must be loaded; what the kernel has built in is left out.
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk rng-core virtio-rng
  crc32c_generic libcrc32c crc16 mbcache jbd2 ext4)

skip() {
  echo "skipped: $1"
  exit 77
}
say() { printf '### %s\n' "$*"; }
wish() { printf '%s\n' "$suite" "${packages[@]}" | LC_ALL=C sort -u; }
is_made() { [ -e "$dir/made" ] && [ -z "$(LC_ALL=C comm -13 "$dir/made" <(wish))" ]; }

# COMMAND... : where the machine's programs run, which may be another's.
run_foreign() {
  if [ "$architecture" = "$(dpkg --print-architecture)" ] || { [ "$architecture" = arm64 ] && [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; }; then
    "$@"
  else
    "$here/foreign.py" qemu-aarch64-static "$@"
  fi
}

# By the apt that mmdebstrap has set up, so that nothing of another architecture comes into this machine's own.
make_root() {
  local mirror status=0
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
  cat >"$work/fetch" <<'END'
#!/bin/sh
set -e
export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
cd "$1"
apt-get -q download busybox-static $(apt-cache depends "linux-image-$2" | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
END
  chmod 755 "$work/fetch"
  mkdir "$work/debs"
  chmod 777 "$work/debs"
  run_foreign mmdebstrap --quiet --mode=root --variant=minbase --architectures="$architecture" \
    --include="$(IFS=,; echo "${packages[*]}")" --customize-hook="'$work/fetch' '$work/debs' $architecture" \
    --format=tar "$suite" "$work/root.tar" ${mirror:+"$mirror"} >"$work/log" 2>&1 || status=$?
  [ "$status" = 0 ] || skip "no $suite for $architecture could be made: $(grep -m 1 -E '^(skipped|E): ' "$work/log" || tail -n 1 "$work/log")"
}

make_kernel() {
  local deb module
  mkdir -p "$work/initrd"/{bin,dev,proc,sys,mnt,modules} "$work/unpacked"
  deb=$(ls "$work"/debs/busybox-static_*.deb)
  dpkg-deb --fsys-tarfile "$deb" | tar -xO ./bin/busybox >"$work/initrd/bin/busybox"
  dpkg-deb --fsys-tarfile "$(ls "$work"/debs/linux-image-*.deb)" | tar -x -C "$work/unpacked"
  for module in "${modules[@]}"; do
    find "$work/unpacked/lib/modules" -name "$module.ko" -exec cp {} "$work/initrd/modules/" \;
    if [ -e "$work/initrd/modules/$module.ko" ]; then echo "$module" >>"$work/initrd/modules/order"; fi
  done
  cp "$here/vm_init" "$work/initrd/init"
  chmod 755 "$work/initrd/init" "$work/initrd/bin/busybox"
  (cd "$work/initrd" && find . | cpio -o -H newc --quiet) >"$work/initrd.new"
  # QEMU boots the unpacked kernel of a PC in half of the time; that of AArch64 it unpacks itself.
  if [ "$architecture" = amd64 ]; then
    "$here/../rig/extract_vmlinux.py" "$work"/unpacked/boot/vmlinuz-* "$work/kernel.new"
  else
    cp "$work"/unpacked/boot/vmlinuz-* "$work/kernel.new"
  fi
}

case "$architecture" in
  amd64 | arm64) ;;
  *) skip "there is no virtual machine for $architecture, only for amd64 and arm64" ;;
esac
[ "$(id -u)" = 0 ] || skip "needs root"
for program in cpio dpkg-deb mmdebstrap python3; do
  command -v $program >/dev/null || skip "$program is not installed (./bootstrap vm installs what is needed)"
done
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if is_made; then exit; fi
rm -f "$dir/made"
work=$(mktemp -d "${TMPDIR:-/var/tmp}/bramble-vm-XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"
say "making a minimal $suite for $architecture in $dir"
make_root
make_kernel
mv "$work/root.tar" "$dir/root.tar"
mv "$work/kernel.new" "$dir/kernel"
mv "$work/initrd.new" "$dir/initrd"
wish >"$dir/made"
