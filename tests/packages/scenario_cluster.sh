#!/usr/bin/env bash
# Runs on the head that in_containers.sh boots, as root: a cluster of machines of their own, from packages to work.
# shellcheck disable=SC2016 # much of what stands in single quotes is for a shell elsewhere
set -euo pipefail
export HOME=/root

agent_deb=(/mnt/share/bramble-agent_*.deb)
own_topic=checkup

# shellcheck source-path=SCRIPTDIR source=scenario_words.sh
. "$(dirname "$0")/scenario_words.sh"
# Three machines have something to say then.
fail() {
  printf 'FAILED: %s\n' "$*"
  journalctl --no-pager -n 60 -o cat -u 'bramble-*' || true
  for machine in pi01 pi02; do on $machine 'journalctl --no-pager -n 30 -o cat -u "bramble-*"' || true; done
  end_nodes
  exit 1
}

# on NODE COMMAND: runs it there as root, says what it says, and returns its status.
on() {
  local answer
  timeout 60 bash -c 'printf "%s\n" "$2" >"/mnt/carry/$1.order"' - "$1" "${2//$'\n'/ }" || return 99
  answer=$(timeout 130 cat "/mnt/carry/$1.answer") || return 99
  if [[ $answer == *$'\n'* ]]; then printf '%s\n' "${answer%$'\n'*}"; fi
  return "${answer##*$'\n'}"
}
end_nodes() {
  local machine
  for machine in pi01 pi02; do timeout 20 bash -c "echo end >/mnt/carry/$machine.order" || true; done
}

flash() {
  cursor=$(journalctl -n 1 -o cat --show-cursor | sed -n 's/^-- cursor: //p')
  systemctl start "bramble-flash@$1"
}
# What the last start of it said.
flash_said() {
  journalctl --sync
  journalctl -o cat -u bramble-flash@pi02 --after-cursor="$cursor"
}
expect_flash_fails() {
  if flash pi02 2>/dev/null; then fail "it was flashed though $1"; fi
  flash_said | grep -F -- "$2" || fail "it does not say '$2' but: $(flash_said)"
}

check_readme() {
  say "the head and pi01, as the README says"
  cd /mnt/carry
  USER=nobody bash -eux /mnt/share/readme.sh || fail "the README's commands for the head"
  [ "$(stat -c %a pi01.join)" = 600 ] || fail "others may read the join file"
  on pi01 'mv /mnt/carry/pi01.join /root/ && cd /root && bash -eux /mnt/share/readme.sh' || fail "the README's commands for a node"
  wait_for pi01 node_is_on pi01
  [ "$(bramble run -- hostname)" = pi01 ] || fail "no task on pi01"
}

# Answers what ssh asks a person for.
be_a_person() {
  printf '#!/bin/sh\ncase $1 in *assword*) echo raspberry ;; *) echo yes ;; esac\n' >/root/person
  chmod 700 /root/person
  export SSH_ASKPASS=/root/person SSH_ASKPASS_REQUIRE=force
}

check_flash() {
  say "pi02 is flashed"
  local advice
  expect_flash_fails "it has no key" "does not let pi in with the key of this head"
  advice=$(flash_said | grep -o 'ssh-copy-id [^,]*')
  be_a_person
  bash -c "$advice" </dev/null || fail "the advice: $advice"
  expect_flash_fails "there is no package" "/var/lib/bramble/packages"
  cp "${agent_deb[@]}" /var/lib/bramble/packages/
  flash pi02 || fail "flash: $(flash_said)"
  flash_said
  node_is_on pi02 >/dev/null || fail "pi02 is not on"
  on pi02 'stat -c "%U %a" /var/lib/bramble/agent/identity/node.pem' | grep -qx "bramble-agent 600" || fail "others may read the key"
  on pi02 'ls -A /var/tmp' | grep bramble-flash && fail "what was copied is left"
  say "a second time nothing is to be done"
  flash pi02 || fail "flash: $(flash_said)"
  flash_said | grep -q "has bramble-agent .* already" || fail "it says: $(flash_said)"
  if flash_said | grep -qE "bringing|joining"; then fail "it did: $(flash_said)"; fi
}

check_work() {
  say "a job on both nodes"
  bramble submit --array 1-40 -- sh -c 'hostname; sleep 0.2' >/dev/null
  bramble job wait last || fail "the job"
  [ "$(bramble job cat last | sort -u | tr '\n' ' ')" = "pi01 pi02 " ] || fail "it ran on: $(bramble job cat last | sort | uniq -c)"
}

check_counting() {
  say "words counted by the kernels of both nodes"
  local counted
  counted=$(for _ in {1..2000}; do echo b a b; done | bramble map --split 1K --kernel wordcount --combine tally --reduce tally) ||
    fail "map"
  [ "$(tr '\t\n' '  ' <<<"$counted")" = "a 2000 b 4000 " ] || fail "counted: $counted"
}

check_inputs() {
  say "a file that both nodes want, over TLS"
  local sha
  cd /root
  head -c 30000000 /dev/urandom >in
  sha=$(sha256sum <in)
  bramble submit --array 1-8 --input in -- sh -c 'sha256sum <in; hostname >&2; sleep 0.5' >/dev/null
  bramble job wait last || fail "the job"
  [ "$(bramble job cat last | sort -u)" = "$sha" ] || fail "they had: $(bramble job cat last | sort | uniq -c)"
  [ "$(bramble job cat last --stderr | sort -u | tr '\n' ' ')" = "pi01 pi02 " ] || fail "it ran on one of them"
  say "its damaged copy on pi02 is fetched again"
  # shellcheck disable=SC2016 # for the shell there
  on pi02 'copies=$(find /var/lib/bramble -type f -size 30000000c) && [ -n "$copies" ] &&
    for copy in $copies; do printf X | dd of="$copy" conv=notrunc status=none || exit 1; done' || fail "pi02 keeps no copy"
  bramble run --on pi02 --input in -- sha256sum in | grep -qF "${sha%% *}" || fail "the damaged one was used"
}

# Of 80 epochs.
is_under_way() { grep -q '^epoch 20/' trained; }
is_over() { grep -q '^epoch 80/' trained; }
train() { bramble train "$@" /mnt/share/examples/iris.toml; }

check_training() {
  say "a network trained on pi01 is the same as on both nodes, whose one warden is killed meanwhile"
  local training warden answers
  cd /root
  train --on pi01 --output one.model >trained 2>&1 || fail "no training on pi01: $(tail trained)"
  warden=$(on pi02 'systemctl show --property MainPID --value bramble-warden') || fail "no warden"
  : >trained
  train --output both.model >trained 2>&1 &
  training=$!
  wait_for "the middle of the training" is_under_way
  on pi02 "kill -KILL $warden" || fail "kill"
  ! is_over || fail "the training was over when the warden was killed"
  wait $training || fail "no training: $(tail trained)"
  cmp one.model both.model || fail "the models differ"
  bramble job info last | grep ' pi02 ' >/dev/null || fail "pi02 had no part in it"
  on pi02 'systemctl show --property MainPID --value bramble-warden' | grep -qvx "$warden" || fail "the warden was not killed"
  answers=$(bramble infer both.model /mnt/share/fixtures/data/iris.csv --summary) || fail "infer"
  [[ $answers =~ ^(9[6-9]|100).*\ %\ right ]] || fail "$answers"
}

# publish NODE TOPIC WORD... : as mosquitto_pub does it there, with the node's own certificate.
publish() {
  local node=$1 topic=$2
  shift 2
  on "$node" "cd /var/lib/bramble/agent/identity; timeout 10 mosquitto_pub -d -h head -p 8883 -V 5 -q 1 -m x --cafile ca.crt --insecure -t bramble/bramble/node/$topic $*"
}
check_rights() {
  say "what nodes may do"
  local own other certificate='--cert node.pem --key node.pem'
  for own in pi01 pi02; do
    other=pi01
    if [ $own = pi01 ]; then other=pi02; fi
    publish $own "$own/$own_topic" "$certificate" | grep -qF "RC:0" || fail "$own: its own topic"
    publish $own "$other/status" "$certificate" | grep -qF "RC:135" || fail "$own: another node's topic"
    publish $own "$own/tasks" "$certificate" | grep -qF "RC:135" || fail "$own hands out work"
    if publish $own "$own/$own_topic" >/dev/null; then fail "a stranger is let in"; fi
  done
}

check_upgrade() {
  say "flashed with a newer package in the middle of a task"
  bramble node drain pi01 --reason "the test" || fail "drain"
  bramble submit -- sh -c 'echo try $BRAMBLE_ATTEMPT; until [ -e /tmp/go ]; do sleep 0.1; done; hostname' >/dev/null
  wait_for "the task" sh -c 'bramble node list --json | jq -e "any(.[]; .node == \"pi02\" and .running == 1)"'
  cp /mnt/share/upgrade/*.deb "/var/lib/bramble/packages/newer.deb"
  flash pi02 || fail "flash: $(flash_said)"
  flash_said | grep -F "+upgrade" || fail "it was not upgraded"
  on pi02 'dpkg-query -W -f "\${Version}\n" bramble-agent' | grep -qF "+upgrade" || fail "the old one is there"
  on pi02 'touch /tmp/go'
  bramble job wait last || fail "the job failed"
  [ "$(bramble job cat last | tr '\n' ' ')" = "try 1 pi02 " ] || fail "the task was disturbed: $(bramble job cat last)"
  bramble node resume pi01 || fail "resume"
}

check_host_key() {
  say "another host key is refused"
  on pi02 'rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh' >/dev/null || fail "new host keys"
  expect_flash_fails "its host key changed" "has another host key than it had"
  bash -c "$(flash_said | grep -o 'ssh-keygen -f [^,]*')" || fail "the advice"
  flash pi02 || fail "flash: $(flash_said)"
}

# What a shell's .bashrc says, ssh says.
check_flood() {
  say "a node that says without end is hung up on"
  local where
  on pi02 'mv /home/pi/.bashrc /root/' || fail "no .bashrc"
  for where in "" " >&2"; do
    on pi02 "echo 'yes no end$where' >/home/pi/.bashrc" || fail "no new .bashrc"
    expect_flash_fails "it says without end$where" "pi02 says more than bramble-flash listens to"
    [ "$(flash_said | grep -c "bramble-flash: ")" = 1 ] || fail "that is not one sentence: $(flash_said)"
  done
  on pi02 'mv /root/.bashrc /home/pi/' || fail "the old .bashrc"
}

check_remove() {
  say "pi02 is removed, and flashed again"
  bramble node remove pi02 --reason "the test" || fail "remove"
  if publish pi02 "pi02/$own_topic" --cert node.pem --key node.pem | grep -F "RC:0"; then fail "its certificate still holds"; fi
  bramble node list --json | jq -e '[.[].node] == ["pi01"]' >/dev/null || fail "it is known"
  flash pi02 || fail "flash: $(flash_said)"
  node_is_on pi02 >/dev/null || fail "pi02 is not on"
  check_work
}

check_readme
check_flash
check_work
check_counting
check_inputs
check_training
check_rights
check_upgrade
check_host_key
check_flood
check_remove
end_nodes
echo "all good"
