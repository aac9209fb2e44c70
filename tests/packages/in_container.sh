#!/usr/bin/env bash
# The packages in a container of their own with a real systemd: installed, booted, used, upgraded in the middle of a task,
# removed, purged. What happens inside is scenario.sh.
set -euo pipefail

usage='usage: tests/packages/in_container.sh DIR

DIR holds the packages bramble-agent, bramble-aggregator and bramble for this machine (./bootstrap packages makes them in
build/packages/packages), and python3-bramble if that is to be tried, too. Needs root, mmdebstrap, systemd-nspawn and a Debian mirror. BRAMBLE_ROOT=FILE.tar keeps the
minimal Debian (240 MB) for the next time; KEEP=1 keeps the container. Status 77: this machine lacks something.'

[ $# = 1 ] || { echo "$usage" >&2; exit 2; }
packages=$(realpath "$1")
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$here/containers.sh"

# The same packages with another version; and one of another architecture.
make_variants() {
  local package name
  for package in "${debs[@]}"; do
    name=$(basename "$package")
    repack "$package" "$root/upgrade/$name" \
      -e 's/^Version: .*/&+upgrade/' -e 's/bramble (= \([^)]*\))/bramble (= \1+upgrade)/'
    repack "$package" "$root/foreign/$name" -e 's/^Architecture: .*/Architecture: s390x/'
  done
}

install_scenario() {
  cp "$here/scenario.sh" "$here/scenario_words.sh" "$share/"
  { readme_commands 1 && readme_commands 2; } >"$share/readme.sh" # the head is the node
  readme_python >"$share/python.sh"
  run_at_boot "$root" /mnt/share/scenario.sh
  # An agent that hangs is noticed in seconds here.
  mkdir -p "$root/etc/systemd/system/bramble-agent.service.d"
  printf '[Service]\nWatchdogSec=5\n' >"$root/etc/systemd/system/bramble-agent.service.d/test.conf"
}

prepare_containers systemd-nspawn
find_packages "$packages"
root=$work/root share=$work/share
mkdir "$share"
make_root "$root"
install_packages "$root" "${debs[@]}" "${python_debs[@]}"
make_variants
install_scenario
say "booting"
(become_machine machine "$root" "$share" --private-network) || true # until it has powered off
cat "$share/out" 2>/dev/null || { cat "$share/console"; skip "systemd does not boot in a container here"; }
grep -qx 'all good' "$share/out" || {
  echo "the scenario failed: its last lines stand above" >&2
  exit 1
}
