# shellcheck shell=bash
# Sourced: a minimal Debian with packages in it, booted in a container that has a systemd of its own. Who sources this has
# set -euo pipefail, and calls prepare_containers first.
#
# BRAMBLE_ROOT=FILE.tar keeps the minimal Debian (240 MB) for the next time, and FILE.tar.made what was put into it; KEEP=1
# keeps the containers. Status 77: this machine lacks something.

suite=bookworm
base_packages=(systemd systemd-sysv dbus udev procps jq mosquitto-clients ca-certificates bubblewrap)

skip() {
  echo "skipped: $1"
  exit 77
}
say() { printf '### %s\n' "$*"; }

# prepare_containers PROGRAM... : these programs must be there, too. Sets work, a folder that goes away at the end, and
# group, the name of the control groups of all that is booted.
prepare_containers() {
  local program
  [ "$(id -u)" = 0 ] || skip "needs root"
  for program in mmdebstrap dpkg-deb "$@"; do
    command -v "$program" >/dev/null ||
      skip "$program is not installed (apt install mmdebstrap systemd-container dpkg-dev iproute2)"
  done
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/bramble-packages-XXXXXX")
  group=bramble-packages-$$
  trap leave_containers EXIT
}

# find_packages DIR: sets debs to the three packages in it, and python_debs to python3-bramble, which a cross build does not make.
find_packages() {
  local package
  debs=("$1"/bramble-agent_*.deb "$1"/bramble-aggregator_*.deb "$1"/bramble_*.deb)
  python_debs=()
  for package in "$1"/python3-bramble_*.deb; do
    if [ -e "$package" ]; then python_debs+=("$package"); fi
  done
  for package in "${debs[@]}"; do
    [ -e "$package" ] || { echo "there is no $package: ./bootstrap packages" >&2; exit 1; }
  done
}

hierarchies() { ls -d /sys/fs/cgroup/systemd /sys/fs/cgroup/unified 2>/dev/null || true; }

leave_containers() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    find "$hierarchy/$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  if [ "${KEEP:-0}" = 1 ]; then say "kept: $work"; else rm -rf --one-file-system "$work"; fi
}

wish() { printf '%s\n' "$suite" "${base_packages[@]}" | LC_ALL=C sort -u; }

# provide_tar TAR: the minimal Debian; one that was kept is made anew where it lacks something that is wanted by now.
provide_tar() {
  local tar=$1 mirror
  if [ -e "$tar" ] && [ -e "$tar.made" ] && [ -z "$(LC_ALL=C comm -13 "$tar.made" <(wish))" ]; then return; fi
  rm -f "$tar.made"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
  say "making a minimal $suite"
  mmdebstrap --quiet --mode=root --variant=minbase --include="$(IFS=,; echo "${base_packages[*]}")" \
    "$suite" "$tar.new" --format=tar ${mirror:+"$mirror"} || skip "no Debian could be had from the mirror"
  mv "$tar.new" "$tar"
  wish >"$tar.made"
}

# make_root ROOT: a minimal Debian, which reaches packages as this machine does.
make_root() {
  local root=$1 tar=${BRAMBLE_ROOT:-$work/root.tar}
  provide_tar "$tar"
  mkdir -p "$root"
  tar -C "$root" -xf "$tar"
  rm -f "$root/etc/hostname"
  apt-config dump --no-empty | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/90machine" || true
  cp -a /etc/apt/auth.conf* "$root/etc/apt/" 2>/dev/null || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    mkdir -p "$root/etc/ssl/certs"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  fi
}

# in_root ROOT COMMAND... : systemd does not run there yet, so that no package starts anything.
in_root() {
  local root=$1
  shift
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive chroot "$root" "$@" >"$root.log" 2>&1 || { cat "$root.log"; return 1; }
  rm "$root/usr/sbin/policy-rc.d"
}

# install_packages ROOT WORD... : packages by name, and files of this machine, which are left in ROOT's /packages.
install_packages() {
  local root=$1 word words=()
  shift
  say "apt install $(basename -a "$@" | tr '\n' ' ')"
  mkdir -p "$root/packages"
  for word in "$@"; do
    case $word in
    *.deb) cp "$word" "$root/packages/" && words+=("/packages/$(basename "$word")") ;;
    *) words+=("$word") ;;
    esac
  done
  in_root "$root" apt-get -q -q update
  in_root "$root" apt-get -q -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${words[@]}"
}

# repack FROM TO WORD... : the package with its control file changed by sed.
repack() {
  local from=$1 to=$2
  shift 2
  mkdir -p "$(dirname "$to")"
  dpkg-deb -R "$from" "$work/tree"
  sed -i "$@" "$work/tree/DEBIAN/control"
  dpkg-deb -Znone -b "$work/tree" "$to" >/dev/null
  rm -rf "$work/tree"
}

# run_at_boot ROOT SCRIPT: systemd runs it when all else is up; it writes to /mnt/share/out, and then the machine ends.
run_at_boot() {
  cat >"$1/etc/systemd/system/scenario.service" <<END
[Unit]
Description=the test
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash $2
StandardOutput=file:/mnt/share/out
StandardError=file:/mnt/share/out
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=600
END
  mkdir -p "$1/etc/systemd/system/default.target.wants"
  ln -s ../scenario.service "$1/etc/systemd/system/default.target.wants/scenario.service"
}

# readme_python: the program in Python that the README begins with.
readme_python() { sed -n "s/^\(python3 -c '[^']*'\).*/\1/p" "$(dirname "${BASH_SOURCE[0]}")/../../README.md"; }

# readme_commands N: the Nth listing of the README's section Install as it stands there: 1 is for the head, 2 for a node.
# Root needs no sudo, and packages are installed before anything is booted.
readme_commands() {
  awk -v wanted="$1" '/^## Install/ { on = 1 } /^## Several/ { on = 0 }
    on && /^```/ { code = !code; listing += code; next }
    on && code && listing == wanted' "$(dirname "${BASH_SOURCE[0]}")/../../README.md" |
    sed -e 's/sudo //g' -e '/^apt install/d'
}

# become_machine NAME ROOT SHARE WORD... : this process is a booted container from now on; SHARE is its /mnt/share, SHARE/console
# what it says. In control groups of its own where no systemd runs that gives it some. More words are systemd-nspawn's.
become_machine() {
  local name=$1 root=$2 share=$3 words hierarchy
  shift 3
  words=(--quiet --register=no "--machine=$group-$name" "--directory=$root" "--bind=$share:/mnt/share" "$@")
  if [ ! -d /run/systemd/system ]; then
    words+=(--keep-unit)
    for hierarchy in $(hierarchies); do
      mkdir -p "$hierarchy/$group/$name"
      echo "$BASHPID" >"$hierarchy/$group/$name/cgroup.procs"
    done
  fi
  exec systemd-nspawn "${words[@]}" --boot systemd.show_status=0 </dev/null >"$share/console" 2>&1
}
