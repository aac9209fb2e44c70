# shellcheck shell=bash
# What scenario.sh, scenario_limits.sh and scenario_cluster.sh share; all run as root on a machine with a systemd.

say() { printf '### %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*"
  systemctl --no-pager status 'bramble-*' || true
  journalctl --no-pager -n 60 -o cat -u 'bramble-*' || true
  exit 1
}
# wait_for WHAT COMMAND... : until it succeeds; most of what is awaited here tells nobody when it comes.
wait_for() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 600; ++tries)); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  fail "$what did not come"
}
status_of() { systemctl show --property StatusText --value "$1"; }
pid_of() { systemctl show --property MainPID --value "$1"; }
status_has() { status_of "$1" | grep -qF -- "$2"; }
active() { systemctl --quiet is-active "$@"; }
# node_is_on [NODE]: that one, or any.
node_is_on() { bramble node list --json | jq -e --arg node "${1:-}" 'any(.[]; (.node == $node or $node == "") and .state == "on")'; }
has_another_pid() {
  local now
  now=$(pid_of "$1")
  [ "$now" != "$2" ] && [ "$now" != 0 ]
}
