#!/usr/bin/env bash
# Prepares what the rig's virtual machines need, from Debian's packages and without root: a kernel, the modules that
# Debian leaves out (gpio-sim, gpio-pca953x, ina2xx), busybox, and libgpiod 2 beside the 1.6 that this release has.
# Everything goes to build/rig and is used again.
set -euo pipefail

usage='usage: tests/rig/prepare.sh [DIRECTORY]     (build/rig; an amd64 Debian 12; 240 MB to download, 1.5 GB while it works, 70 MB after)'

say() { printf '==> rig: %s\n' "$*"; }
die() {
  printf 'prepare.sh: %s\n' "$*" >&2
  exit 1
}

# Of a package the first that it depends on with this beginning.
dependency() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2.*\)/\1/p" | head -1; }

fetch() {
  local image headers
  image=$(dependency linux-image-amd64 linux-image-)
  [ -n "$image" ] || die "apt knows no linux-image-amd64: run apt-get update on an amd64 Debian 12"
  headers=${image/image/headers}
  version=${image#linux-image-}
  say "kernel $version"
  mkdir -p "$work/debs"
  (cd "$work/debs" && apt-get -q download "$image" "$headers" "$(dependency "$headers" linux-headers-)" \
    "$(dependency "$headers" linux-kbuild-)" "$(dependency "$headers" linux-compiler-)" linux-source-6.1 \
    busybox-static >"$work/download.log" 2>&1) || die "cannot get the kernel, which is that of an amd64 Debian 12: $(tail -1 "$work/download.log")"
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
}

# Debian's kernels have these drivers switched off; their sources build against the headers.
build_modules() {
  local headers=$work/root/usr/src/linux-headers-$version sources=$work/modules
  say "modules: gpio-sim, gpio-pca953x, ina2xx"
  mkdir -p "$sources"
  tar -xJf "$work"/root/usr/src/linux-source-6.1.tar.xz -C "$sources" --strip-components=3 --wildcards \
    'linux-source-6.1/drivers/gpio/gpio-sim.c' 'linux-source-6.1/drivers/gpio/gpio-pca953x.c' \
    'linux-source-6.1/drivers/gpio/gpiolib*.h' 'linux-source-6.1/kernel/irq/irq_sim.c' \
    'linux-source-6.1/drivers/hwmon/ina2xx.c'
  # irq_sim is no module of its own upstream, and what it calls is not exported.
  sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq(irqnum)/' "$sources/irq_sim.c"
  echo 'MODULE_LICENSE("GPL");' >>"$sources/irq_sim.c"
  # As the kernels of a Pi: a parameter says whether a line keeps its level when it is let go of.
  sed -i -e '/^#include "gpiolib.h"/a static bool persist_gpio_outputs;\nmodule_param(persist_gpio_outputs, bool, 0644);' \
    -e '/^static void gpio_sim_free/,/^}/ s/^\tmutex_lock/\tif (persist_gpio_outputs)\n\t\treturn;\n&/' "$sources/gpio-sim.c"
  echo 'obj-m := gpio-sim.o gpio-pca953x.o ina2xx.o irq_sim.o' >"$sources/Makefile"
  sed -i "s|include /usr/src|include $work/root/usr/src|" "$headers/Makefile"
  make -C "$headers" M="$sources" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/modules.log" 2>&1 ||
    die "the modules do not build: $(grep -m1 -i error "$work/modules.log" || tail -1 "$work/modules.log")"
}

# Debian 12 has libgpiod 1.6. Debian 13's, asked for by an apt configuration of our own, links here too: it is static
# and wants nothing of a newer libc.
fetch_libgpiod2() {
  local apt=$work/apt
  say "libgpiod 2"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$new/libgpiod2"
  : >"$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
    >"$apt/sources.list"
  printf 'Dir::%s "%s";\n' State "$apt" State::lists "$apt/lists" State::status "$apt/status" Cache "$apt" \
    Cache::archives "$apt/archives" Etc::sourcelist "$apt/sources.list" Etc::sourceparts - >"$apt/apt.conf"
  (cd "$apt" && export APT_CONFIG=$apt/apt.conf && apt-get -q update && apt-get -q download libgpiod-dev) \
    >"$work/libgpiod2.log" 2>&1 || die "cannot get libgpiod 2: $(tail -1 "$work/libgpiod2.log")"
  dpkg -x "$apt"/libgpiod-dev_*.deb "$apt/root"
  cp "$apt/root/usr/include/gpiod.h" "$apt"/root/usr/lib/*/libgpiod.a "$new/libgpiod2/"
}

# The modules, and the order in which they must be loaded. What the kernel has built in is left out.
collect() {
  local module file
  mkdir -p "$new/modules"
  for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio-rng virtio_console \
    virtio_blk failover net_failover virtio_net crc32c_generic crc16 mbcache jbd2 ext4 configfs watchdog irq_sim gpio-sim \
    i2c-dev gpio-pca953x ina2xx; do
    file=$(find "$work/modules" "$work/root/lib/modules" -name "$module.ko" | head -1)
    [ -n "$file" ] || continue
    cp "$file" "$new/modules/"
    echo "$module" >>"$new/modules/order"
  done
  for module in i2c-stub softdog; do # loaded with parameters, by who wants one
    cp "$(find "$work/root/lib/modules" -name "$module.ko")" "$new/modules/"
  done
  strip --strip-debug "$new"/modules/*.ko
  cp "$work/root/bin/busybox" "$new/busybox"
  python3 "$here/extract_vmlinux.py" "$work/root/boot/vmlinuz-$version" "$new/vmlinux"
  echo "$version" >"$new/version"
}

case "${1:-}" in
  -h | --help)
    echo "$usage"
    exit 0
    ;;
esac
here=$(dirname "$(readlink -f "$0")")
out=$(readlink -m "${1:-$here/../../build/rig}")
if [ -e "$out/version" ]; then
  say "ready: $out (kernel $(cat "$out/version")); remove it to prepare anew"
  exit 0
fi
for program in apt-get bc gcc-12 make python3 strip; do
  command -v "$program" >/dev/null || die "$program is missing: apt-get install bc gcc-12 make python3 binutils"
done
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
new=$work/new
fetch
build_modules
collect
fetch_libgpiod2
rm -rf "$out"
mv "$new" "$out"
say "ready: $out; now configure again (cmake --preset dev), then: ctest --preset dev -L rig"
