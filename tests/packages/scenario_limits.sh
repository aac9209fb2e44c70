#!/usr/bin/env bash
# Runs in the virtual machine that in_vm.sh boots, as root, after everything else: head and node are this one machine, and
# its kernel has control groups of version 2 that are all its own.
set -euo pipefail

. "$(dirname "$0")/scenario_words.sh"

slots=/sys/fs/cgroup/system.slice/bramble-warden.service/tasks
# Twice and more what the tasks here may have; tail keeps a line that does not end in memory.
hog='head -c 200M /dev/zero | tail'

# field NAME FILE: of lines of "name number".
field() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }
state_of() { bramble job info "$1" --json | jq -r '.[0].state'; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
explained() {
  bramble job explain "$1" --json | grep -F -- "$2" >/dev/null || fail "job $1 is not explained by \"$2\": $(bramble job explain "$1" --json)"
}
# A task says in /tmp/here which group it is in: begin [OPTION...] SCRIPT; sets job and group.
begin() {
  local script="cut -d: -f3 /proc/self/cgroup >/tmp/here.new; mv /tmp/here.new /tmp/here; ${*: -1}"
  rm -f /tmp/here
  job=$(bramble submit "${@:1:$#-1}" -- sh -c "$script")
  wait_for "the task" test -e /tmp/here
  group=/sys/fs/cgroup$(cat /tmp/here)
  case "$group" in "$slots"/task-*) ;; *) fail "the task is in the group $group" ;; esac
}
empty() { [ "$(cat "$1/pids.current")" = 0 ]; }
end() {
  bramble job cancel "$job" >/dev/null
  wait_for "the end of all that it started" empty "$group"
}

check_install() {
  say "installed and joined as the README says, on $(uname -mr), systemd $(systemctl --version | awk 'NR == 1 { print $2 }')"
  grep -q "^apt install ./bramble-agent" /scenario/readme.sh || fail "the README has no commands"
  (cd /root && USER=nobody DEBIAN_FRONTEND=noninteractive bash -eux /scenario/readme.sh) >/tmp/readme.log 2>&1 ||
    fail "the README's commands: $(cat /tmp/readme.log)"
  wait_for "the node" node_is_on
  [ "$(bramble run -- uname -m)" = "$(uname -m)" ] || fail "no task"
}

check_node_info() {
  say "what the node says of itself"
  bramble node info pi01
  bramble node info pi01 | grep -qE '^ *limits +memory by the kernel, cpus by the kernel, processes by the kernel$' || fail "its limits"
  bramble node info pi01 | grep -qE '^ *sandbox +yes$' || fail "its sandbox"
  bramble node list --json | jq -e --arg arch "$(uname -m)" '.[0].arch == $arch' >/dev/null || fail "it is no $(uname -m)"
}

# It runs beside all that follows.
start_neighbour() {
  rm -f /tmp/go
  neighbour=$(bramble submit --memory 64M -- sh -c 'until [ -e /tmp/go ]; do sleep 0.2; done; echo "try $BRAMBLE_ATTEMPT"')
  wait_for "the neighbour" state_is "$neighbour" running
}
end_neighbour() {
  say "its neighbour was disturbed by none of that"
  touch /tmp/go
  bramble job wait "$neighbour" || fail "the neighbour: $(bramble job explain "$neighbour")"
  [ "$(bramble job cat "$neighbour")" = "try 1" ] || fail "the neighbour was run again"
}

# check_memory WHEN
check_memory() {
  say "a task over its memory is killed and says why ($1)"
  local status=0
  bramble run --memory 48M -- sh -c "$hog" >/dev/null || status=$?
  [ $status = 137 ] || fail "it ended with status $status"
  bramble job explain last
  explained last "over its memory of 48 MiB: killed by the kernel"
  state_is "$neighbour" running || fail "its neighbour is $(state_of "$neighbour")"
  [ "$(bramble run --memory 48M -- echo enough)" = enough ] || fail "a task within its memory"
}

check_memory_of_a_daemon() {
  say "what a task started and let go of counts, too"
  local status=0
  bramble run --memory 48M -- sh -c "(setsid sh -c '$hog' >/dev/null 2>&1 &) ; exec sleep 600" || status=$?
  [ $status = 137 ] || fail "it ended with status $status"
  explained last "over its memory of 48 MiB: killed by the kernel"
}

# More than the machine has: what it may not take keeps everybody else alive.
check_memory_of_the_node() {
  say "a task without a limit does not take the machine down"
  local status=0
  echo "figure: all tasks together may have $(($(cat "$slots/memory.max") >> 20)) of $(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
  bramble run -- sh -c 'head -c 3G /dev/zero | tail' >/dev/null || status=$?
  [ $status = 137 ] || fail "it ended with status $status"
  explained last "the node had no memory left"
  state_is "$neighbour" running || fail "its neighbour is $(state_of "$neighbour")"
  active bramble-agent bramble-warden bramble-aggregator || fail "a daemon died of it"
}

check_double_fork() {
  say "what forked twice and left its session is in the task's group, and ends with it"
  local daemon
  begin "(setsid sh -c 'sleep 6789 & echo \$! >/tmp/daemon' &) ; exec sleep 600"
  wait_for "the daemon" test -s /tmp/daemon
  daemon=$(cat /tmp/daemon)
  grep -qx "$daemon" "$group/cgroup.procs" || fail "the daemon is not in $group"
  end
  ! kill -0 "$daemon" 2>/dev/null || fail "the daemon lives on"
}

# As many as there may be: all wait for /tmp/hold, the task itself for /tmp/end. The neighbour forks five times a second.
check_processes() {
  say "a task that forks without end is held, and the node goes on"
  local most now tries
  rm -f /tmp/hold /tmp/end
  mkfifo -m 666 /tmp/hold /tmp/end
  begin '(while :; do read x </tmp/hold & done) 2>/dev/null; read x </tmp/end; exit 3'
  most=$(cat "$group/pids.max")
  [ $((most * $(nproc))) -le $(($(cat /proc/sys/kernel/threads-max) / 2)) ] || fail "$most for each slot are too many"
  for ((tries = 0; tries < 600; ++tries)); do
    [ "$(field max "$group/pids.events")" = 0 ] || break
    sleep 1
  done
  now=$(cat "$group/pids.current")
  [ "$(field max "$group/pids.events")" != 0 ] || fail "it never came to its limit of $most: $now processes"
  echo "figure: $now processes of at most $most, with $(($(cat "$group/memory.current") >> 20)) MiB"
  [ "$now" -le "$most" ] || fail "more than $most processes"
  wait_for "a whole beat of the node" node_is_on
  state_is "$neighbour" running || fail "its neighbour is $(state_of "$neighbour")"
  echo >/tmp/end
  ! bramble job wait "$job" 2>/dev/null || fail "it succeeded"
  explained "$job" "it was at its limit of $most processes and threads"
  empty "$group" || fail "left: $(cat "$group/pids.current") processes"
  rm /tmp/hold /tmp/end
}

# By what the kernel counts alone: a period is 0.1 s of its own time.
check_cpus() {
  say "two busy processes of a task with one cpu get one"
  local periods used now
  [ "$(nproc)" -ge 2 ] || fail "this machine has one processor"
  begin 'while :; do :; done & while :; do :; done'
  [ "$(cat "$group/cpu.max")" = "100000 100000" ] || fail "its limit is $(cat "$group/cpu.max")"
  periods=$(field nr_periods "$group/cpu.stat") used=$(field usage_usec "$group/cpu.stat")
  for ((tries = 0; tries < 600; ++tries)); do
    now=$(field nr_periods "$group/cpu.stat")
    [ $((now - periods)) -lt 50 ] || break
    sleep 0.5
  done
  used=$(($(field usage_usec "$group/cpu.stat") - used)) now=$(field nr_periods "$group/cpu.stat")
  echo "figure: $((used / (now - periods) / 1000)) % of a cpu, held back $(field nr_throttled "$group/cpu.stat") times"
  [ $((now - periods)) -ge 50 ] || fail "the kernel does not count its time"
  [ "$(field nr_throttled "$group/cpu.stat")" -gt 0 ] || fail "it was never held back"
  [ $((used / (now - periods))) -le 125000 ] || fail "it had more than one and a quarter cpus"
  end
}

check_restarted_agent() {
  say "limits hold on after the agent is restarted"
  local agent
  agent=$(pid_of bramble-agent)
  begin --memory 48M "until [ -e /tmp/more ]; do sleep 0.2; done; $hog"
  systemctl restart bramble-agent
  has_another_pid bramble-agent "$agent" || fail "the agent was not restarted"
  wait_for "the node" node_is_on
  [ "$(cat "$group/memory.max")" = $((48 << 20)) ] || fail "its limit is $(cat "$group/memory.max")"
  touch /tmp/more
  ! bramble job wait "$job" 2>/dev/null || fail "it was not killed"
  explained "$job" "over its memory of 48 MiB: killed by the kernel"
  rm /tmp/more
}

# Prints each thing that went through though no task may do it. Its words: the number of the system call by which a
# debugger attaches itself (16), and the pids of agent, warden and keepers; perl is in every Debian.
trespass='
  may() { if "$@" >/dev/null 2>&1; then echo "$*"; fi; }
  attach() { perl -e "exit(syscall($ptrace, 16, $1, 0, 0) == 0 ? 0 : 1)"; }
  ptrace=$1
  shift
  may cat /var/lib/bramble/agent/identity/node.pem
  may ls /var/lib/bramble/agent
  may touch /usr/here
  for pid in "$@"; do
    may kill -0 "$pid"
    may attach "$pid"
    may head -c 1 "/proc/$pid/environ"
  done
  sleep 600 & attach $! || echo "its own child cannot be traced, either: so nothing was shown"
  echo "tried all as $(id -un)"'

check_rights() {
  local mode went call=101
  [ "$(uname -m)" = x86_64 ] || call=117
  # shellcheck disable=SC2046
  set -- $(pid_of bramble-agent) $(pid_of bramble-warden) $(pgrep -P "$(pid_of bramble-warden)")
  [ $# -ge 4 ] || fail "agent, warden and keepers are $*"
  for mode in none sandbox; do
    say "what a task may not do, isolated: $mode"
    went=$(bramble run --isolate $mode -- sh -c "$trespass" sh $call "$@" 2>&1) || fail "$went"
    [ "$went" = "tried all as bramble-task" ] || fail "$went"
  done
}

# may_not WHAT [OPTION...] -- COMMAND... : fails, of itself and not because bramble could not run it.
may_not() {
  local what=$1 status=0
  shift
  bramble run "$@" >/dev/null 2>/tmp/refused || status=$?
  case $status in
    0) fail "a task $what" ;;
    126 | 127 | 255) fail "it was not tried whether a task $what: $(cat /tmp/refused)" ;;
  esac
}

check_sandbox() {
  say "what a sandbox is"
  local seen
  # The same words succeed outside of it.
  [ "$(bramble run -- bash -c 'echo >/dev/tcp/127.0.0.1/8883 && echo reached')" = reached ] || fail "the broker's port is closed"
  may_not "reaches the broker" --isolate sandbox -- bash -c 'echo >/dev/tcp/127.0.0.1/8883'
  [ "$(bramble run --isolate sandbox --network -- bash -c 'echo >/dev/tcp/127.0.0.1/8883 && echo reached')" = reached ] ||
    fail "it has no network, although it was asked for"
  seen=$(bramble run --isolate sandbox -- sh -c 'echo /proc/[0-9]* | wc -w')
  [ "$seen" -le 5 ] || fail "it sees $seen processes"
  touch /tmp/outside
  may_not "sees the machine's /tmp" --isolate sandbox -- test -e /tmp/outside
  may_not "sees the API's socket" --isolate sandbox -- test -e /run/bramble/api.sock
  [ "$(bramble run --isolate sandbox -- sh -c 'echo kept >here && cp here /tmp/ && cat /tmp/here')" = kept ] || fail "it has nowhere to write"
  local status=0
  bramble run --isolate sandbox --memory 48M -- sh -c "$hog" >/dev/null || status=$?
  [ $status = 137 ] || fail "one over its memory ended with status $status"
  explained last "over its memory of 48 MiB: killed by the kernel"
}

check_restarted_warden() {
  say "limits are there again after the warden is restarted"
  systemctl restart bramble-warden
  wait_for "the node" node_is_on
  begin --memory 48M 'exec sleep 600'
  [ "$(cat "$group/memory.max")" = $((48 << 20)) ] || fail "its limit is $(cat "$group/memory.max")"
  [ "$(cat "$group/memory.swap.max" 2>/dev/null || echo 0)" = 0 ] || fail "it may swap"
  end
}

# By systemd's count, which has the kernel's part and the page cache in it, and by that of the processes.
print_memory() {
  say "what the daemons take"
  local unit pid
  for unit in bramble-agent bramble-warden bramble-aggregator; do
    echo "figure: $unit: MemoryCurrent $(($(systemctl show --property MemoryCurrent --value $unit) >> 10)) KiB"
    for pid in $(pid_of $unit) $(pgrep -P "$(pid_of $unit)"); do
      awk -v what="$unit $pid" '/^Name|^Rss|^VmRSS/ { words = words " " $1 " " $2 } END { print "figure: " what ":" words " (KiB)" }' "/proc/$pid/status"
    done
  done
}

check_install
check_node_info
print_memory
start_neighbour
check_memory "fresh"
check_memory_of_a_daemon
check_memory_of_the_node
check_double_fork
check_restarted_agent
check_memory "after a restart of the agent"
check_cpus
check_processes
check_rights
check_sandbox
print_memory
end_neighbour
check_restarted_warden
echo "all good"
