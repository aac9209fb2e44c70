#!/usr/bin/env bash
# The part of the demo that runs inside the cluster (started by demo.sh).
set -euo pipefail

work=$DEMO_WORK
# A piece that begins with something else than a letter gives an empty first line: not a word.
map='tr -cs A-Za-z "\n" | sed "/^$/d" | sort | uniq -c'
reduce='awk "{ n[\$2] += \$1 } END { for (w in n) print n[w], w }" | sort -k1,1nr -k2,2'

pid_of() { jq -r ".nodes[\"$1\"].$2" "$work/cluster/pids.json"; }
ask() { bramble query "$1" --format json; }
fail() { echo "demo: $*" >&2; exit 1; }

echo
echo "counting words on 4 nodes, in pieces of 4 MiB:"
bramble map --split 4M --reduce "$reduce" "$work/text" -- sh -c "$map" >"$work/cluster.counts" &
map_pid=$!

# Waits until two nodes hold running pieces, and prints their names.
busy_nodes() {
  for _ in $(seq 1 300); do
    kill -0 "$map_pid" 2>/dev/null || return 1
    nodes=$(ask "SELECT node FROM jobs.attempts WHERE job = 1 AND outcome = 'running' GROUP BY node ORDER BY max(started_ms) DESC LIMIT 2" |
      jq -r '.[].node')
    [ "$(wc -w <<<"$nodes")" -eq 2 ] && { echo $nodes; return 0; }
    sleep 0.1
  done
  return 1
}

running_on() {
  ask "SELECT job || '/' || task || '/' || attempt AS id FROM jobs.attempts WHERE job = 1 AND node = '$1' AND outcome = 'running'" |
    jq -r '.[].id'
}

# An attempt was open at a time if its node says that it ran from before until after.
was_open() {  # id, time in ms
  IFS=/ read -r job task attempt <<<"$1"
  ask "SELECT count(*) AS open FROM jobs.attempts_raw WHERE job = $job AND task = $task AND attempt = $attempt
       AND node_started_ms <= $2 AND node_started_ms + duration_ms > $2" | jq -r '.[0].open'
}

outcome_of() {
  IFS=/ read -r job task attempt <<<"$1"
  ask "SELECT outcome, committed FROM jobs.attempts WHERE job = $job AND task = $task AND attempt = $attempt" |
    jq -r '.[0] | "\(.outcome) \(.committed)"'
}

# Waits until an attempt is no longer running, and prints how it ended.
end_of() {
  for _ in $(seq 1 200); do
    read -r outcome committed < <(outcome_of "$1")
    [ "$outcome" != running ] && [ "$outcome" != assigned ] && break
    sleep 0.1
  done
  echo "$outcome $committed"
}

# Kills the agent of a node; good if an attempt that was open at the kill went on and was committed.
kill_agent() {  # node
  local pid held at id
  pid=$(pid_of "$1" agent)
  held=$(running_on "$1")
  at=$(date +%s%3N)
  kill -KILL "$pid"
  echo "killed the agent of $1 (pid $pid) while these attempts were open there: $(echo ${held:-none})"
  for id in $held; do
    read -r outcome committed < <(end_of "$id")
    if [ "$outcome $committed" = "exited 1" ] && [ "$(was_open "$id" "$at")" = 1 ]; then
      echo "  attempt $id went on without its agent and was committed"
      return 0
    fi
  done
  echo "  none of them was open any more: once again"
  return 1
}

# Kills the warden of a node; good if it took an attempt along, and a later attempt of that task was committed.
kill_warden() {  # node
  local pid held id final
  pid=$(pid_of "$1" warden)
  held=$(running_on "$1")
  kill -KILL "$pid"
  echo "killed the warden of $1 (pid $pid) while these attempts were open there: $(echo ${held:-none})"
  for id in $held; do
    read -r outcome committed < <(end_of "$id")
    [ "$outcome" = warden_lost ] || continue
    echo "  attempt $id died with its warden"
    lost_attempt=$id
    return 0
  done
  echo "  none of them was open any more: once again"
  return 1
}

sleep 1
lost_attempt=''
agent_done=0
for _ in $(seq 1 10); do
  read -r node_a node_w < <(busy_nodes) || break
  [ "$agent_done" = 1 ] || { kill_agent "$node_a" && agent_done=1; }
  [ -n "$lost_attempt" ] || kill_warden "$node_w" || true
  [ "$agent_done" = 1 ] && [ -n "$lost_attempt" ] && break
done

wait "$map_pid" || fail "the map ended with status $?"
[ "$agent_done" = 1 ] || fail "no kill of an agent hit an open piece"
[ -n "$lost_attempt" ] || fail "no kill of a warden hit an open piece"

IFS=/ read -r job task attempt <<<"$lost_attempt"
again=$(ask "SELECT attempt, node FROM jobs.attempts WHERE job = $job AND task = $task AND committed")
final_attempt=$(jq -r '.[0].attempt' <<<"$again")
echo "task $job/$task was run again and committed by attempt $final_attempt on $(jq -r '.[0].node' <<<"$again")"
[ "$final_attempt" -gt "$attempt" ] || fail "task $job/$task was not committed by a later attempt"

echo
echo "the same pipeline on one machine:"
sh -c "$map" <"$work/text" | sh -c "$reduce" >"$work/alone.counts"
cmp "$work/cluster.counts" "$work/alone.counts" || fail "the counts differ"
echo "equal, byte for byte: $(wc -l <"$work/alone.counts") different words; the most frequent:"
head -n 5 "$work/cluster.counts"

echo
bramble node list
echo
echo "the last minute, by bramble query:"
bramble query "SELECT node, count(*) AS readings, round(avg(cpu_busy_ratio), 2) AS busy, round(avg(power_w), 2) AS modelled_w,
  round(max(energy_j) - min(energy_j), 1) AS joules FROM telemetry WHERE time_us > (unixepoch() - 60) * 1000000 GROUP BY node"
