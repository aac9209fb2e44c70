#!/usr/bin/env bash
# The packages in a container of their own with a real systemd: installed, booted, used, upgraded in the middle of a task,
# removed, purged. What happens inside is scenario.sh.
set -euo pipefail

usage='usage: tests/packages/in_container.sh DIR

DIR holds the packages bramble-agent, bramble-aggregator and bramble for this machine (./bootstrap packages makes them in
build/packages/packages). Needs root, mmdebstrap, systemd-nspawn and a Debian mirror. BRAMBLE_ROOT=FILE.tar keeps the
minimal Debian (240 MB) for the next time; KEEP=1 keeps the container. Status 77: this machine lacks something.'

[ $# = 1 ] || { echo "$usage" >&2; exit 2; }
packages=$(realpath "$1")
here=$(dirname "$(readlink -f "$0")")
suite=bookworm

skip() {
  echo "skipped: $1"
  exit 77
}
say() { printf '### %s\n' "$*"; }

[ "$(id -u)" = 0 ] || skip "needs root"
for program in mmdebstrap systemd-nspawn dpkg-deb; do
  command -v $program >/dev/null || skip "$program is not installed (apt install mmdebstrap systemd-container dpkg-dev)"
done
set -- "$packages"/bramble-agent_*.deb "$packages"/bramble-aggregator_*.deb "$packages"/bramble_*.deb
for package in "$@"; do
  [ -e "$package" ] || { echo "there is no $package: ./bootstrap packages" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/var/tmp}/bramble-packages-XXXXXX")
root=$work/root share=$work/share
group=bramble-packages-$$
mkdir "$root" "$share"

groups() { ls -d /sys/fs/cgroup/systemd /sys/fs/cgroup/unified 2>/dev/null || true; }

leave() {
  local hierarchy
  for hierarchy in $(groups); do
    find "$hierarchy/$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  if [ "${KEEP:-0}" = 1 ]; then say "kept: $work"; else rm -rf --one-file-system "$work"; fi
}
trap leave EXIT

make_root() {
  local mirror tar=${BRAMBLE_ROOT:-$work/root.tar}
  if [ ! -e "$tar" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
    say "making a minimal $suite"
    mmdebstrap --quiet --mode=root --variant=minbase --include=systemd,systemd-sysv,dbus,udev,procps,jq,mosquitto-clients,ca-certificates \
      "$suite" "$tar.new" --format=tar ${mirror:+"$mirror"} || skip "no Debian could be had from the mirror"
    mv "$tar.new" "$tar"
  fi
  tar -C "$root" -xf "$tar"
  rm -f "$root/etc/hostname"
  # How this machine reaches its packages.
  apt-config dump --no-empty | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/90machine" || true
  cp -a /etc/apt/auth.conf* "$root/etc/apt/" 2>/dev/null || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    mkdir -p "$root/etc/ssl/certs"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  fi
}

# As a person does it; systemd does not run there yet, so that nothing is started.
install_packages() {
  say "apt install ./bramble*.deb"
  mkdir "$root/packages"
  cp "$@" "$root/packages/"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  chroot "$root" apt-get -q -q update
  chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -q -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends /packages/*.deb' \
    >"$work/apt.log" 2>&1 || { cat "$work/apt.log"; return 1; }
  rm "$root/usr/sbin/policy-rc.d"
}

# The same packages with another version; and one of another architecture.
make_variants() {
  local package name
  mkdir -p "$root/upgrade" "$root/foreign"
  for package in "$@"; do
    name=$(basename "$package")
    dpkg-deb -R "$package" "$work/tree"
    sed -i -e 's/^Version: .*/&+upgrade/' -e 's/bramble (= \([^)]*\))/bramble (= \1+upgrade)/' "$work/tree/DEBIAN/control"
    dpkg-deb -Znone -b "$work/tree" "$root/upgrade/$name" >/dev/null
    sed -i 's/^Architecture: .*/Architecture: s390x/' "$work/tree/DEBIAN/control"
    dpkg-deb -Znone -b "$work/tree" "$root/foreign/$name" >/dev/null
    rm -rf "$work/tree"
  done
}

# Started by systemd when all else is up.
install_scenario() {
  cp "$here/scenario.sh" "$share/"
  # The commands of the README as they stand there; root needs no sudo, and the head is the node.
  awk '/^## Install/ { on = 1 } /^## Several/ { on = 0 } on && /^```/ { code = !code; next } on && code' "$here/../../README.md" |
    sed -e 's/sudo //g' -e '/^apt install/d' >"$share/readme.sh"
  cat >"$root/etc/systemd/system/scenario.service" <<'END'
[Unit]
Description=the test
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /mnt/share/scenario.sh
StandardOutput=file:/mnt/share/out
StandardError=file:/mnt/share/out
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=600
END
  # An agent that hangs is noticed in seconds here.
  mkdir -p "$root/etc/systemd/system/bramble-agent.service.d"
  printf '[Service]\nWatchdogSec=5\n' >"$root/etc/systemd/system/bramble-agent.service.d/test.conf"
  mkdir -p "$root/etc/systemd/system/default.target.wants"
  ln -s ../scenario.service "$root/etc/systemd/system/default.target.wants/scenario.service"
}

# In control groups of its own where no systemd runs that gives it some.
boot() {
  local hierarchy words=(--quiet --register=no --private-network --machine="$group" --directory="$root" --bind="$share:/mnt/share")
  if [ ! -d /run/systemd/system ]; then
    words+=(--keep-unit)
    for hierarchy in $(groups); do
      mkdir -p "$hierarchy/$group"
      echo "$BASHPID" >"$hierarchy/$group/cgroup.procs"
    done
  fi
  exec systemd-nspawn "${words[@]}" --boot systemd.show_status=0 </dev/null >"$share/console" 2>&1
}

make_root
install_packages "$@"
make_variants "$@"
install_scenario
say "booting"
(boot) || true
cat "$share/out" 2>/dev/null || { cat "$share/console"; skip "systemd does not boot in a container here"; }
grep -qx 'all good' "$share/out" || {
  echo "the scenario failed: its last lines stand above" >&2
  exit 1
}
