# What the guests of a cluster share. The kernel's command line has rig.name and rig.ip.
word() { sed -n "s/.*rig\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

# The device of a port that the host knows by name.
port() {
  local name
  for name in /sys/class/virtio-ports/*/name; do
    [ "$(cat "$name")" = "$1" ] && basename "${name%/name}" | sed 's#^#/dev/#'
  done
}

begin() {
  hostname "$(word name)"
  ip addr add "$(word ip)/24" dev eth0
  ip link set eth0 up
  printf '10.9.0.1 head\n' >>/etc/hosts
  mkdir -p /state
  mount -t ext4 /dev/vda /state || echo "rig: no disk"
}

# A line from the host is a command; what it prints goes back, and then its status.
serve_shell() {
  local line
  exec 3<>"$(port shell)" # it can be opened once only
  echo "rig: up"
  while :; do
    while read -r line <&3; do
      sh -c "$line" </dev/null >&3 2>&1 3>&-
      printf '\n##status %s\n' $? >&3
    done
    usleep 50000 # the host is not there
  done
}
