#!/usr/bin/env bash
# The packages on three machines: containers with a real systemd each, on a network that leads nowhere else. The head and
# pi01 are installed and joined by the commands of the README; pi02 is a bare Debian with an ssh server, which the head
# flashes. What happens inside is scenario_cluster.sh, on the head.
set -euo pipefail

usage='usage: tests/packages/in_containers.sh DIR

DIR holds the packages bramble-agent, bramble-aggregator and bramble for this machine (./bootstrap packages makes them in
build/packages/packages). Needs root, mmdebstrap, systemd-nspawn, iproute2 and a Debian mirror. BRAMBLE_ROOT=FILE.tar keeps
the minimal Debian (240 MB) for the next time; KEEP=1 keeps the containers. Status 77: this machine lacks something.'

[ $# = 1 ] || { echo "$usage" >&2; exit 2; }
packages=$(realpath "$1")
here=$(dirname "$(readlink -f "$0")")
machines=(head pi01 pi02)
# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$here/containers.sh"

# Machines that are left (the head did not come to end them) are powered off.
leave() {
  local machine running
  mapfile -t running < <(jobs -p)
  if [ ${#running[@]} != 0 ]; then kill "${running[@]}" 2>/dev/null || true; fi
  wait
  for machine in switch "${machines[@]}"; do ip netns del "$group-$machine" 2>/dev/null || true; done
  leave_containers
}

# Each machine has a network namespace with a cable to a switch, which is one more.
make_network() {
  local machine number=0
  ip netns add "$group-switch" 2>/dev/null || skip "network namespaces cannot be made here"
  ip -n "$group-switch" link add br0 type bridge 2>/dev/null || skip "bridges cannot be made here"
  ip -n "$group-switch" link set br0 up
  for machine in "${machines[@]}"; do
    number=$((number + 1))
    ip netns add "$group-$machine"
    ip link add "to-$machine" netns "$group-switch" type veth peer name host0 netns "$group-$machine"
    ip -n "$group-switch" link set "to-$machine" master br0 up
    ip -n "$group-$machine" link set lo up
    ip -n "$group-$machine" link set host0 up
    ip -n "$group-$machine" addr add "10.77.0.$number/24" dev host0
  done
}

# make_machine NAME WORD... : with these packages; a script that waits for orders runs there.
make_machine() {
  local name=$1 root=$work/$1
  shift
  make_root "$root"
  install_packages "$root" "$@"
  printf '127.0.0.1 localhost\n10.77.0.1 head\n10.77.0.2 pi01\n10.77.0.3 pi02\n' >"$root/etc/hosts"
  mkdir "$work/share-$name"
  run_at_boot "$root" "/mnt/share/scenario.sh"
}

make_head() {
  make_machine head "${debs[1]}" "${debs[2]}" openssh-client
  cp "$here/scenario_cluster.sh" "$work/share-head/scenario.sh"
  cp "$here/scenario_words.sh" "$work/share-head/"
  readme_commands 1 >"$work/share-head/readme.sh"
  mkdir -p "$work"/share-head/{examples,fixtures/data}
  cp "$here/../examples/iris.toml" "$work/share-head/examples/"
  cp "$here/../fixtures/data/iris.csv" "$work/share-head/fixtures/data/"
  cp "${debs[0]}" "$work/share-head/"
  repack "${debs[0]}" "$work/share-head/upgrade/$(basename "${debs[0]}")" -e 's/^Version: .*/&+upgrade/'
}

make_nodes() {
  make_machine pi01 "${debs[0]}"
  readme_commands 2 >"$work/share-pi01/readme.sh"
  make_machine pi02 openssh-server sudo
  cp "$here/obey.sh" "$work/share-pi01/scenario.sh"
  cp "$here/obey.sh" "$work/share-pi02/scenario.sh"
  # As Raspberry Pi OS has its first user. What the agent needs is fetched, for no mirror is in reach when it is installed.
  in_root "$work/pi02" sh -c 'useradd -m -s /bin/bash pi && echo pi:raspberry | chpasswd &&
    echo "pi ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/010_pi-nopasswd'
  cp "${debs[0]}" "$work/pi02/var/tmp/agent.deb"
  in_root "$work/pi02" apt-get -q -q install -y --no-install-recommends --download-only /var/tmp/agent.deb
  rm "$work/pi02/var/tmp/agent.deb"
}

# carry is what a person carries from one machine to another, and how the head gives orders to the nodes.
become() {
  become_machine "$1" "$work/$1" "$work/share-$1" "--bind=$work/carry:/mnt/carry" "--hostname=$1" \
    "--network-namespace-path=/run/netns/$group-$1"
}

prepare_containers systemd-nspawn ip
trap leave EXIT
find_packages "$packages"
make_network
mkdir "$work/carry"
mkfifo "$work"/carry/{pi01,pi02}.{order,answer}
make_head
make_nodes
say "booting three machines"
become head &
head=$!
for machine in pi01 pi02; do become $machine & done
wait $head || true
cat "$work/share-head/out" 2>/dev/null || { cat "$work/share-head/console"; skip "systemd does not boot in a container here"; }
grep -qx 'all good' "$work/share-head/out" || {
  cat "$work"/share-pi0?/{console,out} || true
  echo "the scenario failed: the head's last lines stand above those of the nodes" >&2
  exit 1
}
