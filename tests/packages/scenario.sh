#!/usr/bin/env bash
# Runs in the container that in_container.sh boots, as root, after everything else: head and node are this one machine.
set -euo pipefail

units=(bramble-aggregator.service bramble-warden.service bramble-agent.service bramble-halt.path)

. "$(dirname "$0")/scenario_words.sh"
broker_pid() { pgrep -u bramble-aggregator -x mosquitto; }

check_install() {
  say "users, services, what they may"
  for user in bramble-agent bramble-task bramble-aggregator; do
    getent passwd $user >/dev/null || fail "no user $user"
  done
  for unit in "${units[@]}"; do wait_for "$unit" active "$unit"; done
  [ "$(ps -o user:20= -p "$(pid_of bramble-agent)")" = bramble-agent ] || fail "the agent is another user"
  [ "$(ps -o user:20= -p "$(pid_of bramble-aggregator)")" = bramble-aggregator ] || fail "the aggregator is another user"
  [ "$(stat -c '%U %a' /var/lib/bramble/agent)" = "bramble-agent 700" ] || fail "others may look into the agent's state"
  id -nG bramble-aggregator | grep -qw gpio || fail "the aggregator may not switch GPIO lines"
  for page in bramble.1 bramble-agent.8 bramble-warden.8 bramble-aggregator.8; do
    find /usr/share/man -name "$page.gz" | grep -q . || fail "no manual page $page"
  done
  local manual
  for manual in bramble/LEARNING.md.gz bramble-agent/KERNELS.md.gz; do
    gzip -t "/usr/share/doc/$manual" || fail "help points at $manual, and it is not there"
  done
}

# By the commands of the README; head and node are one machine, and nobody is the user who may submit.
check_readme() {
  say "joined as the README says"
  [ "$(wc -l </mnt/share/readme.sh)" -ge 5 ] || fail "the README has no commands"
  (cd /root && USER=nobody bash -eux /mnt/share/readme.sh) || fail "the README's commands"
  wait_for "the node" node_is_on
  [ "$(bramble run -- hostname)" = "$(hostname)" ] || fail "no task"
  [ "$(printf 'b a b\n' | bramble call wordcount | tr '\n\t' '  ')" = "a 1 b 2 " ] || fail "no call"
  grep -q ssl:// /var/lib/bramble/agent/identity/joined.toml || fail "it did not join over TLS"
  [ "$(stat -c '%U %a' /var/lib/bramble/agent/identity/node.pem)" = "bramble-agent 600" ] || fail "others may read the key"
  [ ! -e /root/pi01.join ] || fail "the join file is left"
}

# The README's first program in Python, by a user who may submit and nothing else.
check_python() {
  local sum
  if ! dpkg-query -W python3-bramble >/dev/null 2>&1; then
    say "not tried: there is no package python3-bramble"
    return
  fi
  say "functions of Python, as the README says"
  [ "$(wc -l </mnt/share/python.sh)" = 1 ] || fail "the README has no program in Python"
  sum=$(cd / && runuser -u nobody -- sh /mnt/share/python.sh) || fail "the program"
  [ "$sum" = 328350 ] || fail "it prints '$sum'"
  dpkg -P python3-bramble >/dev/null 2>&1 || fail "dpkg -P python3-bramble"
  [ ! -e /usr/lib/python3/dist-packages/bramble ] || fail "left: $(find /usr/lib/python3/dist-packages/bramble)"
}

# What a node, a stranger and a local user may not do.
check_rights() {
  say "rights"
  local ca=/var/lib/bramble/aggregator/ca/ca.crt node=/var/lib/bramble/agent/identity/node.pem
  local publish=(timeout 10 mosquitto_pub -h 127.0.0.1 -p 8883 -V 5 -q 1 -m x --cafile "$ca" --insecure)
  "${publish[@]}" -d --cert $node --key $node -t bramble/bramble/node/pi01/checkup | grep -qF "RC:0" || fail "its own topic"
  "${publish[@]}" -d --cert $node --key $node -t bramble/bramble/node/pi02/status | grep -qF "RC:135" || fail "another node's topic"
  "${publish[@]}" -d --cert $node --key $node -t bramble/bramble/node/pi01/tasks | grep -qF "RC:135" || fail "it hands out work"
  ! "${publish[@]}" -t bramble/bramble/node/pi01/checkup 2>/dev/null || fail "a stranger is let in"
  ! runuser -u games -- bramble run -- true 2>/tmp/refused || fail "a user without rights submits"
  grep -F bramble /tmp/refused
  bramble audit --json | jq -e 'any(.[]; .who | test("games"))' >/dev/null || fail "the refusal is not in the audit log"
}

connects='connects() { perl -MIO::Socket::UNIX -e "exit !IO::Socket::UNIX->new(Peer => shift)" "$1"; }'
# Prints each thing that went through though no task may do it; the pids of agent and warden are its words.
trespass=$connects'
  may() { if "$@" >/dev/null 2>&1; then echo "$*"; fi; }
  may cat /var/lib/bramble/agent/identity/node.pem
  may ls /var/lib/bramble/agent
  may cat /var/lib/bramble/aggregator/broker/password
  may cat /var/lib/bramble/aggregator/jobs.db
  may ls /var/lib/bramble/warden/slots
  may touch /usr/here
  may touch /etc/bramble/here
  may touch /run/bramble-agent/here
  may connects /var/lib/bramble/warden/warden.sock
  may bramble submit -- true
  may bramble node drain all
  for pid in "$@"; do
    may kill -0 "$pid"
    may cat "/proc/$pid/environ"
    may head -c 1 "/proc/$pid/mem"
    may ls "/proc/$pid/fd"
  done
  echo "tried all"'

# check_trespass HOW : every option of bramble run that a task is to be run with
check_trespass() {
  say "what a task may not do${*:+, with $*}"
  local went
  # That a task cannot connect tells something only where this way of connecting works, and to a socket that is there.
  sh -c "$connects; connects /run/bramble/api.sock" || fail "root cannot connect to the API's socket"
  [ -S /var/lib/bramble/warden/warden.sock ] || fail "the warden's socket is not where a task tries it"
  went=$(bramble run "$@" -- sh -c "$trespass" sh "$(pid_of bramble-agent)" "$(pid_of bramble-warden)" 2>&1) || fail "$went"
  [ "$went" = "tried all" ] || fail "$went"
}

reach_broker() { bramble run --isolate sandbox "$@" -- perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:8883")'; }
sandbox_works() { bramble node list --json | jq -e '.[0].sandbox'; }

# Where a user may make no namespaces at all, as in some containers, there is none; where he may, the warden must, too.
has_sandbox() {
  command -v bwrap >/dev/null || fail "there is no bwrap in this container"
  if runuser -u bramble-task -- bwrap --unshare-user --unshare-pid --ro-bind / / --proc /proc --dev /dev true 2>/tmp/bwrap; then
    sandbox_works >/dev/null || fail "no sandbox: $(bramble node list --json | jq -r '.[0].no_sandbox')"
    return 0
  fi
  say "not tried: no user of this container can make a sandbox ($(head -n 1 /tmp/bwrap))"
  ! sandbox_works >/dev/null || fail "the node says that it can isolate tasks"
  return 1
}

check_sandbox() {
  has_sandbox || return 0
  check_trespass --isolate sandbox
  say "a task in a sandbox: its own directory and /tmp, nobody else's, and no network unless asked"
  local said other
  said=$(bramble run --isolate sandbox -- sh -c 'echo mine > /tmp/own && echo mine > own && cat /tmp/own own; id -un
    for d in / /usr /etc /var/tmp /home /run /dev ..; do touch $d/here 2>/dev/null && echo "wrote $d"; done; true') || fail "no task: $said"
  [ "$(echo $said)" = "mine mine bramble-task" ] || fail "$said"
  [ ! -e /tmp/own ] || fail "its /tmp is everybody's"
  ! reach_broker 2>/dev/null || fail "it reaches the network"
  reach_broker --network || fail "no network where it was asked for"
  bramble submit --isolate sandbox -- sh -c 'echo secret > kept; pwd; exec sleep 1000' >/dev/null
  wait_for "another task" sh -c 'bramble job cat last | grep -q /'
  other=$(bramble job cat last)
  grep -q secret "$other/kept" || fail "root does not see $other"
  said=$(bramble run --isolate sandbox -- sh -c "cat $other/kept; ls $other; cat /proc/[0-9]*/cwd/kept; true" 2>/dev/null)
  [ -z "$said" ] || fail "a task sees another's files: $said"
  bramble job cancel "$(bramble job list --json | jq 'map(select(.state == "running"))[0].job')"
}

check_removed_node() {
  say "a node that was removed is not let in, until it is added again"
  bramble node remove pi01 --reason "the test" || fail "node remove"
  systemctl restart bramble-agent
  wait_for "its refusal" sh -c "journalctl -o cat -u bramble-agent | grep -q revoked"
  [ "$(bramble node list --json)" = "[]" ] || fail "it is known"
  bramble node add pi01 | bramble-agent --join - || fail "joined again"
  systemctl restart bramble-agent
  wait_for "the node" node_is_on
}

check_status() {
  say "status lines"
  wait_for "the agent's status line" status_has bramble-agent "welcomed by the aggregator, 0 of "
  wait_for "the aggregator's status line" status_has bramble-aggregator "1 node, no work"
  wait_for "the warden's status line" status_has bramble-warden "slots busy, the agent is connected"
  status_of bramble-agent
  status_of bramble-aggregator
  status_of bramble-warden
}

check_work() {
  say "a task, by a user who may submit and nothing else"
  local who
  who=$(runuser -u nobody -- bramble run -- id -un) || fail "nobody may not run a task"
  [ "$who" = bramble-task ] || fail "a task runs as $who"
  bramble job list --json | jq -e 'any(.[]; .owner == "nobody")' >/dev/null || fail "the job is not nobody's"
  ! bramble run -- cat /var/lib/bramble/agent/agent.state >/dev/null 2>&1 || fail "a task reads the agent's state"
  ! bramble run -- touch /usr/here >/dev/null 2>&1 || fail "a task writes in /usr"
}

check_watchdog() {
  say "an agent that hangs is started again"
  local before
  before=$(pid_of bramble-agent)
  kill -STOP "$before"
  wait_for "another agent" has_another_pid bramble-agent "$before"
  wait_for "the node" node_is_on
  journalctl -o cat -u bramble-agent | grep -q "Watchdog timeout" || fail "it was not the watchdog"
}

check_crash_of_the_head() {
  say "a head that dies finds its broker again"
  local aggregator broker
  aggregator=$(pid_of bramble-aggregator)
  broker=$(broker_pid) || fail "the aggregator has no Mosquitto"
  kill -KILL "$aggregator"
  wait_for "another aggregator" has_another_pid bramble-aggregator "$aggregator"
  wait_for "its readiness" active bramble-aggregator
  wait_for "the node" node_is_on
  [ "$(broker_pid)" = "$broker" ] || fail "the broker was not adopted"
}

start_task() {
  rm -f /tmp/go
  bramble submit -- sh -c 'echo try $BRAMBLE_ATTEMPT; until [ -e /tmp/go ]; do sleep 0.1; done; echo end' >/dev/null
  wait_for "the task" status_has bramble-warden "1 of "
}
end_task() {
  touch /tmp/go
  bramble job wait last || fail "the job failed"
  [ "$(bramble job cat last | tr '\n' ' ')" = "try 1 end " ] || fail "the task was disturbed: $(bramble job cat last)"
}

check_upgrade() {
  say "an upgrade in the middle of a task"
  start_task
  local agent warden aggregator
  agent=$(pid_of bramble-agent) warden=$(pid_of bramble-warden) aggregator=$(pid_of bramble-aggregator)
  dpkg -i /upgrade/*.deb >/tmp/upgrade.log 2>&1 || fail "dpkg: $(cat /tmp/upgrade.log)"
  grep -F "systemctl restart bramble-warden" /tmp/upgrade.log || fail "nobody says that the warden goes on"
  dpkg-query -W -f '${Version}\n' bramble-agent | grep -q upgrade || fail "nothing was upgraded"
  has_another_pid bramble-agent "$agent" || fail "the agent was not restarted"
  has_another_pid bramble-aggregator "$aggregator" || fail "the aggregator was not restarted"
  [ "$(pid_of bramble-warden)" = "$warden" ] || fail "the warden was restarted"
  grep -q "^node_listen" /etc/bramble/aggregator.toml || fail "the configuration is lost"
  wait_for "the node" node_is_on
  end_task

  say "restarts in the middle of a task"
  start_task
  systemctl restart bramble-agent bramble-aggregator
  wait_for "the node" node_is_on
  end_task
  systemctl restart bramble-warden
  wait_for "the node" node_is_on
  [ "$(bramble run -- echo again)" = again ] || fail "no task after the warden was restarted"
}

check_foreign() {
  say "a package of another architecture"
  if dpkg -i /foreign/bramble-agent_*.deb >/tmp/foreign.log 2>&1; then fail "it was installed"; fi
  grep -F "does not match system" /tmp/foreign.log || fail "$(cat /tmp/foreign.log)"
  active bramble-agent || fail "and it stopped the agent"
}

check_remove() {
  say "removed: configuration and state stay"
  dpkg -r bramble-agent >/dev/null 2>&1 || fail "dpkg -r"
  ! active bramble-agent || fail "the agent still runs"
  ! active bramble-warden || fail "the warden still runs"
  [ -e /etc/bramble/agent.toml ] || fail "the configuration is gone"
  [ -e /var/lib/bramble/agent/agent.state ] || fail "the state is gone"
  dpkg -i /packages/bramble-agent_*.deb >/dev/null 2>&1 || fail "dpkg -i"
  wait_for "the node" node_is_on
}

check_purge() {
  say "purged"
  dpkg -P bramble-agent >/dev/null 2>&1 || fail "dpkg -P bramble-agent"
  [ ! -e /etc/bramble/agent.toml ] || fail "the agent's configuration is left"
  [ ! -e /var/lib/bramble/agent ] && [ ! -e /var/lib/bramble/warden ] || fail "the agent's state is left"
  [ -e /var/lib/bramble/aggregator/jobs.db ] || fail "the aggregator's state is gone"
  active bramble-aggregator || fail "the aggregator was stopped"
  dpkg -P bramble-aggregator bramble >/dev/null 2>&1 || fail "dpkg -P bramble-aggregator"
  [ ! -e /etc/bramble ] && [ ! -e /var/lib/bramble ] || fail "left: $(find /etc/bramble /var/lib/bramble)"
  ! broker_pid || fail "the aggregator's Mosquitto is left"
  [ -z "$(find /etc/systemd/system -name 'bramble-*' ! -name '*.d')" ] || fail "links to units are left"
  getent passwd bramble-agent >/dev/null || fail "the user is gone, and its number may come to mean somebody else"
  for unit in "${units[@]}"; do ! systemctl --quiet is-failed "$unit" || fail "$unit is failed"; done
}

systemctl is-active --quiet dbus || fail "no dbus"
check_install
check_readme
check_python
check_rights
check_trespass
check_sandbox
check_status
check_work
check_watchdog
check_crash_of_the_head
check_removed_node
check_upgrade
check_foreign
check_remove
check_purge
echo "all good"
