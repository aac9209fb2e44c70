#!/bin/bash
# The programs that systemd/bramble-flash meets, on the head and on the node, by the name that this is called by. What they
# find and do is files in $WORLD; what they were asked for is lines in $WORLD/log.
# shellcheck disable=SC2016
set -euo pipefail
PATH=/usr/bin:/bin

name=${0##*/}
node=$WORLD/node

state_of_head() { # STATE: what the head says of pi07 from now on
  local session
  session=$(jq -r '.[0].session // 0' "$WORLD/nodes.json")
  printf '[{"node":"pi07","state":"%s","session":%d,"machine_id":"%s"}]\n' "$1" $((session + 1)) "$(cat "$node/machine-id")" \
    >"$WORLD/nodes.json"
}
agent_starts() {
  [ ! -e "$node/bramble/agent/identity/joined.toml" ] || [ -e "$WORLD/deaf" ] || state_of_head on
}
# The node is this machine with other files.
on_the_node() {
  local command=$1
  command=${command//\/etc\/machine-id/$node\/machine-id}
  command=${command//\/run\/systemd\/system/$node\/systemd}
  command=${command//\/var\/lib\/bramble/$node\/bramble}
  command=${command//\/var\/tmp/$node\/tmp}
  PATH=$node/bin exec sh -c "$command"
}
install_file() {
  local file
  for file; do :; done
  [ ! -e "$WORLD/apt_fails" ] || { echo "E: it depends on what is not there"; exit 100; }
  [ ! -e "$WORLD/no_mirror" ] || [[ $* == *--no-install-recommends* ]] || { echo "E: no mirror"; exit 100; }
  cp "$file" "$node/got.deb"
  dpkg-deb -W --showformat='${Package} installed:${Version}\n' "$file" >"$node/installed"
  agent_starts
}
join() {
  cat >"$WORLD/join"
  grep -q "^identity of pi07" "$WORLD/join" || { echo "the join file is not whole" >&2; exit 1; }
  mkdir -p "$node/bramble/agent/identity"
  printf '# Written by a test.\nnode = "pi07"\ncluster = "bramble"\n' >"$node/bramble/agent/identity/joined.toml"
  if [ -e "$WORLD/deaf_until_joined" ]; then rm -f "$WORLD/deaf" "$WORLD/deaf_until_joined"; fi
}

# What is said to be run is logged when it runs.
case $name in
ssh) echo "ssh ${*:1:$#-1}" >>"$WORLD/log" ;;
sudo) echo "sudo $1 $2" >>"$WORLD/log" ;;
*) echo "$name $*" >>"$WORLD/log" ;;
esac
case "$name $*" in
"ssh "*)
  for last; do :; done
  if [ -e "$WORLD/ssh_says" ]; then
    cat "$WORLD/ssh_says" >&2
    exit 255
  fi
  if [ -e "$WORLD/floods_errors" ] && [[ $last == *"$(cat "$WORLD/floods_errors")"* ]]; then exec yes "no end" >&2; fi
  if [ -e "$WORLD/floods" ] && [[ $last == *"$(cat "$WORLD/floods")"* ]]; then exec yes "no end"; fi
  on_the_node "$last"
  ;;
"bramble node list --json") cat "$WORLD/nodes.json" ;;
"bramble node add pi07 --replace --output -")
  [ ! -e "$WORLD/no_identity" ] || { echo "bramble: nodes are not let in: set node_listen" >&2; exit 1; }
  echo "identity of pi07, secret"
  ;;
"sudo -n "*)
  [ ! -e "$WORLD/sudo_asks" ] || { echo "sudo: a password is required" >&2; exit 1; }
  shift
  UID_THERE=0 PATH=$node/bin exec "$@"
  ;;
"id -u") echo "${UID_THERE:-$(cat "$WORLD/uid")}" ;;
"uname "*) cat "$node/machine" ;;
"dpkg --print-architecture") cat "$node/architecture" ;;
"dpkg --configure -a") ;;
"dpkg-query "*)
  for last; do :; done
  sed -n "s/^$last //p" "$node/installed"
  ;;
"apt-get "*" install "*) install_file "$@" ;;
"apt-get "*" update") ;;
"sha256sum "*) if [ -e "$WORLD/damaged" ]; then echo "0  -"; else exec /usr/bin/sha256sum "$@"; fi ;;
"bramble-agent --join -") join ;;
"systemctl "*" enable bramble-warden bramble-agent") ;;
"systemctl restart bramble-agent") agent_starts ;;
"systemctl show "*) echo "connecting to the broker" ;;
"journalctl "*) echo "no way to the broker: connection refused" ;;
*)
  echo "$name is not called like that here: $*" >&2
  exit 70
  ;;
esac
